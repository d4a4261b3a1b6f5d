/** Items by number, as values of the library's encoder or as bytes of our own. */
import type { Database, PutOptions, RootDatabase } from 'lmdb';
import type { Item } from '../items.ts';
import { decodeItem, encodeItem } from './item-bytes.ts';

/** Where the encoder keeps the structures that its values share; no item has this number. */
const STRUCTURES_KEY = 0xffff_ffff;

const APPEND: PutOptions = { append: true };

export interface ItemRows {
  put(item: Item): void;
  get(number: number): Item | undefined;
  /** Items with numbers from `first` to `last`, both included. */
  between(first: number, last: number): Item[];
  all(): Iterable<Item>;
}

export function openStructures(root: RootDatabase): ItemRows {
  const rows: Database<Item, number> = root.openDB({ name: 'items', keyEncoding: 'uint32', sharedStructuresKey: STRUCTURES_KEY });
  return {
    put: (item) => rows.putSync(item.number, item),
    get: (number) => rows.get(number),
    between: (first, last) => {
      const items: Item[] = [];
      for (const { value } of rows.getRange({ start: first, end: last + 1 })) items.push(value);
      return items;
    },
    all: () => rows.getRange({ end: STRUCTURES_KEY }).map(({ value }) => value),
  };
}

export function openBinary(root: RootDatabase): ItemRows {
  const rows: Database<Buffer, number> = root.openDB({ name: 'items', keyEncoding: 'uint32', encoding: 'binary' });
  let highest = 0;
  return {
    put: (item) => {
      const { number } = item;
      // Numbers that go up are put behind the last one without a search.
      if (highest > 0 && number > highest) rows.putSync(number, encodeItem(item), APPEND);
      else rows.putSync(number, encodeItem(item));
      highest = Math.max(highest, number);
    },
    get: (number) => {
      const bytes = rows.getBinaryFast(number);
      return bytes === undefined ? undefined : decodeItem(bytes);
    },
    between: (first, last) => {
      const items: Item[] = [];
      for (const { value } of rows.getRange({ start: first, end: last + 1 })) items.push(decodeItem(value));
      return items;
    },
    all: () => rows.getRange().map(({ value }) => decodeItem(value)),
  };
}
