import type { Place, Session } from '../system.ts';
import { makeDatabase } from './maria-connections.ts';
import { openMariaGoods } from './maria-goods.ts';
import { openMariaHotRows } from './maria-hot-rows.ts';
import { openMariaItems } from './maria-items.ts';

/** Opens a session of MariaDB's connector. */
export async function openMariaDb(place: Place): Promise<Session> {
  const version = await makeDatabase(place);
  return {
    version,
    openGoods: (goods, run, way) => openMariaGoods(place, goods, run, way),
    openItems: (run, way) => openMariaItems(place, run, way),
    openHotRows: (run, way) => openMariaHotRows(place, run, way),
    close: async () => {},
  };
}
