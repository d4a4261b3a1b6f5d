/** For tests: random requests of every kind against a database of small segments, and everything about a database that can be observed. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable, type TableSchema } from '@k-lani/protocol';
import { NodeClock } from '../io/node-clock.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import type { EmbeddedTable } from './embedded-table.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

/** Bytes of a segment, and at least between two checkpoints. */
export const SEGMENT = 64 * 1024;
/** Fewer operations than a run has. */
const OPERATIONS = 300;

const FIELDS = {
  code: { type: 'uint32', index: 'unique' },
  hotel: { type: 'uint8', index: 'non_unique' },
  guest: { type: 'int32', index: 'non_unique', required: false },
  price: { type: 'int32', index: 'ordered' },
  label: { type: 'fixed_string', length: 12, index: 'ordered', required: false },
  photo: { type: 'blob', required: false },
} as const;
const STARS = { stars: { type: 'uint8', index: 'non_unique', default: 3 } } as const;
const RATE = { rate: { type: 'int32', index: 'ordered', required: false } } as const;

const rooms = defineTable({ table: 'rooms', fields: FIELDS });
const starredRooms = defineTable({ table: 'rooms', version: 2, fields: { ...FIELDS, ...STARS } });
const ratedRooms = defineTable({ table: 'rooms', version: 3, fields: { ...FIELDS, ...STARS, ...RATE } });
const slots = defineTable({
  table: 'slots',
  fields: { day: { type: 'uint16', index: 'ordered' }, taken: { type: 'uint8', index: 'non_unique' } },
});

/** The versions of the first table's schema, in their order. */
const EVOLUTION: readonly TableSchema[] = [rooms, starredRooms, ratedRooms];

/** Options under which checkpoints are small, many, and built in turns of this thread. */
export const SMALL: OpenOptions = {
  segmentSizeBytes: SEGMENT,
  checkpointBytes: SEGMENT,
  operationWindow: OPERATIONS,
  durability: 'os',
  clock: new NodeClock(),
};

type AnyTable = EmbeddedTable<typeof ratedRooms>;

export class CheckpointRun {
  readonly random: SeededRandom;
  /** Every operation id that was used. */
  readonly operationIds: string[] = [];
  database!: EmbeddedDatabase;
  readonly #options: OpenOptions;
  #schema = 0;

  constructor(seed: number, options: OpenOptions = {}) {
    this.random = new SeededRandom(seed);
    this.#options = options;
  }

