import { forkEchoServer, ROOMS, runEchoLoop, SEATS, type ShopTable } from '@k-lani/bench';
import { type Client, connect, defineTable, type RemoteTable, type TableSchema } from 'k-lani-client';
import type { Goods, UnitRow, UnitTerm } from '../goods.ts';
import { type Item, LABEL_LENGTH } from '../items.ts';
import type { HotLane, HotRow, ItemLane, OpenGoods, OpenHotRows, OpenItems, Session, Way } from '../system.ts';

const ITEMS = defineTable({
  table: 'items',
  fields: {
    number: { type: 'uint32', index: 'unique' },
    category: { type: 'uint32', index: 'non_unique' },
    region: { type: 'uint32', index: 'non_unique' },
    status: { type: 'uint32', index: 'non_unique' },
    price: { type: 'uint32', index: 'ordered' },
    amount: { type: 'uint32' },
    label: { type: 'fixed_string', length: LABEL_LENGTH },
  },
});

/** How often a row was taken is its version, which counts its changes. */
const HOT_ROWS = defineTable({
  table: 'hot',
  fields: { slot: { type: 'uint32', index: 'unique' }, holder: { type: 'uint32' } },
});

const ECHOED = { schema: SEATS, row: { rank: 1, seat_no: 1, is_booked: 0, buyer: 0 } };

/** Opens a session of k-lani's client. */
export async function openKLani(url: string): Promise<Session> {
  const client = await connect(url, { name: 'compare' });
  const { serverVersion } = client.server;
  await client.close();
  return {
    version: serverVersion,
    openGoods: (goods, run, way) => openGoods(url, goods, run, way),
    openItems: (run, way) => openItems(url, run, way),
    openHotRows: (run, way) => openHotRows(url, run, way),
    echo: async (connections, depth, requests) => {
      const server = await forkEchoServer();
      try {
        const { perSecond } = await runEchoLoop(server.url, { connections, depth, requests }, ECHOED);
        return perSecond;
      } finally {
        await server.close();
      }
    },
    close: async () => {},
  };
}

/** One connection with its table open. */
interface Lane<S extends TableSchema> {
  readonly client: Client;
  readonly table: RemoteTable<S>;
}

/** A table over several connections. */
interface Lanes<S extends TableSchema> {
  readonly first: Lane<S>;
  readonly all: readonly Lane<S>[];
  readonly close: () => Promise<void>;
}

async function openLanes<S extends TableSchema>(url: string, schema: S, { connections }: Way): Promise<Lanes<S>> {
  const open = async (): Promise<Lane<S>> => {
    const client = await connect(url, { name: 'compare' });
    return { client, table: await client.table(schema) };
  };
  // The first one makes the table.
  const first = await open();
  const all = [first, ...(await Promise.all(Array.from({ length: connections - 1 }, open)))];
  return {
    first,
    all,
    close: async () => {
      await Promise.all(all.map(({ client }) => client.close()));
    },
  };
}

async function openGoods(url: string, goods: Goods, run: string, way: Way): Promise<OpenGoods> {
  const schema: TableSchema = { ...(goods.name === 'concert' ? SEATS : ROOMS), table: run };
  const { first, all, close } = await openLanes(url, schema, way);
  return {
    // Rows and terms of goods are those of the two schemas.
    tables: all.map(({ table }) => table as unknown as ShopTable<UnitRow, UnitTerm>),
    appendAll: async (rows) => {
      const { changes } = await first.client.batch((batch) => {
        for (const row of rows) batch.append(first.table, row);
      });
      return changes.map(({ rowId }) => rowId);
    },
    scan: () => first.table.scan() as unknown as AsyncIterable<{ rowId: number; row: UnitRow }>,
    close,
  };
}

async function openItems(url: string, run: string, way: Way): Promise<OpenItems> {
  const { first, all, close } = await openLanes(url, { ...ITEMS, table: run }, way);
  return { lanes: all.map(itemLane), scan: () => rowsOf(first.table), close };
}

async function* rowsOf(table: RemoteTable<typeof ITEMS>): AsyncGenerator<Item> {
  for await (const { row } of table.scan()) yield row;
}

/** In a table that was filled in the order of their numbers, an item's number is its row id. */
function itemLane({ client, table }: Lane<typeof ITEMS>): ItemLane {
  return {
    insert: async (items) => {
      await client.batch((batch) => {
        for (const item of items) batch.append(table, item);
      });
    },
    read: async (number) => (await table.seek(number))?.row,
    range: async (gte, lte) => (await table.seekByPredicate({ field: 'price', gte, lte }, { limit: 0 })).map(({ row }) => row),
    ofCategory: (category) => table.queryIntersect([{ field: 'category', eq: category }], { limit: 0 }),
    ofRegionAndStatus: (region, status) => {
      const terms = [{ field: 'region', eq: region } as const, { field: 'status', eq: status } as const];
      return table.queryIntersect(terms, { limit: 0 });
    },
    setAmount: async (number, amount) => {
      const { outcome } = await table.claim({ where: [{ field: 'number', eq: number }], set: { amount } });
      if (outcome !== 'claimed') throw new Error(`Cannot change item ${number}: ${outcome}`);
    },
  };
}

async function openHotRows(url: string, run: string, way: Way): Promise<OpenHotRows> {
  const { first, all, close } = await openLanes(url, { ...HOT_ROWS, table: run }, way);
  return {
    lanes: all.map(hotLane),
    create: async (slots) => {
      await first.client.batch((batch) => {
        for (let slot = 1; slot <= slots; slot += 1) batch.append(first.table, { slot, holder: 0 });
      });
    },
    readAll: async () => {
      const rows: HotRow[] = [];
      for await (const { version, row } of first.table.scan()) rows.push({ ...row, taken: version - 1 });
      return rows;
    },
    close,
  };
}

/** A slot is its row id. */
function hotLane({ table }: Lane<typeof HOT_ROWS>): HotLane {
  return {
    takeByLoop: async (slot, holder) => {
      const lock = await table.tryLock(slot);
      if (lock === undefined) return false;
      const found = await lock.seek();
      if (found === undefined) throw new Error(`Cannot take slot ${slot}: its row is gone`);
      await lock.replaceAndUnlock({ slot: found.row.slot, holder });
      return true;
    },
    take: async (slot, holder) => (await table.claim({ where: [{ field: 'slot', eq: slot }], set: { holder } })).outcome === 'claimed',
  };
}
