import type { ShopClaim, ShopTable } from '@k-lani/bench';
import { demandOf, fieldNames, type Goods, type UnitRow, type UnitTerm } from '../goods.ts';
import { noRowLocks } from '../no-row-locks.ts';
import type { OpenGoods, Way } from '../system.ts';
import { openDatabaseFile } from './database-file.ts';
import { Transactions } from './transactions.ts';

const NONE: ShopClaim = { outcome: 'none_available' };
/** No price is higher. */
const CEILING_MAX = 2 ** 32;

/** Units by id, with an index of those that are free. */
export function openSqliteGoods(file: string, { fields }: Goods, { name }: Way): OpenGoods {
  const database = openDatabaseFile(file);
  const names = fieldNames(fields);
  const { group, buyer, price } = fields;
  database.exec(
    `CREATE TABLE IF NOT EXISTS units (id INTEGER PRIMARY KEY, ${names.map((field) => `${field} INTEGER NOT NULL`).join(', ')})`,
  );
  database.exec(`CREATE INDEX IF NOT EXISTS free ON units (${group}${price === undefined ? '' : `, ${price}`}) WHERE is_booked = 0`);
  const transactions = new Transactions(database, name === 'batched');
  const matching = `is_booked = 0 AND ${group} = ?${price === undefined ? ' AND ? > 0' : ` AND ${price} <= ?`}`;
  const insert = database.prepare(`INSERT INTO units (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  const find = database.prepare(`SELECT id FROM units WHERE ${matching} LIMIT ?`);
  const sell = database.prepare(
    `UPDATE units SET is_booked = 1, ${buyer} = ? WHERE id = (SELECT id FROM units WHERE ${matching} LIMIT 1) RETURNING id`,
  );
  const termsOf = (terms: readonly UnitTerm[]): [number, number] => {
    const demand = demandOf(fields, terms);
    return [demand.group, demand.ceiling ?? CEILING_MAX];
  };
  const table: ShopTable<UnitRow, UnitTerm> = {
    queryIntersect: async (terms, { limit }) => find.all(...termsOf(terms), limit).map(({ id }) => Number(id)),
    tryLock: noRowLocks,
    claim: ({ where, set }) =>
      transactions.run((): ShopClaim => {
        const sold = sell.get(set[buyer] ?? 0, ...termsOf(where));
        return sold === undefined ? NONE : { outcome: 'claimed', lines: [[{ rowId: Number(sold['id']) }]] };
      }),
  };
  return {
    tables: [table],
    appendAll: (rows) =>
      transactions.run(() => rows.map((row) => Number(insert.run(...names.map((field) => row[field] ?? 0)).lastInsertRowid))),
    settle: async () => database.exec('ANALYZE'),
    scan: async function* () {
      for (const { id, ...row } of database.prepare('SELECT * FROM units').iterate()) yield { rowId: Number(id), row: row as UnitRow };
    },
    close: async () => database.close(),
  };
}
