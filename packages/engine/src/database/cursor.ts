/**
 * Cursors: rows of one snapshot, page by page. A cursor holds the lsn of its snapshot and finds each row's version at that lsn, whatever
 * has been written since.
 *
 * 1. A scan yields every row that was live at the lsn, in the order of row ids.
 * 2. A stream yields the rows whose ids the query found when it was opened, at the lsn of that moment.
 * 3. What its snapshot needs is kept until it is done, closed or expired.
 */
import { KLaniError } from '@k-lani/protocol';
import type { TermList } from '../index/term.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { positionAt } from './history.ts';
import type { Reader } from './reader.ts';
import type { State } from './state.ts';

/** Longest time that a cursor may be left between two pages unless configured otherwise, milliseconds. */
export const CURSOR_IDLE_MS_MAX = 300_000;

/** Most rows that a stream's query may find. */
const STREAM_ROWS_MAX = 1_000_000;

export class Cursor {
  readonly table: StoredTable;
  /** The snapshot: everything before this position. */
  readonly lsn: number;
  readonly #state: State;
  readonly #idleMsMax: number;
  /** Row ids found, for a stream; a scan counts up. */
  readonly #rowIds: Uint32Array | undefined;
  readonly #rowIdMax: number;
  #next: number;
  #usedMs: number;

  private constructor(state: State, table: StoredTable, options: { idleMsMax: number; rowIds: Uint32Array | undefined }) {
    this.#state = state;
    this.table = table;
    this.lsn = state.log.durable;
    this.#idleMsMax = options.idleMsMax;
    this.#rowIds = options.rowIds;
    this.#rowIdMax = state.visible.find(table.id)?.locations.rowIdMax ?? 0;
    this.#next = options.rowIds === undefined ? 1 : 0;
    this.#usedMs = state.clock.monotonicMs();
    if (!this.isDone) state.cursors.add(this);
  }

  /** A cursor over every row. */
  static scan(state: State, table: StoredTable, idleMsMax: number): Cursor {
    return new Cursor(state, table, { idleMsMax, rowIds: undefined });
  }

  /**
   * A cursor over the rows that meet all terms now.
   *
   * @throws {KLaniError} ResultSetEstimateExceeded when they may be more than {@link STREAM_ROWS_MAX}
   */
  static stream(state: State, reader: Reader, query: { table: StoredTable; terms: TermList; idleMsMax: number }): Cursor {
    const rowIds = reader.query(query.table, query.terms, { limit: 0, spread: 0, rowsMax: STREAM_ROWS_MAX }).slice();
    return new Cursor(state, query.table, { idleMsMax: query.idleMsMax, rowIds });
  }

  /** Gives the snapshot up. Closing again, or a cursor that is done, does nothing. */
  close(): void {
    this.#state.cursors.delete(this);
  }

  /** Whether every row was given. */
  get isDone(): boolean {
    return this.#rowIds === undefined ? this.#next > this.#rowIdMax : this.#next >= this.#rowIds.length;
  }

  /** Whether the cursor was left longer than it may be. */
  get isExpired(): boolean {
    return this.#state.clock.monotonicMs() - this.#usedMs > this.#idleMsMax;
  }

  /**
   * Calls `visit` with the index in the log's `bytes` of the records of the next rows, at most `countMax`, until it returns false (the
   * row then comes again with the next page). The record is readable during the call.
   *
   * @throws {KLaniError} SnapshotExpired, ChecksumMismatch
   */
  page(countMax: number, visit: (at: number) => boolean): void {
    if (this.isExpired) {
      throw new KLaniError('SnapshotExpired', `Cannot go on with the cursor: it was left for more than ${this.#idleMsMax} ms`);
    }
    this.#usedMs = this.#state.clock.monotonicMs();
    for (let count = 0; count < countMax && !this.isDone;) {
      const rowId = this.#rowIds === undefined ? this.#next : (this.#rowIds[this.#next] ?? 0);
      const position = positionAt(this.#state, this.#state.visiblePosition(this.table.id, rowId), this.lsn);
      if (position !== 0) {
        if (!visit(this.#state.log.record(position))) return;
        count += 1;
      }
      this.#next += 1;
    }
    if (this.isDone) this.close();
  }
}
