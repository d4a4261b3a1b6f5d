/** Redis with its append-only file, and ioredis. */
import type { Place, System } from '../system.ts';
import { probePort } from '../port-probe.ts';
import { programPath } from '../programs.ts';
import { openRedis } from './redis-session.ts';

const PROGRAM = 'redis-server';
/** The append-only file is never rewritten while something is measured. */
const SETTINGS = ['appendonly yes', 'save ""', 'auto-aof-rewrite-percentage 0', 'tcp-backlog 511', 'protected-mode yes'];

/** Redis that syncs after each turn of its loop, and Redis that syncs once a second. */
export const REDIS: System = redis('redis', 'always', 'answered after fsync of the append-only file');
export const REDIS_EVERYSEC: System = redis('redis-everysec', 'everysec', 'answered before the sync: a power cut may lose a second');

function redis(name: string, appendfsync: 'always' | 'everysec', durability: string): System {
  const settings = [...SETTINGS, `appendfsync ${appendfsync}`];
  return {
    name,
    title: `Redis, appendfsync ${appendfsync}`,
    kind: 'server',
    durability,
    isolation: 'serializable: one command, script or MULTI block at a time',
    missing: () => (programPath(PROGRAM) === undefined ? { what: PROGRAM, install: 'apt-get install redis-server' } : undefined),
    configuration: settings,
    packages: [{ debian: 'redis-server' }, { debian: 'redis-tools' }],
    bestConnections: [8],
    ways: (use) => {
      if (use === 'loop' || use === 'hot-loop') return ['set-nx', 'set-nx pipelined', 'watch', 'watch pipelined'];
      return ['lua', 'lua pipelined'];
    },
    server: {
      users: [],
      stopSignal: 'SIGTERM',
      prepare: () => [],
      command: ({ directory, port }) => ({
        program: programPath(PROGRAM) ?? PROGRAM,
        arguments: ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...settings.flatMap(argumentsOf)],
      }),
      probe: ({ port }) => probePort(port),
    },
    open: (place: Place) => openRedis(place),
  };
}

function argumentsOf(setting: string): readonly string[] {
  const [name = '', value = ''] = setting.split(' ');
  return [`--${name}`, value === '""' ? '' : value];
}
