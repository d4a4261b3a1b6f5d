/**
 * Indexes of items, as LMDB's users make them: databases with sorted duplicates, of which a key is the field's value and the duplicates are
 * the numbers of its items. Two of them are intersected by going along both; a pair of fields that is always asked for together has an
 * index of its own beside them.
 */
import type { Database, RootDatabase } from 'lmdb';
import { type Item, STATUSES } from '../items.ts';
import type { ItemRows } from './item-rows.ts';

type Index = Database<number, number>;

/** The copy of an item in the order of prices has the key price × 2^32 + number. */
const NUMBERS = 2 ** 32;

export interface ItemIndexes {
  add(item: Item): void;
  /** Called with an item of which a field without an index has changed. */
  changed(item: Item): void;
  range(priceMin: number, priceMax: number, rows: ItemRows): Item[];
  ofCategory(category: number): number[];
  ofRegionAndStatus(region: number, status: number, limit: number): number[];
}

/** What the indexes of items have beside one of each field. */
export interface IndexOptions {
  /** Prices have copies of the rows instead of their numbers. */
  readonly hasCopies: boolean;
  readonly hasPairs: boolean;
}

export function openItemIndexes(root: RootDatabase, { hasCopies, hasPairs }: IndexOptions): ItemIndexes {
  const open = (name: string): Index => root.openDB({ name, keyEncoding: 'uint32', dupSort: true, encoding: 'ordered-binary' });
  const categories = open('category');
  const regions = open('region');
  const statuses = open('status');
  const pairs = hasPairs ? open('region and status') : undefined;
  const prices = hasCopies ? openCopies(root) : openPrices(open('price'));
  return {
    add: (item) => {
      const { number, category, region, status } = item;
      categories.putSync(category, number);
      regions.putSync(region, number);
      statuses.putSync(status, number);
      pairs?.putSync(region * STATUSES + status, number);
      prices.add(item);
    },
    changed: (item) => prices.changed(item),
    range: prices.range,
    ofCategory: (category) => valuesOf(categories, category, Infinity),
    ofRegionAndStatus: (region, status, limit) =>
      pairs === undefined
        ? intersect(regions.getValues(region), statuses.getValues(status), limit)
        : valuesOf(pairs, region * STATUSES + status, limit),
  };
}

type Prices = Pick<ItemIndexes, 'add' | 'changed' | 'range'>;

function openPrices(prices: Index): Prices {
  return {
    add: ({ price, number }) => prices.putSync(price, number),
    changed: () => {},
    range: (priceMin, priceMax, rows) => {
      const items: Item[] = [];
      for (const { value } of prices.getRange({ start: priceMin, end: priceMax + 1 })) {
        const item = rows.get(value);
        if (item !== undefined) items.push(item);
      }
      return items;
    },
  };
}

function openCopies(root: RootDatabase): Prices {
  const copies: Database<Item, number> = root.openDB({ name: 'by price', sharedStructuresKey: Symbol.for('structures') });
  const put = (item: Item): void => copies.putSync(item.price * NUMBERS + item.number, item);
  return {
    add: put,
    changed: put,
    range: (priceMin, priceMax) => {
      const items: Item[] = [];
      for (const { value } of copies.getRange({ start: priceMin * NUMBERS, end: (priceMax + 1) * NUMBERS })) items.push(value);
      return items;
    },
  };
}

function valuesOf(index: Index, key: number, limit: number): number[] {
  const numbers: number[] = [];
  for (const number of index.getValues(key, limit === Infinity ? {} : { limit })) numbers.push(number);
  return numbers;
}

/** What two rising sequences have in common, the first `limit` of it. */
function intersect(a: Iterable<number>, b: Iterable<number>, limit: number): number[] {
  const both: number[] = [];
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  let x = left.next();
  let y = right.next();
  while (x.done !== true && y.done !== true && both.length < limit) {
    if (x.value === y.value) {
      both.push(x.value);
      x = left.next();
      y = right.next();
    } else if (x.value < y.value) x = left.next();
    else y = right.next();
  }
  left.return?.();
  right.return?.();
  return both;
}
