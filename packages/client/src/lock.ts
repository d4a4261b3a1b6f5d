import { assert } from '@k-lani/base';
import {
  type ByteReader,
  type ByteWriter,
  ERRORS,
  KLaniError,
  type LockAnswer,
  type NewRowOf,
  Opcode,
  type RowOf,
  type TableSchema,
  decodeLockAnswer,
  encodeLockRequest,
  encodeUnlockRequest,
  fencingToken,
  type VersionedRow,
  type WriteResult,
} from '@k-lani/protocol';
import type { Connection } from './connection.ts';
import type { OpenTable, TableHandle } from './open-tables.ts';
import { SeekCall } from './read-calls.ts';
import type { AfterLoss, CallContext } from './call.ts';
import type { CallOptions } from './request.ts';
import { TableCall } from './table-call.ts';
import { type AnyRow, DeleteCall, type LockState, ReplaceCall, type WriteOptions, type WriteTarget } from './write-calls.ts';

/** What a lock may ask for. */
export interface LockOptions extends CallOptions {
  /** Milliseconds after which the lock ends by itself; the server's default unless given, at most the server's maximum. */
  readonly leaseMs?: number;
}

/** What a write under a lock may say. */
export interface LockedWriteOptions extends WriteOptions {
  /** The version that the row must have. */
  readonly ifVersion?: number;
}

/** A lock as its session holds it. */
interface HeldLock extends LockState, LockAnswer {
  readonly rowId: number;
  readonly sessionNumber: number;
}

const ALREADY_LOCKED = ERRORS.AlreadyLocked.number;
const NOT_LOCKED = ERRORS.NotLocked.number;
const STALE_TOKEN = ERRORS.StaleToken.number;

/**
 * The lock of one row. It belongs to the session that took it: when the connection breaks, or the lease ends, it is over, and what is
 * called after that ends with `NotLocked` or `StaleToken`. Disposed of, it is given back.
 */
export class RemoteLock<S extends TableSchema> {
  readonly #connection: Connection;
  readonly #table: OpenTable;
  readonly #held: HeldLock;

  constructor(connection: Connection, table: OpenTable, held: HeldLock) {
    this.#connection = connection;
    this.#table = table;
    this.#held = held;
  }

  get rowId(): number {
    return this.#held.rowId;
  }

