import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Session } from '../system.ts';
import { openSqliteGoods } from './sqlite-goods.ts';
import { openSqliteHotRows } from './sqlite-hot-rows.ts';
import { openSqliteItems } from './sqlite-items.ts';

export function openSqlite(directory: string): Session {
  const fileOf = (run: string): string => join(directory, `${run}.db`);
  return {
    version: sqliteVersion(),
    openGoods: async (goods, run, way) => openSqliteGoods(fileOf(run), goods, way),
    openItems: async (run, way) => openSqliteItems(fileOf(run), way, true),
    openPlainItems: async (run, way) => openSqliteItems(fileOf(run), way, false),
    openHotRows: async (run, way) => openSqliteHotRows(fileOf(run), way),
    hotThread: (run, way) => ({
      module: new URL('sqlite-hot-rows.ts', import.meta.url).href,
      data: { file: fileOf(run), way },
      close: async () => {},
    }),
    readers: (run, way) => ({
      module: new URL('sqlite-items.ts', import.meta.url).href,
      shared: { file: fileOf(run), way },
      path: fileOf(run),
      copied: (file) => ({ file, way }),
      close: async () => {},
    }),
    close: async () => {},
  };
}

function sqliteVersion(): string {
  const database = new DatabaseSync(':memory:');
  try {
    return String(database.prepare('SELECT sqlite_version() AS version').get()?.['version']);
  } finally {
    database.close();
  }
}
