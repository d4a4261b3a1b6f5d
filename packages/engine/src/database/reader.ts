/** Reads of rows and queries over the visible state. */
import { KLaniError } from '@k-lani/protocol';
import { Intersection, type Plan } from '../index/intersection.ts';
import type { TermList } from '../index/term.ts';
import { NONE } from '../memory/none.ts';
import type { TableSide } from '../snapshot/table-side.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { VisibleState } from './visible-state.ts';

/** Rows that one answer can have at most, whatever is asked. */
export const RESULT_ROWS_MAX = 1_000_000;

export interface QueryLimits {
  /** Most row ids wanted; 0 for all, which {@link RESULT_ROWS_MAX} or `rowsMax` bounds. */
  readonly limit: number;
  /** 0 to begin at the first row id; any other number chooses where to begin. */
  readonly spread: number;
  /** Most rows that the caller can take. */
  readonly rowsMax: number;
}

export class Reader {
  readonly #state: VisibleState;
  readonly #intersection: Intersection;
  #table: StoredTable | undefined;
  #found = new Uint32Array(1024);

  constructor(state: VisibleState) {
    this.#state = state;
    this.#intersection = new Intersection((rowId, term) => {
      const table = this.#table;
      return table !== undefined && state.recordMeets(table, state.visiblePosition(table.id, rowId), term);
    });
  }

  /**
   * Makes the visible version of a row readable in the log.
   *
   * @returns the index of its record in `log.bytes`, valid until the next read or append; {@link NONE} when there is no such row
   * @throws {KLaniError} ChecksumMismatch
   */
  seek(table: StoredTable, rowId: number): number {
    const position = this.#state.visiblePosition(table.id, rowId);
    return position > 0 ? this.#state.log.record(position) : NONE;
  }

  /**
   * The ids of the rows that meet all terms. Valid until the next query.
   *
   * @throws {KLaniError} ResultSetEstimateExceeded when all are wanted and there may be more than `rowsMax`
   */
  query(table: StoredTable, terms: TermList, { limit, spread, rowsMax }: QueryLimits): Uint32Array {
    const side = this.#side(table, terms);
    if (side === undefined) return this.#found.subarray(0, 0);
    this.#table = table;
    if (limit === 0) this.#checkEstimate(this.#intersection.estimate(side, terms), table, rowsMax);
    const countMax = limit === 0 ? rowsMax : Math.min(limit, rowsMax);
    const first = side.firstMatch(terms, this.#intersection);
    if (first === NONE) return this.#found.subarray(0, 0);
    const start = spread === 0 ? 1 : spreadStart(spread, first, side.lastPossible(terms));
    this.#intersection.begin(side, terms, undefined, start, first);
    let count = 0;
    while (count < countMax) {
      const rowId = this.#intersection.next();
      if (rowId === NONE) break;
      if (count === this.#found.length) this.#growFound();
      this.#found[count] = rowId;
      count += 1;
    }
    return this.#found.subarray(0, count);
  }

  /** How many rows meet all terms. */
  count(table: StoredTable, terms: TermList): number {
    const side = this.#side(table, terms);
    this.#table = table;
    return side === undefined ? 0 : side.countMatches(terms, this.#intersection);
  }

  /** How a query would be carried out. */
  explain(table: StoredTable, terms: TermList): Plan {
    const side = this.#side(table, terms);
    return side === undefined ? { driver: 'none', estimate: 0, terms: [] } : this.#intersection.explain(side, terms);
  }

  /** The visible part of a table, `undefined` before there is one. @throws {KLaniError} FieldNotIndexed for an index that is not visible yet */
  #side(table: StoredTable, terms: TermList): TableSide | undefined {
    const side = this.#state.visible.find(table.id);
    if (side === undefined || side.hasIndexes(terms)) return side;
    throw new KLaniError('FieldNotIndexed', `Cannot query table "${table.name}": an index was added that is not durable yet`);
  }

  #checkEstimate(estimate: number, table: StoredTable, rowsMax: number): void {
    if (estimate <= rowsMax) return;
    throw new KLaniError(
      'ResultSetEstimateExceeded',
      `Cannot query table "${table.name}" without a limit: up to ${estimate} rows may match, must be <= ${rowsMax}`,
    );
  }

  #growFound(): void {
    const grown = new Uint32Array(this.#found.length * 2);
    grown.set(this.#found);
    this.#found = grown;
  }
}

/** A row id from `first` to `last`, chosen by `spread`. */
function spreadStart(spread: number, first: number, last: number): number {
  return last <= first ? first : first + ((Math.imul(spread, 0x9e3779b1) >>> 0) % (last - first + 1));
}