  /** Larger than that of every lock before: what a system outside hands on, to refuse those who come late. */
  get token(): bigint {
    return fencingToken(this.#held.tokenLow, this.#held.tokenHigh);
  }

  /** That the row had when it was locked. */
  get version(): number {
    return this.#held.version;
  }

  /** What was granted. */
  get leaseMs(): number {
    return this.#held.leaseMs;
  }

  /** The row in its latest state, or `undefined` when it is deleted. */
  seek(options?: CallOptions): Promise<VersionedRow<RowOf<S>> | undefined> {
    const refusal = this.#refusal();
    return refusal ?? this.#connection.call(new SeekCall<RowOf<S>>(this.#held.rowId), options, this.#table);
  }

  /**
   * Writes the row's next version and keeps the lock.
   *
   * @throws {KLaniError} `NotLocked`, `StaleToken`, `VersionMismatch`, `DuplicateKey`, `OutcomeUnknown`, and what the schema refuses
   */
  replace(row: NewRowOf<S>, options?: LockedWriteOptions): Promise<WriteResult> {
    return this.#replace(row, options, false);
  }

  /** Writes the row's next version and gives the lock back, in one step. Errors as of `replace()`; the lock is kept then. */
  replaceAndUnlock(row: NewRowOf<S>, options?: LockedWriteOptions): Promise<WriteResult> {
    return this.#replace(row, options, true);
  }

  /** Deletes the row; the lock ends with it. Errors as of `replace()`. */
  delete(options?: LockedWriteOptions): Promise<WriteResult> {
    const id = { ids: this.#connection.operationIds, operationId: options?.operationId };
    return this.#refusal() ?? this.#connection.call(new DeleteCall(this.#target(options), id), options, this.#table);
  }

  /** Gives the lock back; nothing happens when it is over already. */
  async unlock(options?: CallOptions): Promise<void> {
    if (this.#isOver) return;
    await this.#connection.call(new UnlockCall(this.#held), options, this.#table);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unlock();
  }

  /** For a change of `rowId` in a batch of `connection`. */
  stateFor(connection: Connection, rowId: number): LockState {
    if (connection !== this.#connection) throw new KLaniError('InvalidArgument', 'Cannot use lock: it was taken by another client');
    if (rowId !== this.rowId) throw new KLaniError('InvalidArgument', `Cannot use lock: row is ${rowId}, must be ${this.rowId}`);
    if (this.#isOver) throw over(rowId);
    return this.#held;
  }

  #replace(row: NewRowOf<S>, options: LockedWriteOptions | undefined, unlock: boolean): Promise<WriteResult> {
    const target = { ...this.#target(options), unlock };
    const id = { ids: this.#connection.operationIds, operationId: options?.operationId };
    return this.#refusal() ?? this.#connection.call(new ReplaceCall(target, row as AnyRow, id), options, this.#table);
  }

  #target(options: LockedWriteOptions | undefined): WriteTarget {
    return { rowId: this.#held.rowId, ifVersion: options?.ifVersion ?? 0, lock: this.#held };
  }

  get #isOver(): boolean {
    return this.#held.isReleased || this.#held.sessionNumber !== this.#connection.sessionNumber;
  }

  #refusal(): Promise<never> | undefined {
    return this.#isOver ? Promise.reject(over(this.#held.rowId)) : undefined;
  }
}

/** Takes the lock of a row; `undefined` when another session holds it. */
export class LockCall<S extends TableSchema> extends TableCall<RemoteLock<S> | undefined> {
  readonly opcode = Opcode.Lock;
  readonly #connection: Connection;
  readonly #rowId: number;
  readonly #leaseMs: number;

  constructor(connection: Connection, rowId: number, options: LockOptions | undefined) {
    super();
    this.#connection = connection;
    this.#rowId = rowId;
    this.#leaseMs = options?.leaseMs ?? 0;
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    encodeLockRequest(writer, handle.number, this.#rowId, this.#leaseMs);
  }

  decode(reader: ByteReader, request: CallContext): RemoteLock<S> {
    return new RemoteLock(this.#connection, tableOf(request), this.#held(reader));
  }

  override refused(status: number, reader: ByteReader, retryAfterMs: number): RemoteLock<S> | undefined | KLaniError {
    return status === ALREADY_LOCKED ? undefined : super.refused(status, reader, retryAfterMs);
  }

  /** Nobody waits for the lock any more: it must not stay taken until its lease ends. */
  override late(reader: ByteReader, request: CallContext): void {
    this.#connection.release(new UnlockCall(this.#held(reader)), tableOf(request));
  }

  #held(reader: ByteReader): HeldLock {
    const { tokenLow, tokenHigh, leaseMs, version } = decodeLockAnswer(reader);
    const { sessionNumber } = this.#connection;
    return { rowId: this.#rowId, tokenLow, tokenHigh, leaseMs, version, sessionNumber, isReleased: false };
  }
}

/** Gives a lock back; its session's end does so too. */
class UnlockCall extends TableCall<void> {
  readonly opcode = Opcode.Unlock;
  readonly #held: HeldLock;

  constructor(held: HeldLock) {
    super();
    this.#held = held;
  }

  override get afterLoss(): AfterLoss {
    return 'done';
  }

  protected encodePayload(writer: ByteWriter, handle: TableHandle): void {
    const { rowId, tokenLow, tokenHigh } = this.#held;
    encodeUnlockRequest(writer, { handle: handle.number, rowId, tokenLow, tokenHigh });
  }

  decode(reader: ByteReader): void {
    reader.expectEnd();
    this.#held.isReleased = true;
  }

  override refused(status: number, reader: ByteReader, retryAfterMs: number): void | KLaniError {
    if (status !== NOT_LOCKED && status !== STALE_TOKEN) return super.refused(status, reader, retryAfterMs);
    this.#held.isReleased = true;
  }
}

function tableOf({ table }: CallContext): OpenTable {
  assert(table !== undefined, 'A lock is about a table');
  return table;
}

function over(rowId: number): KLaniError {
  return new KLaniError('NotLocked', `Cannot use lock of row ${rowId}: it was given back, or its session ended`);
}
