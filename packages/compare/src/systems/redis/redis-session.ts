import type { Place, Session } from '../system.ts';
import { connectRedis } from './redis-connections.ts';
import { openRedisGoods } from './redis-goods.ts';
import { openRedisHotRows } from './redis-hot-rows.ts';
import { openRedisItems } from './redis-items.ts';

/** Opens a session of ioredis. */
export async function openRedis(place: Place): Promise<Session> {
  const redis = connectRedis(place, false);
  const [, version = 'unknown'] = /redis_version:(\S+)/.exec(await redis.info('server')) ?? [];
  await redis.quit();
  return {
    version,
    openGoods: (goods, run, way) => openRedisGoods(place, goods, run, way),
    openItems: (run, way) => openRedisItems(place, run, way),
    openHotRows: (run, way) => openRedisHotRows(place, run, way),
    close: async () => {},
  };
}
