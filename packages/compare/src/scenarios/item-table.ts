import { CATEGORIES, type Item, makeItems, PRICES, REGIONS, STATUSES } from '../systems/items.ts';
import type { OpenItems } from '../systems/system.ts';
import type { SizeName } from './scenario.ts';

/** Rows of the table that is read. */
export const TABLE_ROWS: Readonly<Record<SizeName, number>> = { published: 100_000, trial: 100_000, small: 1000 };
const LOAD_ROWS = 10_000;

/** Fills a table with the items of a size, unless it has been. */
export async function fillTable(opened: OpenItems, size: SizeName, seed: number): Promise<void> {
  const [lane] = opened.lanes;
  if (lane === undefined) throw new Error('Cannot fill table: the system opened no connection');
  const rows = TABLE_ROWS[size];
  if ((await lane.read(rows)) !== undefined) return;
  const items = makeItems(rows, seed);
  for (let start = 0; start < rows; start += LOAD_ROWS) await lane.insert(items.slice(start, start + LOAD_ROWS));
  await opened.settle?.();
}

/** What is in the table, counted without any system: answers are held against it. */
export class TableTruth {
  readonly #ofCategory = new Uint32Array(CATEGORIES);
  readonly #ofBoth = new Uint32Array(REGIONS * STATUSES);
  readonly #ofPrice = new Uint32Array(PRICES + 1);

  constructor(items: Iterable<Item>) {
    for (const { category, region, status, price } of items) {
      this.#ofCategory[category] = (this.#ofCategory[category] ?? 0) + 1;
      const both = region * STATUSES + status;
      this.#ofBoth[both] = (this.#ofBoth[both] ?? 0) + 1;
      this.#ofPrice[price + 1] = (this.#ofPrice[price + 1] ?? 0) + 1;
    }
    for (let price = 1; price <= PRICES; price += 1) this.#ofPrice[price] = (this.#ofPrice[price] ?? 0) + (this.#ofPrice[price - 1] ?? 0);
  }

  ofCategory(category: number): number {
    return this.#ofCategory[category] ?? 0;
  }

  ofRegionAndStatus(region: number, status: number): number {
    return this.#ofBoth[region * STATUSES + status] ?? 0;
  }

  /** Both prices included. */
  between(priceMin: number, priceMax: number): number {
    return (this.#ofPrice[priceMax + 1] ?? 0) - (this.#ofPrice[priceMin] ?? 0);
  }
}
