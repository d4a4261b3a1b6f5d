/** k-lani in the process: one database a run. */
import { installedPackages } from '../installed-packages.ts';
import type { Place, System } from '../system.ts';
import { openKLaniEmbedded } from './k-lani-embedded-session.ts';

export const K_LANI_EMBEDDED: System = {
  name: 'k-lani-embedded',
  title: 'k-lani, embedded',
  kind: 'embedded',
  durability: 'a promise resolves after fdatasync of the batch that has the write; a refusal too',
  isolation: 'serializable commands; readers see the last durable state',
  missing: () => undefined,
  configuration: ['durability: fsync'],
  packages: installedPackages('@k-lani/engine'),
  bestConnections: [1],
  ways: (use) => (use === 'loop' || use === 'hot-loop' ? ['lock'] : ['command']),
  server: undefined,
  open: async ({ directory }: Place) => openKLaniEmbedded(directory),
};
