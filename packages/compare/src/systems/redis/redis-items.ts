import type { Redis } from 'ioredis';
import type { Item } from '../items.ts';
import { ITEM_FIELDS, itemOfValues } from '../item-values.ts';
import type { ItemLane, OpenItems, Place, Way } from '../system.ts';
import { expectDone, openConnections } from './redis-connections.ts';
import { INSERT_ITEMS, ITEMS_BETWEEN } from './scripts.ts';

/** Items of one call of the script; more are several calls in one MULTI block. */
const SCRIPT_ITEMS = 1000;
const SCAN_ROWS = 1000;

export async function openRedisItems(place: Place, run: string, way: Way): Promise<OpenItems> {
  const { first, all, close } = await openConnections(place, way);
  return { lanes: all.map((redis) => itemLane(redis, run)), scan: () => scan(first, run), close };
}

async function* scan(redis: Redis, run: string): AsyncGenerator<Item> {
  const numbers = await redis.zrange(`${run}:price`, '0', '-1');
  for (let start = 0; start < numbers.length; start += SCAN_ROWS) {
    const part = numbers.slice(start, start + SCAN_ROWS);
    for (const values of await Promise.all(part.map((number) => redis.hmget(`${run}:item:${number}`, ...ITEM_FIELDS))))
      yield itemOfValues(values);
  }
}

function itemLane(redis: Redis, run: string): ItemLane {
  return {
    insert: async (items) => {
      if (items.length <= SCRIPT_ITEMS) {
        await redis.evalsha(INSERT_ITEMS.sha, 1, run, ...valuesOf(items));
        return;
      }
      const block = redis.multi();
      for (let start = 0; start < items.length; start += SCRIPT_ITEMS) {
        block.evalsha(INSERT_ITEMS.sha, 1, run, ...valuesOf(items.slice(start, start + SCRIPT_ITEMS)));
      }
      expectDone(await block.exec());
    },
    read: async (number) => {
      const values = await redis.hmget(`${run}:item:${number}`, ...ITEM_FIELDS);
      return values[0] === null ? undefined : itemOfValues(values);
    },
    range: async (priceMin, priceMax) => {
      const rows = (await redis.evalsha(ITEMS_BETWEEN.sha, 1, run, priceMin, priceMax)) as string[][];
      return rows.map(itemOfValues);
    },
    ofCategory: async (category) => (await redis.smembers(`${run}:category:${category}`)).map(Number),
    ofRegionAndStatus: async (region, status) => (await redis.sinter(`${run}:region:${region}`, `${run}:status:${status}`)).map(Number),
    setAmount: async (number, amount) => {
      await redis.hset(`${run}:item:${number}`, 'amount', amount);
    },
  };
}

function valuesOf(items: readonly Item[]): (string | number)[] {
  return items.flatMap((item) => ITEM_FIELDS.map((name) => item[name]));
}