  async open(path: string, options: OpenOptions = {}): Promise<void> {
    this.database = await openDatabase(path, { ...SMALL, ...this.#options, ...options });
    if (this.database.listTables().length > 0) return;
    await this.database.table(rooms);
    await this.database.table(slots);
  }

  /** Goes on with another database that has come the same way. */
  resumed(database: EmbeddedDatabase, seed: number): CheckpointRun {
    const run = new CheckpointRun(seed, this.#options);
    run.database = database;
    run.#schema = this.#schema;
    run.operationIds.push(...this.operationIds);
    return run;
  }

  /** Carries out `count` random requests; what is refused leaves no trace. */
  async go(count: number): Promise<void> {
    const requests = [
      () => this.#append(),
      () => this.#append(),
      () => this.#append(),
      () => this.#replace(),
      () => this.#replace(),
      () => this.#delete(),
      () => this.#claim(),
      () => this.#batch(),
    ];
    for (let step = 0; step < count; step += 1) {
      try {
        await requests[this.random.below(requests.length)]?.();
        if (this.#schema < EVOLUTION.length - 1 && this.random.below(400) === 0) await this.#evolve();
      } catch (error) {
        if (!(error instanceof KLaniError)) throw error;
      }
    }
  }

  /** Waits until no checkpoint is being built. */
  async built(): Promise<void> {
    while (this.database.stats().checkpoint.isBuilding) await new Promise((resolve) => setImmediate(resolve));
  }

  async #evolve(): Promise<void> {
    this.#schema += 1;
    await this.database.alterTable(EVOLUTION[this.#schema] as TableSchema);
  }

  #rooms(): Promise<AnyTable> {
    return this.database.openTable('rooms');
  }

  #operationId(): string {
    const id = Array.from({ length: 4 }, () =>
      this.random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    this.operationIds.push(id);
    return id;
  }

  #room(): never {
    const { random } = this;
    const row = {
      code: random.below(2000),
      hotel: random.below(5),
      guest: random.below(3) === 0 ? null : random.below(100) - 50,
      price: random.below(200) - 100,
      label: random.below(2) === 0 ? null : `n${random.below(1000)}`,
      photo: random.below(4) === 0 ? new Uint8Array(random.below(900)).fill(random.below(256)) : null,
    };
    const more = this.#schema === 0 ? {} : { stars: random.below(90) };
    return { ...row, ...more, ...(this.#schema === 2 ? { rate: random.below(9) - 4 } : {}) } as never;
  }

  #rowId(table: AnyTable): number {
    return 1 + this.random.below(table.count() + 20);
  }

  async #append(): Promise<void> {
    await (await this.#rooms()).append(this.#room(), { operationId: this.#operationId() });
  }

  async #replace(): Promise<void> {
    const table = await this.#rooms();
    const rowId = this.#rowId(table);
    await table.replace(rowId, this.#room(), { ifVersion: table.seek(rowId)?.version ?? 1, operationId: this.#operationId() });
  }

  async #delete(): Promise<void> {
    const table = await this.#rooms();
    const rowId = this.#rowId(table);
    await table.delete(rowId, { ifVersion: table.seek(rowId)?.version ?? 1, operationId: this.#operationId() });
  }

  async #claim(): Promise<void> {
    const table = await this.#rooms();
    const where = [
      { field: 'hotel', eq: this.random.below(5) },
      { field: 'price', lte: this.random.below(200) - 100 },
    ] as const;
    await table.claim({ where, set: { guest: 7 }, count: 1 + this.random.below(3) }, { operationId: this.#operationId() });
  }

  async #batch(): Promise<void> {
    const table = await this.#rooms();
    const other = await this.database.table(slots);
    await this.database.batch(
      (batch) => {
        for (let count = this.random.below(4); count >= 0; count -= 1) batch.append(table, this.#room());
        for (let count = this.random.below(3); count >= 0; count -= 1) {
          batch.append(other, { day: this.random.below(400), taken: this.random.below(2) });
        }
      },
      { operationId: this.#operationId() },
    );
  }
}

/** Everything about a database that can be observed, by itself comparable. */
export async function observe({ database, operationIds }: CheckpointRun): Promise<object> {
  const table = (await database.openTable('rooms')) as AnyTable;
  const other = await database.table(slots);
  const rowIdMax = database.stats().tables[0]?.rowIdMax ?? 0;
  const rowIds = Array.from({ length: rowIdMax }, (_, index) => index + 1);
  const indexed = new Set(table.schema.fields.filter(({ index }) => index !== undefined).map(({ name }) => name));
  const queries = termsToAsk().filter((terms) => terms.every(({ field }) => indexed.has(field)));
  const asked = queries.map((terms) => ({
    count: table.count(terms as never),
    all: table.queryIntersect(terms as never, { limit: 0 }),
    first: table.queryIntersect(terms as never, { limit: 3 }),
    // Where it begins goes by what is known of where matches lie, which the order of changes tells as well.
    spread: table.queryIntersect(terms as never, { limit: 5, spread: 77 }).length,
  }));
  return {
    tables: database.listTables(),
    // How full the pages of indexes are is told by the order of changes, of which some are given up.
    stats: database.stats().tables.map(({ name, liveRows, rowIdMax: highest }) => ({ name, liveRows, highest })),
    schema: table.schema,
    rows: [...table.scan()],
    slots: [...other.scan()],
    slotsOfDays: other.queryIntersect(
      [
        { field: 'day', gte: 10, lt: 200 },
        { field: 'taken', eq: 1 },
      ],
      { limit: 0 },
    ),
    histories: rowIds.map((rowId) => historyOf(table, rowId)),
    byCode: rowIds.map((code) => table.queryIntersect([{ field: 'code', eq: code }])),
    asked,
    operations: await Promise.all(operationIds.map((id) => database.operationStatus(id))),
  };
}

/** The versions of a row that are kept, and whether there were more. */
function historyOf(table: AnyTable, rowId: number): unknown[] {
  const versions: unknown[] = [];
  for (let beforeVersion = 0; ;) {
    try {
      const [version] = table.history(rowId, { limit: 1, beforeVersion });
      if (version === undefined) return versions;
      versions.push(version);
      beforeVersion = version.version;
    } catch (error) {
      if (!(error instanceof KLaniError) || error.code !== 'Truncated') throw error;
      return [...versions, 'truncated'];
    }
  }
}

function termsToAsk(): { readonly field: string; readonly [bound: string]: unknown }[][] {
  const asked: { readonly field: string; readonly [bound: string]: unknown }[][] = [];
  for (let value = 0; value < 6; value += 1) {
    const price = { field: 'price', gt: value * 30 - 100, lte: value * 30 - 20 };
    asked.push(
      [{ field: 'hotel', eq: value }],
      [price],
      [{ field: 'label', gte: `n${value}`, lt: `n${value + 2}` }],
      [
        { field: 'hotel', eq: value },
        { field: 'guest', eq: null },
      ],
      [{ field: 'hotel', eq: value }, { field: 'guest', eq: 7 }, price],
      [{ field: 'stars', eq: value }],
      [
        { field: 'rate', eq: value - 2 },
        { field: 'stars', eq: 3 },
      ],
      [
        { field: 'rate', eq: null },
        { field: 'hotel', eq: value },
      ],
    );
  }
  return asked;
}

/** A new directory, removed after the test. */
export function newPath(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-checkpoint-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A copy of a database's directory, as a kill at this moment leaves it. */
export function copyOf(path: string, context: TestContext): string {
  const copy = newPath(context);
  cpSync(path, copy, { recursive: true });
  return copy;
}

/** The names of the checkpoints in a directory, finished or not. */
export function checkpointsIn(path: string): string[] {
  return readdirSync(path).filter((name) => name.endsWith('.checkpoint'));
}

/** Removes them. */
export function removeCheckpointsIn(path: string): void {
  for (const name of checkpointsIn(path)) rmSync(join(path, name));
}
