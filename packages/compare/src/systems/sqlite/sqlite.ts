/** SQLite in the process, as Node brings it: one database file a run. */
import type { Place, System } from '../system.ts';
import { PRAGMAS } from './database-file.ts';
import { PAIR_INDEX } from './sqlite-items.ts';
import { openSqlite } from './sqlite-session.ts';

export const SQLITE: System = {
  name: 'sqlite',
  title: 'SQLite',
  kind: 'embedded',
  durability: 'COMMIT returns after fsync of the write-ahead log; batched transactions are answered after the commit they share',
  isolation: 'serializable: one write transaction at a time; readers have a snapshot',
  missing: () => undefined,
  configuration: PRAGMAS,
  // A part of Node.
  packages: [],
  bestConnections: [1],
  ways: (use) => {
    if (use === 'read' || use === 'range' || use === 'intersect') return ['one index a field'];
    if (use === 'pair') return [PAIR_INDEX];
    return use === 'hot-threads' ? ['one by one'] : ['one by one', 'batched'];
  },
  server: undefined,
  open: async ({ directory }: Place) => openSqlite(directory),
};
