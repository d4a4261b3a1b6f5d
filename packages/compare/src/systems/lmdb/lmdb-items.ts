import type { RootDatabase } from 'lmdb';
import type { Item } from '../items.ts';
import type { ItemLane, ItemReads, OpenItems, Way } from '../system.ts';
import { openEnvironment, transact } from './environment.ts';
import { openItemIndexes, type ItemIndexes } from './item-indexes.ts';
import { openBinary, openStructures, type ItemRows } from './item-rows.ts';

/** The way that has an index of both fields of a pair beside those of one. */
export const PAIR_INDEX = 'index of both fields';

/** Items with their indexes, or by their number alone. */
export function openLmdbItems(directory: string, { name }: Way, isIndexed: boolean): OpenItems {
  const root = openEnvironment(directory);
  const rows = name.startsWith('binary') ? openBinary(root) : openStructures(root);
  const indexes = isIndexed ? openItemIndexes(root, { hasCopies: name.endsWith('covering'), hasPairs: name === PAIR_INDEX }) : undefined;
  const direct = new LmdbReads(rows, indexes);
  return {
    lanes: [itemLane({ root, isBatched: name.endsWith('batched'), rows, indexes, direct })],
    scan: async function* () {
      yield* rows.all();
    },
    close: () => root.close(),
  };
}

/** The items as another thread or process opens them. */
export async function openReads({ directory, way }: { readonly directory: string; readonly way: Way }): Promise<ItemReads> {
  const [lane] = openLmdbItems(directory, way, true).lanes;
  if (lane?.direct === undefined) throw new Error('Cannot read items: they have no lane');
  return lane.direct;
}

class LmdbReads implements ItemReads {
  readonly #rows: ItemRows;
  readonly #indexes: ItemIndexes | undefined;

  constructor(rows: ItemRows, indexes: ItemIndexes | undefined) {
    this.#rows = rows;
    this.#indexes = indexes;
  }

  read(number: number): Item | undefined {
    return this.#rows.get(number);
  }

  between(first: number, last: number): readonly Item[] {
    return this.#rows.between(first, last);
  }

  range(priceMin: number, priceMax: number): readonly Item[] {
    return this.#expectIndexes().range(priceMin, priceMax, this.#rows);
  }

  ofCategory(category: number): readonly number[] {
    return this.#expectIndexes().ofCategory(category);
  }

  ofRegionAndStatus(region: number, status: number, limit: number): readonly number[] {
    return this.#expectIndexes().ofRegionAndStatus(region, status, limit);
  }

  #expectIndexes(): ItemIndexes {
    if (this.#indexes === undefined) throw new Error('Cannot ask for items by a field: they have no indexes');
    return this.#indexes;
  }
}

function itemLane(lane: {
  readonly root: RootDatabase;
  readonly isBatched: boolean;
  readonly rows: ItemRows;
  readonly indexes: ItemIndexes | undefined;
  readonly direct: LmdbReads;
}): ItemLane {
  const { root, isBatched, rows, indexes, direct } = lane;
  return {
    direct,
    insert: (items) =>
      transact(root, isBatched, () => {
        for (const item of items) {
          rows.put(item);
          indexes?.add(item);
        }
      }),
    read: async (number) => direct.read(number),
    range: async (priceMin, priceMax) => direct.range(priceMin, priceMax),
    ofCategory: async (category) => direct.ofCategory(category),
    ofRegionAndStatus: async (region, status) => direct.ofRegionAndStatus(region, status, Infinity),
    setAmount: (number, amount) =>
      transact(root, isBatched, () => {
        const item = rows.get(number);
        if (item === undefined) throw new Error(`Cannot change item ${number}: there is none`);
        const changed = { ...item, amount };
        rows.put(changed);
        indexes?.changed(changed);
      }),
  };
}
