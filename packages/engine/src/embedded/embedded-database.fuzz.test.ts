import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable, type RowOf } from '@k-lani/protocol';
import type { EmbeddedDatabase } from './embedded-database.ts';
import type { EmbeddedTable } from './embedded-table.ts';
import { openDatabase } from './open-database.ts';

const rooms = defineTable({
  table: 'rooms',
  fields: {
    code: { type: 'uint32', index: 'unique' },
    hotel: { type: 'uint8', index: 'non_unique' },
    guest: { type: 'int32', index: 'non_unique', required: false },
    price: { type: 'int32', index: 'ordered' },
    note: { type: 'fixed_string', length: 12, required: false },
    photo: { type: 'blob', required: false },
  },
});
type Room = RowOf<typeof rooms>;

const STEPS = 700;
const SEEDS = [1, 2, 3, 4];

/** A plain model: row id → the versions of the row, `null` where it was deleted. */
class Model {
  readonly rows = new Map<number, (Room | null)[]>();

  row(rowId: number): Room | undefined {
    return this.rows.get(rowId)?.at(-1) ?? undefined;
  }

  live(rule: (row: Room) => boolean = () => true): number[] {
    return [...this.rows.keys()].filter((rowId) => {
      const row = this.row(rowId);
      return row !== undefined && rule(row);
    });
  }

  holderOf(code: number): number | undefined {
    return this.live((row) => row.code === code)[0];
  }
}

