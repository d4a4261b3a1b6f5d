/** LMDB in the process, through `lmdb` for Node: one environment a run. */
import type { Place, System, Use } from '../system.ts';
import { installedPackages } from '../installed-packages.ts';
import { PAIR_INDEX } from './lmdb-items.ts';
import { openLmdb } from './lmdb-session.ts';

/**
 * Ways of one use. `batched` are the library's asynchronous transactions: those of one turn of the loop share a commit, and their promises
 * resolve after it is synced. `structures` are values of the library's own encoder with shared structures, `binary` are hand-written bytes
 * of fixed width, `covering` keeps a copy of each row in the order of prices.
 */
const WAYS: Readonly<Partial<Record<Use, readonly string[]>>> = {
  items: ['structures', 'structures batched', 'binary', 'binary batched'],
  read: ['structures', 'binary'],
  range: ['structures', 'binary', 'structures covering'],
  intersect: ['structures'],
  pair: [PAIR_INDEX],
  'hot-threads': ['one by one', 'batched'],
};

export const LMDB: System = {
  name: 'lmdb',
  title: 'LMDB',
  kind: 'embedded',
  durability: 'a transaction returns, and the promise of a batched one resolves, after fdatasync',
  isolation: 'serializable: one write transaction at a time; readers have a snapshot',
  missing: () => undefined,
  configuration: [
    'noSync: false',
    'noMetaSync: false',
    'overlappingSync: true',
    'separateFlushed: false',
    'noMemInit: true',
    'pageSize: 4096',
  ],
  packages: installedPackages('lmdb'),
  bestConnections: [1],
  ways: (use) => WAYS[use] ?? ['one by one', 'batched'],
  server: undefined,
  open: async ({ directory }: Place) => openLmdb(directory),
};
