import {
  type ByteReader,
  type ByteWriter,
  FRAME_HEADER_SIZE,
  type KLaniError,
  type OpcodeNumber,
  decodeErrorAnswer,
} from '@k-lani/protocol';
import type { OpenTable, TableHandle } from './open-tables.ts';

/**
 * What becomes of a sent request whose connection was lost: asked again in the next session; done, because the end of the session did it;
 * or refused, because it made sense only in that session.
 */
export type AfterLoss = 'repeat' | 'done' | 'refuse';

/** What a call may know of the request that it is made with. */
export interface CallContext {
  /** What it is about, for a call about one table. */
  readonly table: OpenTable | undefined;
  /** The table's handle in the frame: the answer has its schema. */
  readonly handle: TableHandle;
  /** The frame is `frame[frameStart, frameEnd)`. */
  readonly frame: Uint8Array;
  readonly frameStart: number;
  readonly frameEnd: number;
  /** Whether it is a write that the server may have carried out. */
  readonly mayHaveHappened: boolean;
  /**
   * Takes the handle that the table has in the present session for the frame that is being encoded.
   *
   * @throws {KLaniError} why the table could not be opened again after a reconnect
   */
  bind(): TableHandle;
}

const NO_TABLES: readonly OpenTable[] = [];

/** What is asked with one opcode, and how its answer is read, with `T` the caller's result. Used for one request. */
export abstract class Call<T = unknown> {
  abstract readonly opcode: OpcodeNumber;

  /** Where the operation id is in the payload of a write. */
  get operationIdOffset(): number | undefined {
    return undefined;
  }

  /** What a lost connection means for it, once it was sent. */
  get afterLoss(): AfterLoss {
    return 'repeat';
  }

  /** The tables whose handles it names, unless the request is about one table. */
  get tables(): readonly OpenTable[] {
    return NO_TABLES;
  }

  /** Appends the payload; the header is the connection's. */
  abstract encode(writer: ByteWriter, request: CallContext): void;

  /**
   * Appends the payload of a request that was encoded before, with the handles of the present session.
   *
   * @throws {KLaniError} when its table could not be opened again: the request ends with that
   */
  encodeAgain(writer: ByteWriter, request: CallContext): void {
    writer.append(request.frame, request.frameStart + FRAME_HEADER_SIZE, request.frameEnd);
  }

  /** Reads the payload of a good answer, copying out what it keeps. */
  abstract decode(reader: ByteReader, request: CallContext): T;

  /** The result of a refusal that callers expect, else the error to reject with. */
  refused(status: number, reader: ByteReader, retryAfterMs: number): T | KLaniError {
    return decodeErrorAnswer(reader, status, retryAfterMs);
  }

  /** A good answer came after the request was settled: what it gave has to be given back. */
  late(_reader: ByteReader, _request: CallContext): void {}
}
