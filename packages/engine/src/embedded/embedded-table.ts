/** A table of an embedded database. Reads are synchronous and see the last durable state; writes resolve when they are durable. */
import {
  ByteWriter,
  type ClaimResult,
  type Explanation,
  type FieldValueOf,
  type IndexedFieldOf,
  type NewRowOf,
  type RowOf,
  type RowVersion,
  type TableSchema,
  type TermOf,
  type VersionedRow,
  type WriteResult,
} from '@k-lani/protocol';
import { Cursor } from '../database/cursor.ts';
import { forEachVersion } from '../database/history.ts';
import { RESULT_ROWS_MAX } from '../database/reader.ts';
import type { ChangeKind } from '../database/writer.ts';
import { TermList } from '../index/term.ts';
import { RecordKind } from '../log/record.ts';
import { NONE } from '../memory/none.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { claim, type ClaimOptions } from './embedded-claim.ts';
import { EmbeddedLock } from './embedded-lock.ts';
import { rowVersionAt, versionedRowAt } from './embedded-rows.ts';
import type { EmbeddedSession, WriteOptions } from './embedded-session.ts';
import { changeOpcode, checkRowId, encodeChange, fillFrom, firstWriteResult } from './row-change.ts';

/** Options of a write that the row's version guards. */
export interface VersionOptions extends WriteOptions {
  /** The version that the row must have, or the write answers VersionMismatch. */
  readonly ifVersion: number;
}

/** Rows of one answer unless asked otherwise. */
const LIMIT = 64;
const PAGE_ROWS = 1024;
const HISTORY_LIMIT = 100;

export class EmbeddedTable<S extends TableSchema> {
  readonly name: string;
  readonly #session: EmbeddedSession;
  readonly #table: StoredTable;
  readonly #terms = new TermList();
  readonly #writer = new ByteWriter();

  /** Made by `EmbeddedDatabase.table`. */
  constructor(session: EmbeddedSession, table: StoredTable) {
    this.#session = session;
    this.#table = table;
    this.name = table.name;
  }

  /** The stored schema; it may have more fields at its end than the one that the table was opened with. */
  get schema(): TableSchema {
    return this.#table.schema;
  }

  /** The table as the engine knows it, for claims and batches over several tables. */
  get stored(): StoredTable {
    return this.#table;
  }

  /**
   * Adds a row. Resolves when it is durable.
   *
   * @throws {KLaniError} FieldRequired, FieldOutOfRange and the other errors of values; DuplicateKey; WriterFailed, Overloaded, DiskFull
   */
  append(row: NewRowOf<S>, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#change({ kind: RecordKind.append, rowId: 0, ifVersion: 0 }, row, options);
  }

