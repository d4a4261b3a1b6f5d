/**
 * One call on its way from the caller to its answer. What is asked is a `Call`; where it stands is here, in objects of one shape, because
 * what every call passes through is fast only as long as it sees no more than a few shapes.
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
import { FRAME_HEADER_SIZE, type OpcodeNumber, formatOperationId } from '@k-lani/protocol';
import type { Call, CallContext } from './call.ts';
import type { OpenTable, TableHandle } from './open-tables.ts';

/** What each call may limit. */
export interface CallOptions {
  /** Ends the call early with `Aborted`. A write that was sent by then may have happened. */
  readonly signal?: AbortSignal;
  /** How long to wait for the answer, in milliseconds, over all reconnects; by default what the client was opened with. */
  readonly timeoutMs?: number;
}

const NO_BYTES = new Uint8Array();

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

/** A call that was made, with `T` the caller's result. */
export class Request<T = unknown> implements CallContext {
  readonly call: Call<T>;
  readonly opcode: OpcodeNumber;
  readonly table: OpenTable | undefined;
  /** The id it was sent with; meaningful while sent. */
  id = 0;
  /** Rises with each call of a connection: the order in which lost requests are sent again. */
  sequence = 0;
  deadlineMs = 0;
  /** In memory that nobody else writes. */
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
  #handle: TableHandle | undefined;
  #resolve: (value: unknown) => void = unset;
  #reject: (error: unknown) => void = unset;
  #release: (() => void) | undefined;

  constructor(call: Call<T>, table: OpenTable | undefined) {
    this.call = call;
    this.opcode = call.opcode;
    this.table = table;
  }

  get handle(): TableHandle {
    assert(this.#handle !== undefined, 'Request.handle: the call was not encoded, or is about no table');
    return this.#handle;
  }

  bind(): TableHandle {
    assert(this.table !== undefined, 'Request.bind(): the call is about no table');
    this.#handle = this.table.use();
    return this.#handle;
  }

  /** The tables whose handles it names: an answer that they have changed opens them again and repeats the request, once. */
  get tables(): readonly OpenTable[] {
    return this.table === undefined ? this.call.tables : [this.table];
  }

  /** The operation id, of a request that may have changed something though no answer came. */
  get operationId(): string | undefined {
    const offset = this.call.operationIdOffset;
    return offset === undefined ? undefined : formatOperationId(this.frame, this.frameStart + FRAME_HEADER_SIZE + offset);
  }

  /** Bytes of its frame. */
  get sizeBytes(): number {
    return this.frameEnd - this.frameStart;
  }

  get mayHaveHappened(): boolean {
    return this.wasSent && this.call.operationIdOffset !== undefined;
  }

  /** Lets go of the frame: it will not be sent again. */
  dropFrame(): void {
    this.frame = NO_BYTES;
    this.frameStart = 0;
    this.frameEnd = 0;
  }

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
