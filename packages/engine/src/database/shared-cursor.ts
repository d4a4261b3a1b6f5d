/**
 * Cursors of a `SharedReader`: rows of one snapshot, page by page, as those of a database (`cursor.ts`).
 *
 * 1. A cursor yields every row of its snapshot, in the order of row ids or of the query, or ends with `SnapshotExpired`.
 * 2. The owner knows nothing of it: what the snapshot needs is not kept from compaction.
 */
import { KLaniError } from '@k-lani/protocol';
import type { TermList } from '../index/term.ts';
import type { LogReader } from '../log/log-reader.ts';
import { NONE } from '../memory/none.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { positionAt } from './history.ts';
import { RESULT_ROWS_MAX, type QueryLimits } from './reader.ts';

/** Rows that are looked up in one stay. */
const STAY_ROWS = 1024;

/** What a cursor reads: a `SharedReader`. */
export interface SnapshotRows {
  readonly log: LogReader;
  extent(table: StoredTable): { readonly lsn: number; readonly rowIdMax: number };
  queryAt(table: StoredTable, terms: TermList, limits: QueryLimits): { readonly lsn: number; readonly rowIds: Uint32Array };
  locate(table: StoredTable, rowIds: Uint32Array, positions: Float64Array): void;
}

export class SharedCursor {
  /** The snapshot: everything before this position. */
  readonly lsn: number;
  readonly #reader: SnapshotRows;
  readonly #table: StoredTable;
  /** Row ids found, for a stream; a scan counts up. */
  readonly #rowIds: Uint32Array | undefined;
  /** How many row ids there are to look at, and how many were. */
  readonly #count: number;
  #next = 0;
  /** The ids that were looked up last, and where their rows were then. */
  readonly #ids = new Uint32Array(STAY_ROWS);
  readonly #positions = new Float64Array(STAY_ROWS);
  #lookedUpFrom = 0;
  #lookedUpTo = 0;
  readonly #source: { readonly log: LogReader; locateRecord(position: number): number };

  private constructor(reader: SnapshotRows, table: StoredTable, rows: { lsn: number; count: number; rowIds: Uint32Array | undefined }) {
    this.#reader = reader;
    this.#table = table;
    this.lsn = rows.lsn;
    this.#count = rows.count;
    this.#rowIds = rows.rowIds;
    this.#source = { log: reader.log, locateRecord: (position) => reader.log.record(position) };
  }

  /** A cursor over every row. @throws {KLaniError} Closed, Overloaded */
  static scan(reader: SnapshotRows, table: StoredTable): SharedCursor {
    const { lsn, rowIdMax } = reader.extent(table);
    return new SharedCursor(reader, table, { lsn, count: rowIdMax, rowIds: undefined });
  }

  /** A cursor over the rows that meet all terms now. @throws {KLaniError} as `SharedReader.query`, of all rows */
  static stream(reader: SnapshotRows, table: StoredTable, terms: TermList): SharedCursor {
    const { lsn, rowIds } = reader.queryAt(table, terms, { limit: 0, spread: 0, rowsMax: RESULT_ROWS_MAX });
    return new SharedCursor(reader, table, { lsn, count: rowIds.length, rowIds });
  }

  /** Whether every row was given. */
  get isDone(): boolean {
    return this.#next >= this.#count;
  }

  /**
   * Calls `visit` with the index in the log's `bytes` of the records of the next rows, at most `countMax`, until it returns false (the row
   * then comes again with the next page). The record is readable during the call, which reads nothing by the same reader.
   *
   * @throws {KLaniError} SnapshotExpired when what the snapshot needs was given up; ChecksumMismatch, Closed, Overloaded
   */
  page(countMax: number, visit: (at: number) => boolean): void {
    for (let count = 0; count < countMax && !this.isDone;) {
      if (this.#next === this.#lookedUpTo) this.#lookUp();
      const at = this.#recordOf(this.#positions[this.#next - this.#lookedUpFrom] as number);
      if (at !== NONE) {
        if (!visit(at)) return;
        count += 1;
      }
      this.#next += 1;
    }
  }

  /** There is nothing to give up: it keeps nothing. */
  close(): void {}

  /** The index of the record of the row whose last version is at `last`; {@link NONE} when it was none at the lsn. */
  #recordOf(last: number): number {
    try {
      const position = positionAt(this.#source, last, this.lsn);
      return position === 0 ? NONE : this.#source.log.record(position);
    } catch (error) {
      throw expired(error, this.lsn);
    }
  }

  #lookUp(): void {
    const from = this.#next;
    const count = Math.min(STAY_ROWS, this.#count - from);
    for (let place = 0; place < count; place += 1) this.#ids[place] = this.#rowIds?.[from + place] ?? from + place + 1;
    this.#reader.locate(this.#table, this.#ids.subarray(0, count), this.#positions);
    this.#lookedUpFrom = from;
    this.#lookedUpTo = from + count;
  }
}

function expired(error: unknown, lsn: number): unknown {
  if (!(error instanceof KLaniError) || error.code !== 'Truncated') return error;
  return new KLaniError('SnapshotExpired', `Cannot go on with the cursor: what its snapshot at ${lsn} needs is no longer kept`, {
    cause: error,
  });
}
