/** PostgreSQL, with pg. */
import { dirname, join } from 'node:path';
import { newestProgram } from '../programs.ts';
import type { System, Use } from '../system.ts';
import { probePostgreSql, USER } from './pg-connections.ts';
import { openPostgreSql } from './pg-session.ts';

const INITDB = '/usr/lib/postgresql/*/bin/initdb';

/** For two processors and 4 GB; nothing here weakens durability. No replica is fed, so the log says only what recovery needs. */
const SETTINGS = [
  'fsync=on',
  'synchronous_commit=on',
  'full_page_writes=on',
  'wal_level=minimal',
  'max_wal_senders=0',
  'wal_buffers=16MB',
  'max_wal_size=4GB',
  'checkpoint_timeout=15min',
  'shared_buffers=1GB',
  'effective_cache_size=2GB',
  'work_mem=16MB',
  'random_page_cost=1.1',
  'jit=off',
  'max_connections=300',
  'default_transaction_isolation=read committed',
];

const WAYS: Readonly<Partial<Record<Use, readonly string[]>>> = {
  loop: ['skip-locked', 'skip-locked pipelined', 'nowait', 'nowait pipelined'],
  claim: ['skip-locked', 'skip-locked pipelined'],
  items: ['prepared', 'prepared pipelined'],
  'hot-loop': ['skip-locked', 'skip-locked pipelined', 'nowait', 'nowait pipelined'],
  'hot-claim': ['update', 'update pipelined'],
};

function programsDirectory(): string | undefined {
  const initdb = newestProgram(INITDB);
  return initdb === undefined ? undefined : dirname(initdb);
}

export const POSTGRESQL: System = {
  name: 'postgresql',
  title: 'PostgreSQL',
  kind: 'server',
  durability: 'commit answered after fdatasync of the log',
  isolation: 'read committed, with row locks',
  missing: () => (programsDirectory() === undefined ? { what: INITDB, install: 'apt-get install postgresql' } : undefined),
  configuration: SETTINGS,
  packages: [{ debian: 'postgresql-*' }],
  bestConnections: [8, 16, 32],
  ways: (use) => WAYS[use] ?? [],
  server: {
    users: ['postgres'],
    stopSignal: 'SIGINT',
    prepare: ({ directory }) => [
      {
        program: join(programsDirectory() ?? '', 'initdb'),
        arguments: ['-D', directory, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C'],
      },
    ],
    command: ({ directory, port }) => ({
      program: join(programsDirectory() ?? '', 'postgres'),
      arguments: [...argumentsOf(directory, port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    }),
    probe: ({ port }) => probePostgreSql({ host: '127.0.0.1', port, directory: '' }),
  },
  open: (place) => openPostgreSql(place),
};

/** It listens on loopback only. */
function argumentsOf(directory: string, port: number): readonly string[] {
  return ['-D', directory, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
}
