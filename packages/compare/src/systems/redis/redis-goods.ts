import type { ShopClaim, ShopLock, ShopTable } from '@k-lani/bench';
import { KLaniError } from '@k-lani/protocol';
import type { Redis } from 'ioredis';
import { demandOf, fieldNames, type Goods, type UnitFields, type UnitRow, type UnitTerm } from '../goods.ts';
import type { OpenGoods, Place, Way } from '../system.ts';
import { Turns } from '../turns.ts';
import { expectDone, LEASE_MS, nextToken, openConnections } from './redis-connections.ts';
import { CLAIM_ANY, CLAIM_BELOW, FREE_BELOW, SELL_LOCKED, UNLOCK } from './scripts.ts';

const SCAN_ROWS = 1000;
const NONE: ShopClaim = { outcome: 'none_available' };

export async function openRedisGoods(place: Place, { fields, market }: Goods, run: string, way: Way): Promise<OpenGoods> {
  const { first, all, close } = await openConnections(place, way);
  const names = fieldNames(fields);
  const isWatching = way.name.startsWith('watch');
  return {
    tables: all.map((redis) => new RedisGoods(redis, run, fields, isWatching)),
    appendAll: async (rows) => {
      const last = await first.incrby(`${run}:units`, rows.length);
      const block = first.multi();
      const ids = rows.map((row, index) => {
        const id = last - rows.length + index + 1;
        const { group } = market.stateOf(row);
        block.hset(`${run}:unit:${id}`, row);
        if (fields.price === undefined) block.sadd(`${run}:free:${group}`, id);
        else block.zadd(`${run}:free:${group}`, row[fields.price] ?? 0, id);
        return id;
      });
      expectDone(await block.exec());
      return ids;
    },
    scan: () => scan(first, run, names),
    close,
  };
}

async function* scan(redis: Redis, run: string, names: readonly string[]): AsyncGenerator<{ rowId: number; row: UnitRow }> {
  const count = Number((await redis.get(`${run}:units`)) ?? 0);
  for (let start = 1; start <= count; start += SCAN_ROWS) {
    const ids = Array.from({ length: Math.min(SCAN_ROWS, count - start + 1) }, (_, index) => start + index);
    const rows = await Promise.all(ids.map((id) => redis.hmget(`${run}:unit:${id}`, ...names)));
    for (const [index, values] of rows.entries()) yield { rowId: start + index, row: rowOf(names, values) };
  }
}

class RedisGoods implements ShopTable<UnitRow, UnitTerm> {
  readonly #redis: Redis;
  readonly #run: string;
  readonly #fields: UnitFields;
  readonly #names: readonly string[];
  /** Keys watched belong to the connection: with WATCH, one buyer after the other has it. */
  readonly #turns: Turns | undefined;

  constructor(redis: Redis, run: string, fields: UnitFields, isWatching: boolean) {
    this.#redis = redis;
    this.#run = run;
    this.#fields = fields;
    this.#names = fieldNames(fields);
    this.#turns = isWatching ? new Turns() : undefined;
  }

  async queryIntersect(terms: readonly UnitTerm[], { limit, spread }: { limit: number; spread: number }): Promise<readonly number[]> {
    const { group, ceiling } = demandOf(this.#fields, terms);
    if (ceiling === undefined) return (await this.#redis.srandmember(`${this.#run}:free:${group}`, limit)).map(Number);
    const ids = (await this.#redis.evalsha(FREE_BELOW.sha, 1, this.#run, group, ceiling, limit, spread)) as string[];
    return ids.map(Number);
  }

  tryLock(rowId: number): Promise<ShopLock<UnitRow> | undefined> {
    return this.#turns === undefined ? this.#lock(rowId) : this.#watch(rowId, this.#turns);
  }

  async claim({ where, set }: { where: readonly UnitTerm[]; set: Partial<UnitRow> }): Promise<ShopClaim> {
    const { buyer: field } = this.#fields;
    const { group, ceiling } = demandOf(this.#fields, where);
    const buyer = set[field] ?? 0;
    const rowId =
      ceiling === undefined
        ? await this.#redis.evalsha(CLAIM_ANY.sha, 1, this.#run, group, buyer, field)
        : await this.#redis.evalsha(CLAIM_BELOW.sha, 1, this.#run, group, buyer, field, ceiling);
    return rowId === 0 ? NONE : { outcome: 'claimed', lines: [[{ rowId: Number(rowId) }]] };
  }

  /** A lock of its own, as Redis documents it: SET NX with a token and an end, given back only by its holder. */
  async #lock(rowId: number): Promise<ShopLock<UnitRow> | undefined> {
    const key = `${this.#run}:lock:${rowId}`;
    const token = nextToken();
    if ((await this.#redis.set(key, token, 'PX', LEASE_MS, 'NX')) === null) return undefined;
    return {
      seek: () => this.#read(rowId),
      replace: async (row) => {
        const { group, buyer, price } = this.#fields;
        const remove = price === undefined ? 'SREM' : 'ZREM';
        const values = [rowId, token, remove, row[group] ?? 0, row[buyer] ?? 0, buyer];
        if ((await this.#redis.evalsha(SELL_LOCKED.sha, 1, this.#run, ...values)) !== 1) throw lockEnded(rowId);
        return { lsn: 0 };
      },
      unlock: async () => {
        await this.#redis.evalsha(UNLOCK.sha, 1, key, token);
      },
    };
  }

  /** An optimistic lock: whoever executes first wins, the other one learns of it. */
  async #watch(rowId: number, turns: Turns): Promise<ShopLock<UnitRow>> {
    const release = await turns.take();
    const key = `${this.#run}:unit:${rowId}`;
    let isWatching = true;
    const forget = async (): Promise<void> => {
      if (!isWatching) return;
      isWatching = false;
      await this.#redis.unwatch().finally(release);
    };
    try {
      await this.#redis.watch(key);
    } catch (error) {
      release();
      throw error;
    }
    return {
      seek: () => this.#read(rowId),
      replace: async (row) => {
        const { group, buyer, price } = this.#fields;
        const free = `${this.#run}:free:${row[group] ?? 0}`;
        const block = this.#redis.multi().hset(key, { is_booked: 1, [buyer]: row[buyer] ?? 0 });
        if (price === undefined) block.srem(free, rowId);
        else block.zrem(free, rowId);
        isWatching = false;
        const done = await block.exec().finally(release);
        if (done === null) throw lockEnded(rowId);
        expectDone(done);
        return { lsn: 0 };
      },
      unlock: forget,
    };
  }

  async #read(rowId: number): Promise<{ row: UnitRow }> {
    return { row: rowOf(this.#names, await this.#redis.hmget(`${this.#run}:unit:${rowId}`, ...this.#names)) };
  }
}

function rowOf(names: readonly string[], values: readonly (string | null)[]): UnitRow {
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index] ?? 0)]));
}

function lockEnded(rowId: number): KLaniError {
  return new KLaniError('StaleToken', `Cannot write unit ${rowId}: the lock has ended`);
}
