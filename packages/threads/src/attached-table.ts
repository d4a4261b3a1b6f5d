import { type RowSource, type StoredTable, TableReader } from '@k-lani/engine';
import type { ClaimResult, NewRowOf, RowOf, TableSchema, TermOf, WriteResult } from '@k-lani/protocol';
import type { ClaimOptions, LockOptions, RemoteLock, RemoteTable, VersionedWriteOptions, WriteOptions } from 'k-lani-client';

/**
 * A table of a database that another thread has open. Reads are synchronous and see the last durable state, what this thread has written
 * included once its write is answered; writes resolve when they are durable.
 *
 * Every write may end with `Closed` when the database was closed, `TimedOut`, `Overloaded`, or `OutcomeUnknown`, whose `operationId` is what to
 * ask with later.
 */
export class AttachedTable<S extends TableSchema> extends TableReader<S> {
  /** The table in the client's terms, for claims and batches over several tables. */
  readonly remote: RemoteTable<S>;

  /** Made by `AttachedDatabase.table`. */
  constructor(source: RowSource, table: StoredTable, remote: RemoteTable<S>) {
    super(source, table);
    this.remote = remote;
  }

  /**
   * Adds a row. Resolves when it is durable.
   *
   * @throws {KLaniError} FieldRequired, FieldOutOfRange and the other errors of values; DuplicateKey; WriterFailed, Overloaded, DiskFull
   */
  append(row: NewRowOf<S>, options?: WriteOptions): Promise<WriteResult> {
    return this.remote.append(row, options);
  }

  /** Replaces a row that has the version `ifVersion`. @throws {KLaniError} NotFound, VersionMismatch, AlreadyLocked, as `append` */
  replace(rowId: number, row: NewRowOf<S>, options: VersionedWriteOptions): Promise<WriteResult> {
    return this.remote.replace(rowId, row, options);
  }

  /** Deletes a row that has the version `ifVersion`. @throws {KLaniError} NotFound, VersionMismatch, AlreadyLocked */
  delete(rowId: number, options: VersionedWriteOptions): Promise<WriteResult> {
    return this.remote.delete(rowId, options);
  }

  /**
   * Locks a row; `undefined` when it is locked. The lock ends after `leaseMs` (30 s), with `close`, and with the thread.
   *
   * @throws {KLaniError} NotFound, InvalidArgument, LimitReached
   */
  tryLock(rowId: number, options?: LockOptions): Promise<RemoteLock<S> | undefined> {
    return this.remote.tryLock(rowId, options);
  }

  /**
   * Takes `count` (1) rows that meet all terms and sets fields of them, as one command: the fast path of a sale.
   *
   * @throws {KLaniError} FieldNotIndexed, UnknownField, DuplicateKey, BatchTooLarge, errors of values
   */
  claim(
    line: { readonly where: readonly TermOf<S>[]; readonly set: Partial<NewRowOf<S>>; readonly count?: number },
    options?: ClaimOptions,
  ): Promise<ClaimResult<RowOf<S>>> {
    return this.remote.claim(line, options);
  }
}
