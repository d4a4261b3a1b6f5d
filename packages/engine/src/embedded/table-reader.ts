/** The reads of a table, wherever its rows are: of a database in this process, or of one that another thread or process writes. */
import {
  ByteWriter,
  type Explanation,
  type FieldValueOf,
  type IndexedFieldOf,
  type RowOf,
  type RowVersion,
  type TableSchema,
  type TermOf,
  type VersionedRow,
} from '@k-lani/protocol';
import type { HistoryQuery } from '../database/history.ts';
import { RESULT_ROWS_MAX, type QueryLimits } from '../database/reader.ts';
import type { Plan } from '../index/intersection.ts';
import { TermList } from '../index/term.ts';
import type { RecordTarget } from '../log/record.ts';
import { NONE } from '../memory/none.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { rowVersionAt, versionedRowAt } from './embedded-rows.ts';
import { checkRowId, fillFrom } from './row-change.ts';

/** Rows of one answer unless asked otherwise. */
const LIMIT = 64;
const PAGE_ROWS = 1024;
const HISTORY_LIMIT = 100;

/** Where the rows of tables are read. What a call gives is good until the next one. */
export interface RowSource {
  /** Where records are; read it after each call. */
  readonly log: RecordTarget;
  /** The index of the row's record in `log`, {@link NONE} when there is none. */
  seek(table: StoredTable, rowId: number): number;
  query(table: StoredTable, terms: TermList, limits: QueryLimits): Uint32Array;
  count(table: StoredTable, terms: TermList): number;
  explain(table: StoredTable, terms: TermList): Plan;
  forEachVersion(table: StoredTable, query: HistoryQuery, visit: (at: number) => void): void;
  scan(table: StoredTable): RowCursor;
  stream(table: StoredTable, terms: TermList): RowCursor;
}

/** Rows of one snapshot, page by page. */
export interface RowCursor {
  readonly isDone: boolean;
  /** Calls `visit` with the index in `log` of the records of the next rows, at most `countMax`. */
  page(countMax: number, visit: (at: number) => boolean): void;
  close(): void;
}

/** Reads are synchronous and see the last durable state. */
export class TableReader<S extends TableSchema> {
  readonly name: string;
  readonly #source: RowSource;
  readonly #table: StoredTable;
  readonly #terms = new TermList();
  readonly #termWriter = new ByteWriter();

  /** Made by the database that it is of. */
  constructor(source: RowSource, table: StoredTable) {
    this.#source = source;
    this.#table = table;
    this.name = table.name;
  }

  /**
   * The stored schema; it may have more fields at its end than the one that the table was opened with. In another thread or process than the
   * writer's it is that of the last read.
   */
  get schema(): TableSchema {
    return this.#table.schema;
  }

  /** The table as the engine knows it, for claims and batches over several tables. */
  get stored(): StoredTable {
    return this.#table;
  }

  /** The last durable version of a row; `undefined` when there is none or it is deleted. @throws {KLaniError} ChecksumMismatch */
  seek(rowId: number): VersionedRow<RowOf<S>> | undefined {
    checkRowId(rowId);
    const at = this.#source.seek(this.#table, rowId);
    return at === NONE ? undefined : versionedRowAt(this.#source.log, this.#table, at);
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
    return arrayOf(this.#source.query(this.#table, this.#terms, { limit, spread, rowsMax: RESULT_ROWS_MAX }));
  }

  /** How many rows meet all terms; all rows without terms. @throws {KLaniError} FieldNotIndexed, UnknownField */
  count(terms: readonly TermOf<S>[] = []): number {
    this.#fill(terms);
    return this.#source.count(this.#table, this.#terms);
  }

  /** How `queryIntersect` would go about these terms. @throws {KLaniError} FieldNotIndexed, UnknownField */
  explain(terms: readonly TermOf<S>[]): Explanation {
    this.#fill(terms);
    const plan = this.#source.explain(this.#table, this.#terms);
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

  /**
   * Every row of one snapshot, by rising id.
   *
   * @throws {KLaniError} SnapshotExpired when it was left for too long or, in another thread or process than the writer's, when what its
   *   snapshot needs was given up
   */
  scan(options: { readonly pageRows?: number } = {}): Generator<VersionedRow<RowOf<S>>, void, void> {
    return this.#pages(this.#source.scan(this.#table), options.pageRows ?? PAGE_ROWS);
  }

  /**
   * Every row that meets all terms, of one snapshot.
   *
   * @throws {KLaniError} FieldNotIndexed, UnknownField, ResultSetEstimateExceeded; SnapshotExpired as `scan`
   */
  stream(terms: readonly TermOf<S>[], options: { readonly pageRows?: number } = {}): Generator<VersionedRow<RowOf<S>>, void, void> {
    this.#fill(terms);
    return this.#pages(this.#source.stream(this.#table, this.#terms), options.pageRows ?? PAGE_ROWS);
  }

  /**
   * The row's versions, newest first, at most `limit` (100), before `beforeVersion` if given.
   *
   * @throws {KLaniError} Truncated when versions that are asked for are no longer kept; the message says which are
   */
  history(rowId: number, options: { readonly limit?: number; readonly beforeVersion?: number } = {}): RowVersion<RowOf<S>>[] {
    checkRowId(rowId);
    const source = this.#source;
    const versions: RowVersion<RowOf<S>>[] = [];
    const query = { rowId, limit: options.limit ?? HISTORY_LIMIT, beforeVersion: options.beforeVersion ?? 0 };
    source.forEachVersion(this.#table, query, (at) => versions.push(rowVersionAt(source.log, this.#table, at)));
    return versions;
  }

  #fill(terms: readonly TermOf<S>[]): void {
    fillFrom(this.#terms, this.#table, terms, this.#termWriter);
  }

  #rows(terms: readonly TermOf<S>[], limit: number): VersionedRow<RowOf<S>>[] {
    return this.fetch(this.queryIntersect(terms, { limit }));
  }

  *#pages(cursor: RowCursor, pageRows: number): Generator<VersionedRow<RowOf<S>>, void, void> {
    const source = this.#source;
    const page: VersionedRow<RowOf<S>>[] = [];
    try {
      while (!cursor.isDone) {
        page.length = 0;
        cursor.page(pageRows, (at) => page.push(versionedRowAt(source.log, this.#table, at)) > 0);
        for (const row of page) yield row;
      }
    } finally {
      cursor.close();
    }
  }
}

/** A copy of row ids. Spreading them would ask an iterator for each, at ten times the cost. */
function arrayOf(rowIds: Uint32Array): number[] {
  const array: number[] = [];
  for (let index = 0; index < rowIds.length; index += 1) array.push(rowIds[index] as number);
  return array;
}
