import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Of each connection. Every commit is synced; the cache and the mapping hold the largest table. */
export const PRAGMAS: readonly string[] = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'busy_timeout = 60000',
  'cache_size = -262144',
  'mmap_size = 1073741824',
  'temp_store = MEMORY',
];

/** Opens a database, and makes it where there is none. */
export function openDatabaseFile(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file);
  // Waiting for a lock comes first: setting the journal takes one.
  for (const pragma of PRAGMAS.toSorted((a) => (a.startsWith('busy_timeout') ? -1 : 0))) database.exec(`PRAGMA ${pragma}`);
  return database;
}
