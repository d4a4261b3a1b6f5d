import type { Item } from '../items.ts';
import { ITEM_FIELDS, itemOfValues } from '../item-values.ts';
import type { ItemLane, OpenItems, Place, Way } from '../system.ts';
import { openPgConnections, type PgConnections } from './pg-connections.ts';

const INTEGERS = ['number', 'category', 'region', 'status', 'price', 'amount'] as const;
const INDEXED = ['category', 'region', 'status', 'price'] as const;
const COLUMNS = ITEM_FIELDS.join(', ');

export async function openPgItems(place: Place, run: string, way: Way): Promise<OpenItems> {
  const connections = await openPgConnections(place, way);
  const { first } = connections.pool;
  const columns = INTEGERS.map((name) => `${name} integer NOT NULL${name === 'number' ? ' PRIMARY KEY' : ''}`).join(', ');
  await first.query(`CREATE TABLE IF NOT EXISTS ${run} (${columns}, label text NOT NULL)`);
  for (const name of INDEXED) await first.query(`CREATE INDEX IF NOT EXISTS ${run}_${name} ON ${run} (${name})`);
  return {
    lanes: [itemLane(connections, run)],
    settle: async () => {
      await first.query(`ANALYZE ${run}`);
    },
    scan: async function* () {
      const { rows } = await first.query<Item>(`SELECT ${COLUMNS} FROM ${run}`);
      yield* rows;
    },
    close: connections.close,
  };
}

function itemLane({ run: query }: PgConnections, run: string): ItemLane {
  const arrays = INTEGERS.map((_, index) => `$${index + 1}::integer[]`).join(', ');
  const insert = { name: `${run}_insert`, text: `INSERT INTO ${run} (${COLUMNS}) SELECT * FROM unnest(${arrays}, $7::text[])` };
  const read = { name: `${run}_read`, text: `SELECT ${COLUMNS} FROM ${run} WHERE number = $1` };
  const range = { name: `${run}_range`, text: `SELECT ${COLUMNS} FROM ${run} WHERE price BETWEEN $1 AND $2` };
  const category = { name: `${run}_category`, text: `SELECT number FROM ${run} WHERE category = $1` };
  const both = { name: `${run}_both`, text: `SELECT number FROM ${run} WHERE region = $1 AND status = $2` };
  const change = { name: `${run}_change`, text: `UPDATE ${run} SET amount = $2 WHERE number = $1` };
  return {
    insert: async (items) => {
      const integers = INTEGERS.map((name) => items.map((item) => item[name]));
      await query(insert, [...integers, items.map(({ label }) => label)]);
    },
    read: async (number) => {
      const [row] = await query(read, [number]);
      return row === undefined ? undefined : itemOfValues(row);
    },
    range: async (priceMin, priceMax) => (await query(range, [priceMin, priceMax])).map(itemOfValues),
    ofCategory: async (number) => (await query(category, [number])).map(([found]) => Number(found)),
    ofRegionAndStatus: async (region, status) => (await query(both, [region, status])).map(([found]) => Number(found)),
    setAmount: async (number, amount) => {
      await query(change, [number, amount]);
    },
  };
}
