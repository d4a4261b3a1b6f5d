/** MariaDB with InnoDB, and its own connector. */
import { join } from 'node:path';
import { programPath } from '../programs.ts';
import type { System, Use } from '../system.ts';
import { probeMariaDb } from './maria-connections.ts';
import { openMariaDb } from './maria-session.ts';

const SERVER = 'mariadbd';
const INSTALL_DB = 'mariadb-install-db';

/** For two processors and 4 GB; nothing here weakens durability. No replica is fed, so there is no binary log. */
const SETTINGS = [
  'innodb-flush-log-at-trx-commit=1',
  'innodb-doublewrite=1',
  'innodb-flush-method=O_DIRECT',
  'innodb-buffer-pool-size=1G',
  'innodb-log-file-size=1G',
  'innodb-log-buffer-size=16M',
  'innodb-io-capacity=2000',
  'transaction-isolation=READ-COMMITTED',
  'skip-log-bin',
  'skip-name-resolve',
  'performance-schema=OFF',
  'max-connections=300',
  'thread-cache-size=128',
  'max-prepared-stmt-count=1000000',
];

const WAYS: Readonly<Partial<Record<Use, readonly string[]>>> = {
  loop: ['skip-locked', 'nowait'],
  claim: ['skip-locked', 'procedure'],
  items: ['prepared'],
  'hot-loop': ['skip-locked', 'nowait'],
  'hot-claim': ['update'],
};

export const MARIADB: System = {
  name: 'mariadb',
  title: 'MariaDB',
  kind: 'server',
  durability: 'commit answered after fsync of the log',
  isolation: 'read committed, with row locks',
  missing: () => (programPath(SERVER) === undefined ? { what: SERVER, install: 'apt-get install mariadb-server' } : undefined),
  configuration: SETTINGS,
  packages: [{ debian: 'mariadb-server' }, { debian: 'mariadb-server-core' }],
  bestConnections: [8, 16, 32],
  ways: (use) => WAYS[use] ?? [],
  server: {
    users: ['mysql'],
    stopSignal: 'SIGTERM',
    prepare: ({ directory }) => [
      {
        program: programPath(INSTALL_DB) ?? INSTALL_DB,
        arguments: ['--no-defaults', `--datadir=${directory}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
      },
    ],
    command: ({ directory, port }) => ({
      program: programPath(SERVER) ?? SERVER,
      arguments: [
        '--no-defaults',
        `--datadir=${directory}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(directory, 'socket')}`,
        `--pid-file=${join(directory, 'pid')}`,
        ...SETTINGS.map((setting) => `--${setting}`),
      ],
    }),
    probe: ({ port }) => probeMariaDb({ host: '127.0.0.1', port, directory: '' }),
  },
  open: openMariaDb,
};
