/**
 * One call on its way from the caller to its answer.
 *
 * States: *waiting* (its frame is encoded, no link has it) → *sent* → *settled*. A lost connection, or an altered table, takes a sent one
 * back to waiting.
 *
 * 1. A frame is encoded once, during the call: what the caller does with its arguments afterwards changes nothing. A repeat sends the same
 *    bytes, with another request id and the handles of the new session.
 * 2. A request is settled exactly once: by its answer, its deadline, its signal or the end of the client.
 * 3. A sent request that is settled early keeps its id until its answer comes or the connection ends, so that no later request gets that
 *    answer.
 */
import { assert } from '@k-lani/base';
import {
  type ByteReader,
  type ByteWriter,
  FRAME_HEADER_SIZE,
  type KLaniError,
  type OpcodeNumber,
  decodeErrorAnswer,
} from '@k-lani/protocol';
import type { OpenTable } from './open-tables.ts';

/** What each call may limit. */
export interface CallOptions {
  /** Ends the call early with `Aborted`. A write that was sent by then may have happened. */
  readonly signal?: AbortSignal;
  /** How long to wait for the answer, in milliseconds, over all reconnects; by default what the client was opened with. */
  readonly timeoutMs?: number;
}

/**
 * What becomes of a sent request whose connection was lost: asked again in the next session; done, because the end of the session did it;
 * or refused, because it made sense only in that session.
 */
export type AfterLoss = 'repeat' | 'done' | 'refuse';

const NO_BYTES = new Uint8Array();
const NO_TABLES: readonly OpenTable[] = [];

/** Set during `new Promise`: an executor of its own would cost each call a closure. */
let newResolve: (value: unknown) => void = unset;
let newReject: (error: unknown) => void = unset;

function unset(): never {
  assert(false, 'Request: settled before it was begun');
}

function keepSettlers(resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
  newResolve = resolve;
  newReject = reject;
}

/** A call of one opcode, with `T` the caller's result. */
export abstract class Request<T = unknown> {
  abstract readonly opcode: OpcodeNumber;
  /** The id it was sent with; meaningful while sent. */
  id = 0;
  /** Rises with each call of a connection: the order in which lost requests are sent again. */
  sequence = 0;
  deadlineMs = 0;
  /** Its frame is `frame[frameStart, frameEnd)`, in memory that nobody else writes. */
  frame: Uint8Array = NO_BYTES;
  frameStart = 0;
  frameEnd = 0;
  /** A link has had its frame: the server may know of it. */
  wasSent = false;
  /** A session ended while it was in flight. */
  wasLost = false;
  /** It was refused for a stale handle before; a second time is final. */
  wasRebound = false;
  isSettled = false;
  #resolve: (value: unknown) => void = unset;
  #reject: (error: unknown) => void = unset;
  #release: (() => void) | undefined;

  /** Appends the payload; the header is the connection's. */
  abstract encode(writer: ByteWriter): void;

  /** Reads the payload of a good answer, copying out what it keeps. */
  abstract decode(reader: ByteReader): T;

  /** The result of a refusal that callers expect, else the error to reject with. */
  refused(status: number, reader: ByteReader, retryAfterMs: number): T | KLaniError {
    return decodeErrorAnswer(reader, status, retryAfterMs);
  }

  /** The operation id, for a request that may have changed something though no answer came. */
  get operationId(): string | undefined {
    return undefined;
  }

  /** Bytes of its frame. */
  get sizeBytes(): number {
    return this.frameEnd - this.frameStart;
  }

  /** Whether it is a write that the server may have carried out. */
  get mayHaveHappened(): boolean {
    return this.wasSent && this.operationId !== undefined;
  }

  /** Lets go of the frame: it will not be sent again. */
  dropFrame(): void {
    this.frame = NO_BYTES;
    this.frameStart = 0;
    this.frameEnd = 0;
  }

  /**
   * Appends the payload of a request that was encoded before, with the handles of the present session.
   *
   * @throws {KLaniError} when its table could not be opened again: the request ends with that
   */
  encodeAgain(writer: ByteWriter): void {
    writer.append(this.frame, this.frameStart + FRAME_HEADER_SIZE, this.frameEnd);
  }

  /** What a lost connection means for it, once it was sent. */
  get afterLoss(): AfterLoss {
    return 'repeat';
  }

  /** The tables whose handles it names: an answer that they have changed opens them again and repeats the request, once. */
  get tables(): readonly OpenTable[] {
    return NO_TABLES;
  }

  /** A good answer came after the request was settled: what it gave has to be given back. */
  late(_reader: ByteReader): void {}

  /** The promise of the call. */
  begin(): Promise<T> {
    const promise = new Promise<unknown>(keepSettlers);
    this.#resolve = newResolve;
    this.#reject = newReject;
    return promise as Promise<T>;
  }

  /** Calls `onAbort` when the signal fires before the request is settled. */
  watch(signal: AbortSignal, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort, { once: true });
    this.#release = () => signal.removeEventListener('abort', onAbort);
  }

  resolve(value: T): void {
    this.#settle();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    assert(!this.isSettled, 'Request: settled twice');
    this.isSettled = true;
    if (this.#release !== undefined) this.#release();
  }
}
