import { join } from 'node:path';
import { packageVersion } from '../installed-packages.ts';
import type { Session } from '../system.ts';
import { openLmdbGoods } from './lmdb-goods.ts';
import { openLmdbHotRows } from './lmdb-hot-rows.ts';
import { openLmdbItems } from './lmdb-items.ts';

export function openLmdb(directory: string): Session {
  return {
    version: packageVersion('lmdb'),
    openGoods: async (goods, run, way) => openLmdbGoods(join(directory, run), goods, way),
    openItems: async (run, way) => openLmdbItems(join(directory, run), way, true),
    openPlainItems: async (run, way) => openLmdbItems(join(directory, run), way, false),
    openHotRows: async (run, way) => openLmdbHotRows(join(directory, run), way),
    hotThread: (run, way) => ({
      module: new URL('lmdb-hot-rows.ts', import.meta.url).href,
      data: { directory: join(directory, run), way },
      close: async () => {},
    }),
    readers: (run, way) => ({
      module: new URL('lmdb-items.ts', import.meta.url).href,
      shared: { directory: join(directory, run), way },
      path: join(directory, run),
      copied: (copy) => ({ directory: copy, way }),
      close: async () => {},
    }),
    close: async () => {},
  };
}
