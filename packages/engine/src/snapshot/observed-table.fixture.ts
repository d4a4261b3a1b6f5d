/** For tests: a table of one side, as a reader in another thread attaches to it, and everything that can be seen of it. */
import { BitmapIntersection } from '../index/bitmap-intersection.ts';
import { EqualityIndex } from '../index/equality-index.ts';
import { OrderedIndex } from '../index/ordered-index.ts';
import { NONE } from '../memory/none.ts';
import type { PageStore } from '../memory/page-store.ts';
import { RowLocations } from '../table/row-locations.ts';

/** The rows that the table may have at most, and the values of its field `zone`. */
export const ROWS_MAX = 20;
export const ZONES = 6;

/** The root pages of a table with an index of `zone` and an ordered one of `price`. */
export interface TableRoots {
  readonly locations: number;
  readonly zone: number;
  readonly price: number;
}

export class ObservedTable {
  readonly #locations: RowLocations;
  readonly #zone: EqualityIndex;
  readonly #price: OrderedIndex;
  readonly #walk = new BitmapIntersection();

  constructor(store: PageStore, roots: TableRoots) {
    this.#locations = new RowLocations(store, roots.locations);
    this.#zone = new EqualityIndex(store, roots.zone);
    this.#price = new OrderedIndex(store, roots.price);
  }

  /** Where each row is, which rows each zone has, and the rows by their prices. */
  observe(): number[] {
    const seen: number[] = [this.#locations.rowIdMax, this.#locations.liveCount];
    for (let rowId = 1; rowId <= ROWS_MAX; rowId += 1) seen.push(this.#locations.get(rowId));
    for (let zone = 0; zone < ZONES; zone += 1) {
      const rows = this.#zone.bitmapOf(Uint32Array.of(zone));
      seen.push(-1, rows?.count ?? 0);
      if (rows === undefined) continue;
      this.#walk.begin([rows], 1, undefined, 1);
      for (let rowId = this.#walk.next(); rowId !== NONE; rowId = this.#walk.next()) seen.push(rowId);
    }
    seen.push(-1, this.#price.size);
    const cursor = this.#price.cursor();
    cursor.begin(new Uint32Array(this.#price.keyWords), new Uint32Array(this.#price.keyWords).fill(0xffff_ffff));
    for (let rowId = cursor.next(); rowId !== NONE; rowId = cursor.next()) seen.push(rowId);
    return seen;
  }
}
