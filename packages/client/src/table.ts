import {
  type FieldValueOf,
  type IndexedFieldOf,
  KLaniError,
  type NewRowOf,
  type RowOf,
  type TableSchema,
  type TermOf,
  type VersionedRow,
  type WriteResult,
  type RowVersion,
  type Explanation,
  type ClaimResult,
} from '@k-lani/protocol';
import { ClaimCall, type ClaimOptions, type ClaimSource } from './claim.ts';
import type { Connection } from './connection.ts';
import { type PageOptions, readPages } from './cursor.ts';
import { HistoryCall } from './history.ts';
import { LockCall, type LockOptions, type RemoteLock } from './lock.ts';
import type { OpenTable } from './open-tables.ts';
import {
  type AnyTerm,
  CountCall,
  ExplainCall,
  FetchCall,
  QueryIntersectCall,
  SeekByFieldCall,
  SeekByPredicateCall,
  SeekCall,
} from './read-calls.ts';
import type { CallOptions } from './request.ts';
import { type AnyRow, AppendCall, DeleteCall, type IdSource, ReplaceCall, type WriteOptions } from './write-calls.ts';

/** How many rows a read may bring. */
export interface LimitOptions extends CallOptions {
  /** At most so many rows; 64 unless given, 0 for all that match. */
  readonly limit?: number;
}

/** How an intersection chooses among the rows that match. */
export interface QueryOptions extends CallOptions {
  /** At most so many row ids; 64 unless given, 0 for all that match. */
  readonly limit?: number;
  /**
   * A seed that chooses where in the order of row ids to start, 1 to 2^32 - 1: callers with different seeds do not all come upon the same
   * rows first. From the lowest id unless given.
   */
  readonly spread?: number;
}

/** Which versions of a row to read. */
export interface HistoryOptions extends CallOptions {
  /** At most so many; 100 unless given. */
  readonly limit?: number;
  /** Only those before this one: the last version of the page before. */
  readonly beforeVersion?: number;
}

/** What a write without a lock must say. */
export interface VersionedWriteOptions extends WriteOptions {
  /** The version that the row must have: the one that the new row was made from. */
  readonly ifVersion: number;
}

/** What a claim asks for in one table. */
export interface ClaimLineOptions<S extends TableSchema> {
  /** What a row must meet. */
  readonly where: readonly TermOf<S>[];
  /** What is written into the rows that are taken. */
  readonly set: Partial<NewRowOf<S>>;
  /** Rows to take, 1 to 1,024; 1 unless given. */
  readonly count?: number;
}

/** One line of a claim over several tables. */
export interface ClaimLine<S extends TableSchema = TableSchema> extends ClaimLineOptions<S> {
  readonly table: RemoteTable<S>;
}

const LIMIT = 64;
const HISTORY_LIMIT = 100;

/**
 * A table on a server. Every call answers with what is durable there; what a call refuses is a `KLaniError`, but for the refusals that are
 * part of the work: no row, no lock, nothing to claim. Arguments are taken in during the call and may be changed after it.
 *
 * Every call may end with `TimedOut`, `Aborted`, `Overloaded`, `Closed` or `ConnectionLost`; a write also with `OutcomeUnknown`, whose
 * `operationId` is what to ask with later.
 */
export class RemoteTable<S extends TableSchema> {
  readonly #connection: Connection;
  readonly #table: OpenTable;

  constructor(connection: Connection, table: OpenTable) {
    this.#connection = connection;
    this.#table = table;
  }

  get name(): string {
    return this.#table.name;
  }

  /** As it is stored; after an alteration by another client, from the first call that came upon it. */
  get schema(): S {
    return this.#table.handle.layout.schema as S;
  }

  /**
   * Adds a row.
   *
   * @throws {KLaniError} `DuplicateKey`, `DiskFull`, and what the schema refuses
   */
  append(row: NewRowOf<S>, options?: WriteOptions): Promise<WriteResult> {
    return this.#connection.call(new AppendCall(row as AnyRow, this.#id(options)), options, this.#table);
  }

  /** The row with this id, or `undefined`. One that this client has locked is read in its latest state. */
  seek(rowId: number, options?: CallOptions): Promise<VersionedRow<RowOf<S>> | undefined> {
    return this.#connection.call(new SeekCall<RowOf<S>>(rowId), options, this.#table);
  }

  /**
   * The rows whose field has this value.
   *
   * @throws {KLaniError} `FieldNotIndexed`, `ResultSetEstimateExceeded`, `ResponseTooLarge`
   */
  seekByField<N extends IndexedFieldOf<S>>(field: N, value: FieldValueOf<S, N>, options?: LimitOptions): Promise<VersionedRow<RowOf<S>>[]> {
    const query = { field, value, limit: options?.limit ?? LIMIT };
    return this.#connection.call(new SeekByFieldCall<RowOf<S>>(query), options, this.#table);
  }

