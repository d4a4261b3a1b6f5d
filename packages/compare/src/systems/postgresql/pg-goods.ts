import type { ShopClaim, ShopLock, ShopTable } from '@k-lani/bench';
import { demandOf, fieldNames, type Goods, type UnitRow, type UnitTerm } from '../goods.ts';
import { GroupStarts } from '../sql/group-starts.ts';
import type { OpenGoods, Place, Way } from '../system.ts';
import { openPgConnections, type PgConnections, type Prepared, runOn } from './pg-connections.ts';
import { lockRow } from './pg-locking.ts';

const NONE: ShopClaim = { outcome: 'none_available' };

/** What is said to the server about one table. */
interface Statements {
  readonly query: Prepared;
  readonly lock: Prepared;
  readonly sell: Prepared;
  readonly claim: Prepared;
}

export async function openPgGoods(place: Place, goods: Goods, run: string, way: Way): Promise<OpenGoods> {
  const connections = await openPgConnections(place, way);
  const { first } = connections.pool;
  const names = fieldNames(goods.fields);
  const { group } = goods.fields;
  const columns = names.map((name) => `${name} integer NOT NULL`).join(', ');
  await first.query(`CREATE TABLE IF NOT EXISTS ${run} (id integer PRIMARY KEY, ${columns})`);
  await first.query(`CREATE INDEX IF NOT EXISTS ${run}_free ON ${run} (${group}, id) WHERE is_booked = 0`);
  const insert = { name: `${run}_insert`, text: insertStatement(run, names) };
  return {
    tables: [pgGoods(connections, goods, statementsOf(goods, run, way))],
    appendAll: async (rows) => {
      const { rows: found } = await first.query<{ last: number }>(`SELECT coalesce(max(id), 0) AS last FROM ${run}`);
      const last = found[0]?.last ?? 0;
      const ids = rows.map((_, index) => last + index + 1);
      await runOn(first, insert, [ids, ...names.map((name) => rows.map((row) => row[name]))]);
      return ids;
    },
    settle: async () => {
      await first.query(`ANALYZE ${run}`);
    },
    scan: async function* () {
      const { rows } = await first.query<UnitRow>(`SELECT * FROM ${run}`);
      for (const row of rows) yield { rowId: row['id'] ?? 0, row };
    },
    close: connections.close,
  };
}

function insertStatement(run: string, names: readonly string[]): string {
  const arrays = ['id', ...names].map((_, index) => `$${index + 1}::integer[]`);
  return `INSERT INTO ${run} (id, ${names.join(', ')}) SELECT * FROM unnest(${arrays.join(', ')})`;
}

function statementsOf({ fields, market }: Goods, run: string, way: Way): Statements {
  const { group, buyer, price } = fields;
  const below = price === undefined ? '' : ` AND ${price} <= $3`;
  const free = `is_booked = 0 AND ${group} = $1${below}`;
  const limit = market.windowLimit;
  const from = (side: string): string => `(SELECT id FROM ${run} WHERE ${free} AND id ${side} $2 ORDER BY id LIMIT ${limit})`;
  const locking = way.name.startsWith('nowait') ? 'NOWAIT' : 'SKIP LOCKED';
  const first = `SELECT id FROM ${run} WHERE ${free} ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`;
  return {
    query: { name: `${run}_query`, text: `${from('>=')} UNION ALL ${from('<')} LIMIT ${limit}` },
    lock: { name: `${run}_lock`, text: `SELECT ${fieldNames(fields).join(', ')} FROM ${run} WHERE id = $1 FOR UPDATE ${locking}` },
    sell: { name: `${run}_sell`, text: `UPDATE ${run} SET is_booked = 1, ${buyer} = $2 WHERE id = $1` },
    claim: { name: `${run}_claim`, text: `UPDATE ${run} SET is_booked = 1, ${buyer} = $2 WHERE id = (${first}) RETURNING id` },
  };
}

/**
 * A sale under a lock is one transaction: the lock is the row's, taken with what is read under it, and commit gives it back. A claim is one
 * statement; it passes over rows that others are buying, so the last buyers of a group may be refused before those sales are durable.
 */
function pgGoods(connections: PgConnections, goods: Goods, statements: Statements): ShopTable<UnitRow, UnitTerm> {
  const { fields } = goods;
  const names = fieldNames(fields);
  const starts = new GroupStarts(goods);
  const ceilingIn = (ceiling: number | undefined): number[] => (ceiling === undefined ? [] : [ceiling]);
  return {
    queryIntersect: async (terms, { spread }) => {
      const { group, ceiling } = demandOf(fields, terms);
      const rows = await connections.runAlone(statements.query, [group, starts.idFor(group, spread), ...ceilingIn(ceiling)]);
      return rows.map(([id]) => Number(id));
    },
    tryLock: async (rowId): Promise<ShopLock<UnitRow> | undefined> => {
      const locked = await lockRow(connections, statements.lock, [rowId]);
      if (locked === undefined) return undefined;
      const row = Object.fromEntries(names.map((name, index) => [name, Number(locked.values[index])]));
      return {
        seek: async () => ({ row }),
        replace: async (sold) => {
          await locked.write(statements.sell, [rowId, sold[fields.buyer]]);
          return { lsn: 0 };
        },
        unlock: () => locked.release(),
      };
    },
    claim: async ({ where, set }) => {
      const { group, ceiling } = demandOf(fields, where);
      const [row] = await connections.run(statements.claim, [group, set[fields.buyer], ...ceilingIn(ceiling)]);
      return row === undefined ? NONE : { outcome: 'claimed', lines: [[{ rowId: Number(row[0]) }]] };
    },
  };
}