/** Random requests against an embedded database and the model. */
class Run {
  readonly model = new Model();
  readonly random: SeededRandom;
  database!: EmbeddedDatabase;
  table!: EmbeddedTable<typeof rooms>;
  readonly #paths: string[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  async open(path: string): Promise<void> {
    this.#paths.push(path);
    this.database = await openDatabase(path, { segmentSizeBytes: 256 * 1024, durability: 'os' });
    this.table = await this.database.table(rooms);
  }

  newPath(): string {
    return mkdtempSync(join(tmpdir(), 'k-lani-fuzz-'));
  }

  async end(): Promise<void> {
    await this.database.close();
    for (const path of this.#paths) rmSync(path, { recursive: true, force: true });
  }

  newRoom(): Room {
    const { random } = this;
    const below = (bound: number) => random.below(bound);
    return {
      code: below(300),
      hotel: below(5),
      guest: below(3) === 0 ? null : below(100) - 50,
      price: below(200) - 100,
      note: below(2) === 0 ? null : `n${below(1000)}`,
      photo: below(4) === 0 ? new Uint8Array(below(300)).fill(below(256)) : null,
    };
  }

  anyRowId(): number {
    return 1 + this.random.below(this.model.rows.size + 2);
  }

  /** Carries out a request that must fail exactly when the model says so. */
  async expect(code: string | undefined, request: () => Promise<unknown>): Promise<boolean> {
    try {
      await request();
    } catch (error) {
      assert.ok(error instanceof KLaniError, String(error));
      assert.equal(error.code, code);
      return false;
    }
    assert.equal(undefined, code);
    return true;
  }

  async append(): Promise<void> {
    const room = this.newRoom();
    const code = this.model.holderOf(room.code) === undefined ? undefined : 'DuplicateKey';
    await this.expect(code, async () => {
      const { rowId, version } = await this.table.append(room);
      assert.equal(version, 1);
      assert.equal(this.model.rows.has(rowId), false);
      this.model.rows.set(rowId, [room]);
    });
  }

  async replace(): Promise<void> {
    const rowId = this.anyRowId();
    const room = this.newRoom();
    const versions = this.model.rows.get(rowId) ?? [];
    const isStale = this.random.below(6) === 0;
    const holder = this.model.holderOf(room.code);
    const code =
      this.model.row(rowId) === undefined
        ? 'NotFound'
        : isStale
          ? 'VersionMismatch'
          : holder !== undefined && holder !== rowId
            ? 'DuplicateKey'
            : undefined;
    const ifVersion = Math.max(1, versions.length) + (isStale ? 1 : 0);
    if (await this.expect(code, () => this.table.replace(rowId, room, { ifVersion }))) versions.push(room);
  }

  async delete(): Promise<void> {
    const rowId = this.anyRowId();
    const versions = this.model.rows.get(rowId) ?? [];
    const code = this.model.row(rowId) === undefined ? 'NotFound' : undefined;
    if (await this.expect(code, () => this.table.delete(rowId, { ifVersion: Math.max(1, versions.length) }))) versions.push(null);
  }

  /** Several claims at once: the winners must be distinct rows that matched. */
  async claims(): Promise<void> {
    const hotel = this.random.below(5);
    const atMost = this.random.below(200) - 100;
    const free = this.model.live((row) => row.hotel === hotel && row.guest === null && row.price <= atMost);
    const results = await Promise.all(
      Array.from({ length: 1 + this.random.below(4) }, (_, guest) =>
        this.table.claim({
          where: [
            { field: 'hotel', eq: hotel },
            { field: 'guest', eq: null },
            { field: 'price', lte: atMost },
          ],
          set: { guest: 1000 + guest },
        }),
      ),
    );
    const won = results.flatMap((result, guest) =>
      result.outcome === 'claimed' ? [{ guest, rowId: result.lines[0]?.[0]?.rowId ?? 0 }] : [],
    );
    assert.equal(won.length, Math.min(free.length, results.length));
    for (const { guest, rowId } of won) {
      assert.ok(free.includes(rowId));
      free.splice(free.indexOf(rowId), 1);
      const before = this.model.row(rowId);
      assert.ok(before);
      this.model.rows.get(rowId)?.push({ ...before, guest: 1000 + guest });
    }
  }

  async lockedReplace(): Promise<void> {
    const rowId = this.anyRowId();
    const before = this.model.row(rowId);
    if (before === undefined) {
      await this.expect('NotFound', () => this.table.tryLock(rowId));
      return;
    }
    const lock = await this.table.tryLock(rowId);
    assert.ok(lock);
    assert.equal(await this.table.tryLock(rowId), undefined);
    assert.deepEqual((await lock.seek())?.row, before);
    await lock.replaceAndUnlock({ ...before, guest: 7 });
    this.model.rows.get(rowId)?.push({ ...before, guest: 7 });
  }

  /** Appends in one batch: all or, for a duplicate, none. */
  async batch(): Promise<void> {
    const added = Array.from({ length: 1 + this.random.below(5) }, () => this.newRoom());
    const codes = new Set(added.map(({ code }) => code));
    const isDuplicate = codes.size < added.length || added.some(({ code }) => this.model.holderOf(code) !== undefined);
    await this.expect(isDuplicate ? 'DuplicateKey' : undefined, async () => {
      const { changes } = await this.database.batch((batch) => {
        for (const room of added) batch.append(this.table, room);
      });
      for (const [place, { rowId }] of changes.entries()) this.model.rows.set(rowId, [added[place] ?? null]);
    });
  }

  /** Goes on from a copy of the directory, as after a kill, or from the directory itself after a close in good order. */
  async reopen(): Promise<void> {
    const path = this.database.path;
    if (this.random.below(2) === 0) {
      await this.database.close();
      await this.open(path);
      return;
    }
    const copy = this.newPath();
    cpSync(path, copy, { recursive: true });
    await this.database.close();
    await this.open(copy);
  }

  check(): void {
    const { table, model, random } = this;
    const live = model.live();
    assert.equal(table.count(), live.length);
    const rowId = this.anyRowId();
    assert.deepEqual(table.seek(rowId)?.row, model.row(rowId));
    assert.deepEqual(
      table.history(rowId, { limit: 1000 }).map(({ row }) => row),
      (model.rows.get(rowId) ?? []).toReversed(),
    );
    const hotel = random.below(5);
    const guest = random.below(2) === 0 ? null : 7;
    const low = random.below(200) - 100;
    const high = low + random.below(80);
    const found = (terms: Parameters<typeof table.queryIntersect>[0]) =>
      table.queryIntersect(terms, { limit: 0, spread: random.below(3) }).toSorted((a, b) => a - b);
    assert.deepEqual(
      found([
        { field: 'hotel', eq: hotel },
        { field: 'guest', eq: guest },
      ]),
      model.live((row) => row.hotel === hotel && row.guest === guest),
    );
    assert.deepEqual(
      found([
        { field: 'guest', eq: guest },
        { field: 'price', gt: low, lte: high },
      ]),
      model.live((row) => row.guest === guest && row.price > low && row.price <= high),
    );
    assert.equal(table.count([{ field: 'price', gte: low, lt: high }]), model.live((row) => row.price >= low && row.price < high).length);
    const code = random.below(300);
    assert.deepEqual(
      found([{ field: 'code', eq: code }]),
      model.live((row) => row.code === code),
    );
  }

  checkAll(): void {
    const scanned = new Map([...this.table.scan({ pageRows: 7 })].map(({ rowId, row }) => [rowId, row]));
    assert.deepEqual([...scanned.keys()], this.model.live());
    for (const [rowId, row] of scanned) assert.deepEqual(row, this.model.row(rowId));
  }
}

for (const seed of SEEDS) {
  test(`EmbeddedDatabase equals a plain model over random requests, closes and crashes (seed ${seed})`, async () => {
    const run = new Run(seed);
    await run.open(run.newPath());
    const requests = [
      () => run.append(),
      () => run.append(),
      () => run.append(),
      () => run.replace(),
      () => run.delete(),
      () => run.claims(),
      () => run.lockedReplace(),
      () => run.batch(),
    ];
    for (let step = 0; step < STEPS; step += 1) {
      await requests[run.random.below(requests.length)]?.();
      run.check();
      if (run.random.below(100) === 0) {
        await run.reopen();
        run.checkAll();
      }
    }
    run.checkAll();
    await run.end();
  });
}
