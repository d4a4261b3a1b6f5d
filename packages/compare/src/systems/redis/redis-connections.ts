import { Redis } from 'ioredis';
import type { Place, Way } from '../system.ts';
import { SCRIPTS } from './scripts.ts';

/** The longest that a lock is held whose holder is gone. */
export const LEASE_MS = 300_000;

let tokensGiven = 0;

/** What no other lock of this driver was taken with. */
export function nextToken(): string {
  tokensGiven += 1;
  return `${process.pid}-${tokensGiven}`;
}

/** @throws Error when a MULTI block was aborted, or one of its commands failed */
export function expectDone(results: readonly [error: Error | null, result: unknown][] | null): void {
  if (results === null) throw new Error('Cannot execute MULTI block: it was aborted');
  for (const [error] of results) if (error !== null) throw error;
}

/** Several connections to one server. */
export interface Connections {
  readonly first: Redis;
  readonly all: readonly Redis[];
  readonly close: () => Promise<void>;
}

/** Opens connections that know all scripts. Ways whose name ends with "pipelined" send the commands of one turn together. */
export async function openConnections(place: Place, way: Way): Promise<Connections> {
  const isPipelined = way.name.endsWith('pipelined');
  const first = connectRedis(place, isPipelined);
  const all = [first, ...Array.from({ length: way.connections - 1 }, () => connectRedis(place, isPipelined))];
  await Promise.all(all.map((redis) => redis.ping()));
  for (const { lua } of SCRIPTS) await first.script('LOAD', lua);
  return {
    first,
    all,
    close: async () => {
      await Promise.all(all.map((redis) => redis.quit()));
    },
  };
}

/** Lost connections are not opened again: whatever waits ends with an error. */
export function connectRedis({ host, port }: Place, enableAutoPipelining: boolean): Redis {
  const redis = new Redis({ host, port, enableAutoPipelining, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  // What fails because of it says so.
  redis.on('error', () => {});
  return redis;
}
