import { attachReader, type EmbeddedDatabase, type EmbeddedTable, openDatabase, type SharedHandle } from '@k-lani/engine';
import { defineTable, KLaniError } from '@k-lani/protocol';
import { type Item, LABEL_LENGTH } from '../items.ts';
import type { ItemLane, ItemReads, OpenItems } from '../system.ts';

/** By their row ids alone. */
const PLAIN_ITEMS = defineTable({
  table: 'items',
  fields: {
    number: { type: 'uint32' },
    category: { type: 'uint32' },
    region: { type: 'uint32' },
    status: { type: 'uint32' },
    price: { type: 'uint32' },
    amount: { type: 'uint32' },
    label: { type: 'fixed_string', length: LABEL_LENGTH },
  },
});

const ITEMS = defineTable({
  table: 'items',
  fields: {
    number: { type: 'uint32' },
    category: { type: 'uint32', index: 'non_unique' },
    region: { type: 'uint32', index: 'non_unique' },
    status: { type: 'uint32', index: 'non_unique' },
    price: { type: 'uint32', index: 'ordered' },
    amount: { type: 'uint32' },
    label: { type: 'fixed_string', length: LABEL_LENGTH },
  },
});

type PlainTable = EmbeddedTable<typeof PLAIN_ITEMS>;
type IndexedTable = EmbeddedTable<typeof ITEMS>;
/** What reads need of a table; tables of readers have it too. */
type ReadTable = Pick<PlainTable, 'seek' | 'fetch'>;
type IndexedReadTable = ReadTable & Pick<IndexedTable, 'seekByPredicate' | 'queryIntersect'>;

/**
 * Items with their indexes, or by their number alone. The row id is the primary key: in a table that was filled in the order of their
 * numbers, an item's number is its row id.
 */
export async function openKLaniItems(database: EmbeddedDatabase, isIndexed: boolean): Promise<OpenItems> {
  const indexed = isIndexed ? await database.table(ITEMS) : undefined;
  const table = indexed ?? (await database.table(PLAIN_ITEMS));
  return {
    lanes: [itemLane(database, table, new KLaniReads(table, indexed))],
    scan: async function* () {
      for (const { row } of table.scan()) yield row;
    },
    close: () => database.close(),
  };
}

function itemLane(database: EmbeddedDatabase, table: PlainTable, direct: KLaniReads): ItemLane {
  return {
    direct,
    insert: async (items) => {
      await database.batch((batch) => {
        for (const item of items) batch.append(table, item);
      });
    },
    read: async (number) => direct.read(number),
    range: async (priceMin, priceMax) => direct.range(priceMin, priceMax),
    ofCategory: async (category) => direct.ofCategory(category),
    ofRegionAndStatus: async (region, status) => direct.ofRegionAndStatus(region, status, 0),
    setAmount: async (number, amount) => {
      while (!(await trySetAmount(table, number, amount)));
    },
  };
}

/** False when another change came first; the row is then seen with it. */
async function trySetAmount(table: PlainTable, number: number, amount: number): Promise<boolean> {
  const found = table.seek(number);
  if (found === undefined) throw new Error(`Cannot change item ${number}: there is none`);
  try {
    await table.replace(number, { ...found.row, amount }, { ifVersion: found.version });
    return true;
  } catch (error) {
    if (error instanceof KLaniError && error.code === 'VersionMismatch') return false;
    throw error;
  }
}

/** Items that another thread of this process has open, or a copy of them at a path. */
export async function openReads(from: SharedHandle | string): Promise<ItemReads> {
  const database = typeof from === 'string' ? await openDatabase(from) : attachReader(from);
  const table = await database.table(ITEMS);
  return new KLaniReads(table, table);
}

class KLaniReads implements ItemReads {
  readonly #table: ReadTable;
  readonly #indexed: IndexedReadTable | undefined;

  constructor(table: ReadTable, indexed: IndexedReadTable | undefined) {
    this.#table = table;
    this.#indexed = indexed;
  }

  read(number: number): Item | undefined {
    return this.#table.seek(number)?.row;
  }

  between(first: number, last: number): readonly Item[] {
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    return this.#table.fetch(numbers).map(({ row }) => row);
  }

  range(gte: number, lte: number): readonly Item[] {
    const indexed = this.#expectIndexes();
    return indexed.seekByPredicate({ field: 'price', gte, lte }, { limit: 0 }).map(({ row }) => row);
  }

  ofCategory(category: number): readonly number[] {
    return this.#expectIndexes().queryIntersect([{ field: 'category', eq: category }], { limit: 0 });
  }

  /** @param limit 0 for all */
  ofRegionAndStatus(region: number, status: number, limit: number): readonly number[] {
    const terms = [{ field: 'region', eq: region } as const, { field: 'status', eq: status } as const];
    return this.#expectIndexes().queryIntersect(terms, { limit });
  }

  #expectIndexes(): IndexedReadTable {
    if (this.#indexed === undefined) throw new Error('Cannot ask for items by a field: they have no indexes');
    return this.#indexed;
  }
}
