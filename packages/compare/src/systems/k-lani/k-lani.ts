/** k-lani as a server, with its own client. */
import { dirname, join } from 'node:path';
import { connect } from 'k-lani-client';
import { installedPackages } from '../installed-packages.ts';
import type { Place, System } from '../system.ts';
import { openKLani } from './k-lani-session.ts';

const COMMAND = join(import.meta.dirname, '../../../../cli/bin/k-lani.js');
const SETTINGS = ['--durability', 'fsync', '--log-level', 'error'];

export const K_LANI: System = {
  name: 'k-lani',
  title: 'k-lani',
  kind: 'server',
  durability: 'answered after fdatasync of the batch that has it; a refusal too',
  isolation: 'serializable commands; readers see the last durable state',
  missing: () => undefined,
  configuration: [`k-lani serve ${SETTINGS.join(' ')}`],
  packages: [...installedPackages('k-lani'), { directory: dirname(process.execPath) }],
  bestConnections: [8],
  ways: (use) => (use === 'loop' || use === 'hot-loop' ? ['lock'] : ['command']),
  server: {
    users: [],
    stopSignal: 'SIGTERM',
    prepare: () => [],
    command: ({ directory, port }) => ({
      program: process.execPath,
      arguments: [COMMAND, 'serve', '--data', directory, '--listen', `tcp://127.0.0.1:${port}`, ...SETTINGS],
    }),
    probe: async ({ port }) => {
      const client = await connect(`tcp://127.0.0.1:${port}`, { timeoutMs: 1000 });
      await client.close();
    },
  },
  open: (place: Place) => openKLani(`tcp://${place.host}:${place.port}`),
};
