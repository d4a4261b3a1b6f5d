import type { Place, Session } from '../system.ts';
import { connectPg } from './pg-connections.ts';
import { openPgGoods } from './pg-goods.ts';
import { openPgHotRows } from './pg-hot-rows.ts';
import { openPgItems } from './pg-items.ts';

/** Opens a session of pg. */
export async function openPostgreSql(place: Place): Promise<Session> {
  const client = await connectPg(place, false);
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  await client.end();
  return {
    version: rows[0]?.server_version ?? 'unknown',
    openGoods: (goods, run, way) => openPgGoods(place, goods, run, way),
    openItems: (run, way) => openPgItems(place, run, way),
    openHotRows: (run, way) => openPgHotRows(place, run, way),
    close: async () => {},
  };
}
