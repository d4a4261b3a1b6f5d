/** What the data commands need of a database, wherever it is: behind a connection, or in a directory that this process opens. */
import type {
  BatchResult,
  ClaimResult,
  DynamicSchema,
  OperationStatus,
  TableSchema,
  TableSummary,
  VersionedRow,
  WriteResult,
} from '@k-lani/protocol';
import type { NewRow, Row } from './row-text.ts';
import type { Term } from './term-text.ts';

/** Embedded reads answer at once, those over a connection later. */
type Awaitable<T> = T | Promise<T>;

/** Options of a write. */
interface WriteOptions {
  readonly operationId?: string;
}

/** One version of a row, as history gives it. */
export interface StoredVersion {
  readonly change: 'append' | 'replace' | 'delete';
  readonly version: number;
  readonly lsn: number;
  readonly time: Date;
  readonly actor: string;
  readonly operationId: string;
  readonly fencingToken?: bigint | undefined;
  readonly row: Row | null;
}

/** A table, embedded or remote. */
export interface StoreTable {
  readonly name: string;
  readonly schema: TableSchema;
  append(row: NewRow, options?: WriteOptions): Promise<WriteResult>;
  replace(rowId: number, row: NewRow, options: WriteOptions & { readonly ifVersion: number }): Promise<WriteResult>;
  delete(rowId: number, options: WriteOptions & { readonly ifVersion: number }): Promise<WriteResult>;
  claim(
    line: { readonly where: readonly Term[]; readonly set: Partial<NewRow>; readonly count: number },
    options?: WriteOptions,
  ): Promise<ClaimResult>;
  seek(rowId: number): Awaitable<VersionedRow<Row> | undefined>;
  queryIntersect(terms: readonly Term[], options: { readonly limit: number; readonly spread?: number }): Awaitable<readonly number[]>;
  count(terms: readonly Term[]): Awaitable<number>;
  explain(terms: readonly Term[]): Awaitable<object>;
  fetch(rowIds: readonly number[]): Awaitable<readonly VersionedRow<Row>[]>;
  scan(): Iterable<VersionedRow<Row>> | AsyncIterable<VersionedRow<Row>>;
  stream(terms: readonly Term[]): Iterable<VersionedRow<Row>> | AsyncIterable<VersionedRow<Row>>;
  history(rowId: number, options: { readonly limit: number; readonly beforeVersion?: number }): Awaitable<readonly StoredVersion[]>;
}

/** A table, and how to append many rows to it at once, all or nothing. */
export interface OpenedTable {
  readonly table: StoreTable;
  appendAll(rows: readonly NewRow[]): Promise<BatchResult>;
}

/** What a command does with a database: `create` makes one where there is none. */
export type StoreAccess = 'read' | 'write' | 'create';

/** A database, embedded or remote. */
export interface Store extends AsyncDisposable {
  /** For people: the address or the directory. */
  readonly place: string;
  openTable(name: string): Promise<OpenedTable>;
  /** Creates the table, or checks that it is stored like this. */
  createTable(schema: DynamicSchema): Promise<StoreTable>;
  alterTable(schema: DynamicSchema): Promise<StoreTable>;
  listTables(): Awaitable<readonly TableSummary[]>;
  stats(): Awaitable<object>;
  operationStatus(operationId: string): Promise<OperationStatus>;
}