  /** The rows that meet one term. Errors as of `seekByField()`. */
  seekByPredicate(term: TermOf<S>, options?: LimitOptions): Promise<VersionedRow<RowOf<S>>[]> {
    return this.#connection.call(new SeekByPredicateCall<RowOf<S>>(term, options?.limit ?? LIMIT), options, this.#table);
  }

  /** The ids of rows that meet all terms. Errors as of `seekByField()`. */
  queryIntersect(terms: readonly TermOf<S>[], options?: QueryOptions): Promise<number[]> {
    const limits = { limit: options?.limit ?? LIMIT, spread: options?.spread ?? 0 };
    return this.#connection.call(new QueryIntersectCall(terms as readonly AnyTerm[], limits), options, this.#table);
  }

  /** How many rows meet all terms; of no terms, how many there are. */
  count(terms: readonly TermOf<S>[] = [], options?: CallOptions): Promise<number> {
    return this.#connection.call(new CountCall(terms as readonly AnyTerm[]), options, this.#table);
  }

  /** How the server would answer an intersection, for people. */
  explain(terms: readonly TermOf<S>[], options?: CallOptions): Promise<Explanation> {
    return this.#connection.call(new ExplainCall(terms as readonly AnyTerm[]), options, this.#table);
  }

  /** Those rows of the ids that exist, in the order of the ids. */
  fetch(rowIds: readonly number[], options?: CallOptions): Promise<VersionedRow<RowOf<S>>[]> {
    return this.#connection.call(new FetchCall<RowOf<S>>(rowIds), options, this.#table);
  }

  /**
   * All rows as they are at one moment, in pages. A cursor does not outlive its connection.
   *
   * @throws {KLaniError} while iterating: `SnapshotExpired`, `InvalidCursor`, `ConnectionLost`
   */
  scan(options?: PageOptions): AsyncGenerator<VersionedRow<RowOf<S>>, void, undefined> {
    return readPages<RowOf<S>>(this.#connection, this.#table, undefined, options);
  }

  /** All rows that meet the terms, as they are at one moment, in pages. Errors as of `scan()`, and `FieldNotIndexed`. */
  stream(terms: readonly TermOf<S>[], options?: PageOptions): AsyncGenerator<VersionedRow<RowOf<S>>, void, undefined> {
    return readPages<RowOf<S>>(this.#connection, this.#table, terms, options);
  }

  /**
   * The versions of a row, newest first.
   *
   * @throws {KLaniError} `NotFound`, `Truncated`
   */
  history(rowId: number, options?: HistoryOptions): Promise<RowVersion<RowOf<S>>[]> {
    const query = { rowId, limit: options?.limit ?? HISTORY_LIMIT, beforeVersion: options?.beforeVersion ?? 0 };
    return this.#connection.call(new HistoryCall<RowOf<S>>(query), options, this.#table);
  }

  /**
   * Takes the lock of a row, or answers `undefined` at once because another session holds it.
   *
   * @throws {KLaniError} `NotFound`, `LimitReached`
   */
  tryLock(rowId: number, options?: LockOptions): Promise<RemoteLock<S> | undefined> {
    return this.#connection.call(new LockCall<S>(this.#connection, rowId, options), options, this.#table);
  }

  /**
   * Writes a row's next version, if it still has the version that it was read with.
   *
   * @throws {KLaniError} `VersionMismatch`, `AlreadyLocked`, `NotFound`, `DuplicateKey`, and what the schema refuses
   */
  replace(rowId: number, row: NewRowOf<S>, options: VersionedWriteOptions): Promise<WriteResult> {
    const target = { rowId, ifVersion: options.ifVersion, lock: undefined, unlock: false };
    return this.#connection.call(new ReplaceCall(target, row as AnyRow, this.#id(options)), options, this.#table);
  }

  /** Deletes a row, if it still has this version. Errors as of `replace()`. */
  delete(rowId: number, options: VersionedWriteOptions): Promise<WriteResult> {
    const target = { rowId, ifVersion: options.ifVersion, lock: undefined };
    return this.#connection.call(new DeleteCall(target, this.#id(options)), options, this.#table);
  }

  /**
   * Finds rows, verifies and changes them on the server as one command: the fast path of a sale. All of `count`, or none.
   *
   * @throws {KLaniError} `FieldNotIndexed`, `DuplicateKey`, and what the schema refuses
   */
  claim(line: ClaimLineOptions<S>, options?: ClaimOptions): Promise<ClaimResult<RowOf<S>>> {
    const source: ClaimSource = { table: this.#table, where: line.where, set: line.set, count: line.count ?? 1 };
    return this.#connection.call(new ClaimCall<RowOf<S>>([source], options?.returnRows ?? false, this.#id(options)), options);
  }

  /** For the claims and batches of `connection`. */
  openIn(connection: Connection): OpenTable {
    if (connection === this.#connection) return this.#table;
    throw new KLaniError('InvalidArgument', `Cannot use table "${this.name}": it was opened by another client`);
  }

  #id(options: WriteOptions | undefined): IdSource {
    return { ids: this.#connection.operationIds, operationId: options?.operationId };
  }
}