  /** The last durable version of a row; `undefined` when there is none or it is deleted. @throws {KLaniError} ChecksumMismatch */
  seek(rowId: number): VersionedRow<RowOf<S>> | undefined {
    const { database } = this.#session;
    checkRowId(rowId);
    const at = database.reader.seek(this.#table, rowId);
    return at === NONE ? undefined : versionedRowAt(database, this.#table, at);
  }

  /** The rows whose field has a value, at most `limit` (64). @throws {KLaniError} FieldNotIndexed, UnknownField */
  seekByField<N extends IndexedFieldOf<S>>(
    field: N,
    value: FieldValueOf<S, N>,
    options: { readonly limit?: number } = {},
  ): VersionedRow<RowOf<S>>[] {
    return this.#rows([{ field, eq: value }], options.limit ?? LIMIT);
  }

  /** The rows that meet one term, at most `limit` (64). @throws {KLaniError} FieldNotIndexed, UnknownField */
  seekByPredicate(term: TermOf<S>, options: { readonly limit?: number } = {}): VersionedRow<RowOf<S>>[] {
    return this.#rows([term], options.limit ?? LIMIT);
  }

  /**
   * The ids of rows that meet all terms, at most `limit` (64; 0 for all). `spread` other than 0 chooses where to begin, so that many
   * workers do not all get the same ids.
   *
   * @throws {KLaniError} FieldNotIndexed, UnknownField, ResultSetEstimateExceeded
   */
  queryIntersect(terms: readonly TermOf<S>[], options: { readonly limit?: number; readonly spread?: number } = {}): number[] {
    this.#fill(terms);
    const { limit = LIMIT, spread = 0 } = options;
    return [...this.#session.database.reader.query(this.#table, this.#terms, { limit, spread, rowsMax: RESULT_ROWS_MAX })];
  }

  /** How many rows meet all terms; all rows without terms. @throws {KLaniError} FieldNotIndexed, UnknownField */
  count(terms: readonly TermOf<S>[] = []): number {
    this.#fill(terms);
    return this.#session.database.reader.count(this.#table, this.#terms);
  }

  /** How `queryIntersect` would go about these terms. @throws {KLaniError} FieldNotIndexed, UnknownField */
  explain(terms: readonly TermOf<S>[]): Explanation {
    this.#fill(terms);
    const plan = this.#session.database.reader.explain(this.#table, this.#terms);
    const fieldName = (fieldIndex: number) => this.schema.fields[fieldIndex]?.name ?? '';
    return { ...plan, terms: plan.terms.map(({ fieldIndex, role, rows }) => ({ field: fieldName(fieldIndex), role, rows })) };
  }

  /** The rows with these ids, those that exist. @throws {KLaniError} ChecksumMismatch */
  fetch(rowIds: Iterable<number>): VersionedRow<RowOf<S>>[] {
    const rows: VersionedRow<RowOf<S>>[] = [];
    for (const rowId of rowIds) {
      const row = this.seek(rowId);
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  /** Every row of one snapshot, by rising id. */
  scan(options: { readonly pageRows?: number } = {}): Generator<VersionedRow<RowOf<S>>, void, void> {
    const { database } = this.#session;
    return this.#pages(Cursor.scan(database.state, this.#table, database.cursorIdleMsMax), options.pageRows ?? PAGE_ROWS);
  }

  /** Every row that meets all terms, of one snapshot. @throws {KLaniError} FieldNotIndexed, UnknownField, ResultSetEstimateExceeded */
  stream(terms: readonly TermOf<S>[], options: { readonly pageRows?: number } = {}): Generator<VersionedRow<RowOf<S>>, void, void> {
    const { database } = this.#session;
    this.#fill(terms);
    const query = { table: this.#table, terms: this.#terms, idleMsMax: database.cursorIdleMsMax };
    return this.#pages(Cursor.stream(database.state, database.reader, query), options.pageRows ?? PAGE_ROWS);
  }

  /**
   * The row's versions, newest first, at most `limit` (100), before `beforeVersion` if given.
   *
   * @throws {KLaniError} Truncated when versions that are asked for are no longer kept; the message says which are
   */
  history(rowId: number, options: { readonly limit?: number; readonly beforeVersion?: number } = {}): RowVersion<RowOf<S>>[] {
    const { database } = this.#session;
    checkRowId(rowId);
    const versions: RowVersion<RowOf<S>>[] = [];
    const query = { rowId, limit: options.limit ?? HISTORY_LIMIT, beforeVersion: options.beforeVersion ?? 0 };
    forEachVersion(database.state, this.#table, query, (at) => versions.push(rowVersionAt(database, this.#table, at)));
    return versions;
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

  #fill(terms: readonly TermOf<S>[]): void {
    fillFrom(this.#terms, this.#table, terms, this.#writer);
  }

  #rows(terms: readonly TermOf<S>[], limit: number): VersionedRow<RowOf<S>>[] {
    return this.fetch(this.queryIntersect(terms, { limit }));
  }

  *#pages(cursor: Cursor, pageRows: number): Generator<VersionedRow<RowOf<S>>, void, void> {
    const page: VersionedRow<RowOf<S>>[] = [];
    try {
      while (!cursor.isDone) {
        page.length = 0;
        const { database } = this.#session;
        cursor.page(pageRows, (at) => page.push(versionedRowAt(database, this.#table, at)) > 0);
        yield* page;
      }
    } finally {
      cursor.close();
    }
  }
}
