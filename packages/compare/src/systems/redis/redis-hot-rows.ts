import type { Redis } from 'ioredis';
import type { HotLane, HotRow, OpenHotRows, Place, Way } from '../system.ts';
import { Turns } from '../turns.ts';
import { expectDone, LEASE_MS, nextToken, openConnections } from './redis-connections.ts';
import { TAKE, TAKE_LOCKED } from './scripts.ts';

export async function openRedisHotRows(place: Place, run: string, way: Way): Promise<OpenHotRows> {
  const { first, all, close } = await openConnections(place, way);
  const isWatching = way.name.startsWith('watch');
  return {
    lanes: all.map((redis) => new RedisHotLane(redis, run, isWatching)),
    create: async (slots) => {
      const block = first.multi().set(`${run}:slots`, slots);
      for (let slot = 1; slot <= slots; slot += 1) block.hset(keyOf(run, slot), { taken: 0, holder: 0 });
      expectDone(await block.exec());
    },
    readAll: async () => {
      const slots = Number((await first.get(`${run}:slots`)) ?? 0);
      return Promise.all(Array.from({ length: slots }, (_, index) => readRow(first, run, index + 1)));
    },
    close,
  };
}

function keyOf(run: string, slot: number): string {
  return `${run}:hot:${slot}`;
}

async function readRow(redis: Redis, run: string, slot: number): Promise<HotRow> {
  const [taken, holder] = await redis.hmget(keyOf(run, slot), 'taken', 'holder');
  return { slot, taken: Number(taken), holder: Number(holder) };
}

class RedisHotLane implements HotLane {
  readonly #redis: Redis;
  readonly #run: string;
  readonly #turns: Turns | undefined;

  constructor(redis: Redis, run: string, isWatching: boolean) {
    this.#redis = redis;
    this.#run = run;
    this.#turns = isWatching ? new Turns() : undefined;
  }

  async takeByLoop(slot: number, holder: number): Promise<boolean> {
    if (this.#turns !== undefined) return this.#takeWatched(slot, holder, this.#turns);
    const lock = `${this.#run}:lock:${slot}`;
    const token = nextToken();
    if ((await this.#redis.set(lock, token, 'PX', LEASE_MS, 'NX')) === null) return false;
    const { taken } = await readRow(this.#redis, this.#run, slot);
    return (await this.#redis.evalsha(TAKE_LOCKED.sha, 2, keyOf(this.#run, slot), lock, holder, token, taken + 1)) === 1;
  }

  async take(slot: number, holder: number): Promise<boolean> {
    return (await this.#redis.evalsha(TAKE.sha, 1, keyOf(this.#run, slot), holder)) === 1;
  }

  /** Keys watched belong to the connection, which therefore serves one writer at a time. */
  async #takeWatched(slot: number, holder: number, turns: Turns): Promise<boolean> {
    const release = await turns.take();
    try {
      const key = keyOf(this.#run, slot);
      const [, { taken }] = await Promise.all([this.#redis.watch(key), readRow(this.#redis, this.#run, slot)]);
      const done = await this.#redis
        .multi()
        .hset(key, { taken: taken + 1, holder })
        .exec();
      if (done === null) return false;
      expectDone(done);
      return true;
    } finally {
      release();
    }
  }
}
