import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ITEM_FIELDS } from '../item-values.ts';
import type { Item } from '../items.ts';
import type { ItemLane, ItemReads, OpenItems, Way } from '../system.ts';
import { openDatabaseFile } from './database-file.ts';
import { Transactions } from './transactions.ts';

const TABLE = `CREATE TABLE IF NOT EXISTS items (number INTEGER PRIMARY KEY, category INTEGER NOT NULL, region INTEGER NOT NULL,
  status INTEGER NOT NULL, price INTEGER NOT NULL, amount INTEGER NOT NULL, label TEXT NOT NULL)`;
const INDEXED = ['category', 'region', 'status', 'price'];
/** The way that has an index of both fields of a pair beside those of one. */
export const PAIR_INDEX = 'index of both fields';
const COLUMNS = ITEM_FIELDS.join(', ');

/** Items with their indexes, or by their number alone. */
export function openSqliteItems(file: string, { name }: Way, isIndexed: boolean): OpenItems {
  const database = openDatabaseFile(file);
  database.exec(TABLE);
  const hasPair = name === PAIR_INDEX;
  if (isIndexed) for (const field of INDEXED) database.exec(`CREATE INDEX IF NOT EXISTS items_${field} ON items (${field})`);
  if (hasPair) database.exec('CREATE INDEX IF NOT EXISTS items_pair ON items (region, status)');
  const transactions = new Transactions(database, name === 'batched');
  return {
    lanes: [itemLane(database, transactions, hasPair)],
    settle: async () => database.exec('ANALYZE'),
    scan: async function* () {
      yield* database.prepare(`SELECT ${COLUMNS} FROM items`).iterate() as Iterable<unknown> as Iterable<Item>;
    },
    close: async () => database.close(),
  };
}

/** The items as another thread or process opens them. */
export async function openReads({ file, way }: { readonly file: string; readonly way: Way }): Promise<ItemReads> {
  return new SqliteReads(openDatabaseFile(file), way.name === PAIR_INDEX);
}

function itemLane(database: DatabaseSync, transactions: Transactions, hasPair: boolean): ItemLane {
  const insert = database.prepare(`INSERT INTO items (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const update = database.prepare('UPDATE items SET amount = ? WHERE number = ?');
  const direct = new SqliteReads(database, hasPair);
  return {
    direct,
    insert: (items) =>
      transactions.run(() => {
        for (const { number, category, region, status, price, amount, label } of items)
          insert.run(number, category, region, status, price, amount, label);
      }),
    read: async (number) => direct.read(number),
    range: async (priceMin, priceMax) => direct.range(priceMin, priceMax),
    ofCategory: async (category) => direct.ofCategory(category),
    ofRegionAndStatus: async (region, status) => direct.ofRegionAndStatus(region, status, -1),
    setAmount: (number, amount) =>
      transactions.run(() => {
        if (update.run(amount, number).changes !== 1) throw new Error(`Cannot change item ${number}: there is none`);
      }),
  };
}

class SqliteReads implements ItemReads {
  readonly #read: StatementSync;
  readonly #between: StatementSync;
  readonly #range: StatementSync;
  readonly #ofCategory: StatementSync;
  readonly #ofBoth: StatementSync;

  constructor(database: DatabaseSync, hasPair: boolean) {
    const select = (what: string): StatementSync => database.prepare(`SELECT ${what}`);
    this.#read = select(`${COLUMNS} FROM items WHERE number = ?`);
    this.#between = select(`${COLUMNS} FROM items WHERE number BETWEEN ? AND ?`);
    this.#range = select(`${COLUMNS} FROM items WHERE price BETWEEN ? AND ?`);
    this.#ofCategory = select('number FROM items WHERE category = ?');
    // INTERSECT goes along both indexes at once, which is faster than one index and a look at each of its rows.
    this.#ofBoth = hasPair
      ? select('number FROM items WHERE region = ? AND status = ? LIMIT ?')
      : select('number FROM items WHERE region = ? INTERSECT SELECT number FROM items WHERE status = ? LIMIT ?');
  }

  read(number: number): Item | undefined {
    return this.#read.get(number) as Item | undefined;
  }

  between(first: number, last: number): readonly Item[] {
    return this.#between.all(first, last) as unknown as readonly Item[];
  }

  range(priceMin: number, priceMax: number): readonly Item[] {
    return this.#range.all(priceMin, priceMax) as unknown as readonly Item[];
  }

  ofCategory(category: number): readonly number[] {
    return numbersOf(this.#ofCategory.all(category));
  }

  ofRegionAndStatus(region: number, status: number, limit: number): readonly number[] {
    return numbersOf(this.#ofBoth.all(region, status, limit));
  }
}

function numbersOf(rows: readonly Readonly<Record<string, unknown>>[]): number[] {
  return rows.map(({ number }) => Number(number));
}
