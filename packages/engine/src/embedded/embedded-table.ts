/** A table of an embedded database. Reads are synchronous and see the last durable state; writes resolve when they are durable. */
import { ByteWriter, type ClaimResult, type NewRowOf, type RowOf, type TableSchema, type TermOf, type WriteResult } from '@k-lani/protocol';
import type { ChangeKind } from '../database/writer.ts';
import { RecordKind } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { claim, type ClaimOptions } from './embedded-claim.ts';
import { EmbeddedLock } from './embedded-lock.ts';
import type { EmbeddedSession, WriteOptions } from './embedded-session.ts';
import { changeOpcode, checkRowId, encodeChange, firstWriteResult } from './row-change.ts';
import { TableReader } from './table-reader.ts';

/** Options of a write that the row's version guards. */
export interface VersionOptions extends WriteOptions {
  /** The version that the row must have, or the write answers VersionMismatch. */
  readonly ifVersion: number;
}

export class EmbeddedTable<S extends TableSchema> extends TableReader<S> {
  readonly #session: EmbeddedSession;
  readonly #table: StoredTable;
  readonly #writer = new ByteWriter();

  /** Made by `EmbeddedDatabase.table`. */
  constructor(session: EmbeddedSession, table: StoredTable) {
    super(session.rows, table);
    this.#session = session;
    this.#table = table;
  }

  /**
   * Adds a row. Resolves when it is durable.
   *
   * @throws {KLaniError} FieldRequired, FieldOutOfRange and the other errors of values; DuplicateKey; WriterFailed, Overloaded, DiskFull
   */
  append(row: NewRowOf<S>, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#change({ kind: RecordKind.append, rowId: 0, ifVersion: 0 }, row, options);
  }

  /**
   * Locks a row; `undefined` when it is locked. The lock ends after `leaseMs` (30 s).
   *
   * @throws {KLaniError} NotFound, InvalidArgument
   */
  async tryLock(rowId: number, options: { readonly leaseMs?: number } = {}): Promise<EmbeddedLock<S> | undefined> {
    const { database, owner } = this.#session;
    checkRowId(rowId);
    const lock = await this.#session.refusing(() => database.tryLock(owner, { table: this.#table, rowId }, options.leaseMs ?? 0));
    return lock === undefined ? undefined : new EmbeddedLock(this.#session, this.#table, lock);
  }

  /** Replaces a row that has the version `ifVersion`. @throws {KLaniError} NotFound, VersionMismatch, AlreadyLocked, as `append` */
  replace(rowId: number, row: NewRowOf<S>, options: VersionOptions): Promise<WriteResult> {
    return this.#change({ kind: RecordKind.replace, rowId, ifVersion: options.ifVersion }, row, options);
  }

  /** Deletes a row that has the version `ifVersion`. @throws {KLaniError} NotFound, VersionMismatch, AlreadyLocked */
  delete(rowId: number, options: VersionOptions): Promise<WriteResult> {
    return this.#change({ kind: RecordKind.delete, rowId, ifVersion: options.ifVersion }, undefined, options);
  }

  /**
   * Takes `count` (1) rows that meet all terms and sets fields of them, as one command: the fast path of a sale.
   *
   * @throws {KLaniError} FieldNotIndexed, UnknownField, DuplicateKey, BatchTooLarge, errors of values
   */
  async claim(
    line: { readonly where: readonly TermOf<S>[]; readonly set: Partial<NewRowOf<S>>; readonly count?: number },
    options: ClaimOptions = {},
  ): Promise<ClaimResult<RowOf<S>>> {
    return claim<RowOf<S>>(this.#session, [{ table: this, ...line }], options);
  }

  async #change(
    what: { readonly kind: ChangeKind; readonly rowId: number; readonly ifVersion: number },
    row: NewRowOf<S> | undefined,
    options: WriteOptions,
  ): Promise<WriteResult> {
    const { database, owner } = this.#session;
    const change = encodeChange(this.#writer, this.#table, { ...what, tokenLow: 0, tokenHigh: 0, unlock: false }, row);
    const opcode = changeOpcode(what.kind);
    return this.#session.write(
      { opcode, options, body: this.#writer },
      (operation) => {
        const answer = database.writer.write(operation, owner, change);
        return { answer, dependsOn: answer.lsn };
      },
      firstWriteResult,
    );
  }
}
