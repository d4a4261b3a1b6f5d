import type { ShopClaim, ShopLock, ShopTable } from '@k-lani/bench';
import { demandOf, fieldNames, type Goods, type UnitRow, type UnitTerm } from '../goods.ts';
import { GroupStarts } from '../sql/group-starts.ts';
import type { OpenGoods, Place, Way } from '../system.ts';
import { type MariaConnections, openMariaConnections } from './maria-connections.ts';
import { lockRow } from './maria-locking.ts';

const NONE: ShopClaim = { outcome: 'none_available' };

/** What is said to the server about one table. */
interface Statements {
  readonly query: string;
  readonly lock: string;
  readonly sell: string;
  /** Locks the first free unit of a group. */
  readonly first: string;
  /** The same, and sells it, in the server. */
  readonly call: string;
}

export async function openMariaGoods(place: Place, goods: Goods, run: string, way: Way): Promise<OpenGoods> {
  const connections = await openMariaConnections(place, way);
  const { first } = connections.pool;
  const { fields } = goods;
  const names = fieldNames(fields).map(quoted);
  const columns = names.map((name) => `${name} INT NOT NULL`).join(', ');
  const free = [fields.group, fields.booked].map(quoted).join(', ');
  await first.query(`CREATE TABLE IF NOT EXISTS ${run} (id INT PRIMARY KEY, ${columns}, KEY free (${free}, id)) ENGINE = InnoDB`);
  const isProcedure = way.name === 'procedure';
  const statements = statementsOf(goods, run, way);
  if (isProcedure) await first.query(procedureOf(goods, run));
  return {
    tables: [mariaGoods(connections, goods, statements, isProcedure)],
    appendAll: async (rows) => {
      const [[last] = [0]] = await first.query<number[][]>(`SELECT coalesce(max(id), 0) FROM ${run}`);
      const ids = rows.map((_, index) => Number(last) + index + 1);
      const marks = ['id', ...names].map(() => '?').join(', ');
      const values = rows.map((row, index) => [ids[index], ...fieldNames(fields).map((name) => row[name])]);
      await first.beginTransaction();
      await first.batch(`INSERT INTO ${run} (id, ${names.join(', ')}) VALUES (${marks})`, values);
      await first.commit();
      return ids;
    },
    settle: async () => {
      await first.query(`ANALYZE TABLE ${run}`);
    },
    scan: async function* () {
      const rows = await first.query<number[][]>(`SELECT id, ${names.join(', ')} FROM ${run}`);
      for (const [rowId = 0, ...values] of rows) yield { rowId, row: rowOf(fieldNames(fields), values) };
    },
    close: connections.close,
  };
}

function statementsOf({ fields, market }: Goods, run: string, way: Way): Statements {
  const { group, buyer, price } = fields;
  const below = price === undefined ? '' : ` AND ${quoted(price)} <= ?`;
  const free = `is_booked = 0 AND ${quoted(group)} = ?${below}`;
  const locking = way.name === 'nowait' ? 'NOWAIT' : 'SKIP LOCKED';
  return {
    query: `SELECT id FROM ${run} WHERE ${free} AND id >= ? ORDER BY id LIMIT ${market.windowLimit}`,
    lock: `SELECT ${fieldNames(fields).map(quoted).join(', ')} FROM ${run} WHERE id = ? FOR UPDATE ${locking}`,
    sell: `UPDATE ${run} SET is_booked = 1, ${quoted(buyer)} = ? WHERE id = ?`,
    first: `SELECT id FROM ${run} WHERE ${free} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    call: `CALL ${run}_claim(?, ?${price === undefined ? '' : ', ?'})`,
  };
}

function procedureOf({ fields }: Goods, run: string): string {
  const { group, buyer, price } = fields;
  const free = `is_booked = 0 AND ${quoted(group)} = wanted${price === undefined ? '' : ` AND ${quoted(price)} <= ceiling`}`;
  return `CREATE OR REPLACE PROCEDURE ${run}_claim(IN wanted INT, IN buyer_no INT${price === undefined ? '' : ', IN ceiling INT'})
BEGIN
  DECLARE found INT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET found = 0;
  START TRANSACTION;
  SELECT id INTO found FROM ${run} WHERE ${free} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF found > 0 THEN UPDATE ${run} SET is_booked = 1, ${quoted(buyer)} = buyer_no WHERE id = found; END IF;
  COMMIT;
  SELECT found;
END`;
}

/** As of PostgreSQL: a sale under a lock is one transaction, and a claim passes over rows that others are buying. */
function mariaGoods(
  connections: MariaConnections,
  goods: Goods,
  statements: Statements,
  isProcedure: boolean,
): ShopTable<UnitRow, UnitTerm> {
  const { fields } = goods;
  const starts = new GroupStarts(goods);
  return {
    queryIntersect: async (terms, { spread }) => {
      const { group, ceiling } = demandOf(fields, terms);
      const asked = ceiling === undefined ? [group] : [group, ceiling];
      const rows = await connections.run(statements.query, [...asked, starts.idFor(group, spread)]);
      const found = rows.length > 0 ? rows : await connections.run(statements.query, [...asked, 0]);
      return found.map(([id]) => Number(id));
    },
    tryLock: async (rowId): Promise<ShopLock<UnitRow> | undefined> => {
      const locked = await lockRow(connections, statements.lock, [rowId]);
      if (locked === undefined) return undefined;
      const row = rowOf(fieldNames(fields), locked.values);
      return {
        seek: async () => ({ row }),
        replace: async (sold) => {
          await locked.write(statements.sell, [sold[fields.buyer], rowId]);
          return { lsn: 0 };
        },
        unlock: () => locked.release(),
      };
    },
    claim: async ({ where, set }) => {
      const { group, ceiling } = demandOf(fields, where);
      const asked = ceiling === undefined ? [] : [ceiling];
      const buyer = set[fields.buyer] ?? 0;
      const rowId = isProcedure
        ? await callClaim(connections, statements.call, [group, buyer, ...asked])
        : await claim(connections, statements, [group, ...asked], buyer);
      return rowId === 0 ? NONE : { outcome: 'claimed', lines: [[{ rowId }]] };
    },
  };
}

/** The procedure answers with its rows, and then with how it ended. */
async function callClaim(connections: MariaConnections, call: string, values: readonly number[]): Promise<number> {
  const [rows] = await connections.run(call, values);
  const [found] = (rows ?? []) as unknown[][];
  return Number(found?.[0] ?? 0);
}

async function claim(connections: MariaConnections, statements: Statements, asked: readonly number[], buyer: number): Promise<number> {
  const locked = await lockRow(connections, statements.first, asked);
  if (locked === undefined) return 0;
  const rowId = Number(locked.values[0]);
  await locked.write(statements.sell, [buyer, rowId]);
  return rowId;
}

function rowOf(names: readonly string[], values: readonly unknown[]): UnitRow {
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index])]));
}

function quoted(name: string): string {
  return `\`${name}\``;
}
