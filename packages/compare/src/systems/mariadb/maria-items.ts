import type { Item } from '../items.ts';
import { ITEM_FIELDS, itemOfValues } from '../item-values.ts';
import type { ItemLane, OpenItems, Place, Way } from '../system.ts';
import { type MariaConnections, openMariaConnections } from './maria-connections.ts';

const COLUMNS = ITEM_FIELDS.join(', ');

export async function openMariaItems(place: Place, run: string, way: Way): Promise<OpenItems> {
  const connections = await openMariaConnections(place, way);
  const { first } = connections.pool;
  await first.query(`CREATE TABLE IF NOT EXISTS ${run} (
    number INT PRIMARY KEY, category INT NOT NULL, region INT NOT NULL, status INT NOT NULL, price INT NOT NULL, amount INT NOT NULL,
    label CHAR(32) CHARACTER SET ascii NOT NULL, KEY (category), KEY (region), KEY (status), KEY (price)) ENGINE = InnoDB`);
  return {
    lanes: [itemLane(connections, run)],
    settle: async () => {
      await first.query(`ANALYZE TABLE ${run}`);
    },
    scan: async function* (): AsyncGenerator<Item> {
      const rows = await first.query<unknown[][]>(`SELECT ${COLUMNS} FROM ${run}`);
      for (const row of rows) yield itemOfValues(row);
    },
    close: connections.close,
  };
}

function itemLane({ pool, run: query }: MariaConnections, run: string): ItemLane {
  const insert = `INSERT INTO ${run} (${COLUMNS}) VALUES (${ITEM_FIELDS.map(() => '?').join(', ')})`;
  const read = `SELECT ${COLUMNS} FROM ${run} WHERE number = ?`;
  const range = `SELECT ${COLUMNS} FROM ${run} WHERE price BETWEEN ? AND ?`;
  const category = `SELECT number FROM ${run} WHERE category = ?`;
  const both = `SELECT number FROM ${run} WHERE region = ? AND status = ?`;
  const change = `UPDATE ${run} SET amount = ? WHERE number = ?`;
  return {
    insert: (items) =>
      pool.use(async (connection) => {
        const values = items.map((item) => ITEM_FIELDS.map((name) => item[name]));
        // The connector sends all of them before it waits for the first answer.
        await Promise.all([connection.beginTransaction(), connection.batch(insert, values), connection.commit()]);
      }),
    read: async (number) => {
      const [row] = await query(read, [number]);
      return row === undefined ? undefined : itemOfValues(row);
    },
    range: async (priceMin, priceMax) => (await query(range, [priceMin, priceMax])).map(itemOfValues),
    ofCategory: async (number) => (await query(category, [number])).map(([found]) => Number(found)),
    ofRegionAndStatus: async (region, status) => (await query(both, [region, status])).map(([found]) => Number(found)),
    setAmount: async (number, amount) => {
      await query(change, [amount, number]);
    },
  };
}
