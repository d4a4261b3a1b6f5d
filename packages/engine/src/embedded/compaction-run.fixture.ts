/** For tests of compaction: random requests against a database on a disk that may die, and a plain model of every version of every row. */
import assert from 'node:assert/strict';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable, type RowOf } from '@k-lani/protocol';
import type { EmbeddedDatabase } from './embedded-database.ts';
import type { EmbeddedTable } from './embedded-table.ts';
import { openDatabase } from './open-database.ts';
import type { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { RecordKind, RecordOffset } from '../log/record.ts';
import { recover } from '../log/recovery.ts';
import type { HistoryPolicy } from '../database/compactor.ts';

/** Bytes of a segment: the fewest that it may have. */
export const SEGMENT_SIZE = 64 * 1024;
const DAY_MS = 86_400_000;

const fields = {
  code: { type: 'uint32', index: 'unique' },
  hotel: { type: 'uint8', index: 'non_unique' },
  guest: { type: 'int32', index: 'non_unique', required: false },
  price: { type: 'int32', index: 'ordered' },
  photo: { type: 'blob', required: false },
} as const;

const rooms = defineTable({ table: 'rooms', fields });
/** The second version of the schema: one more field, with an index. */
const starredRooms = defineTable({
  table: 'rooms',
  version: 2,
  fields: { ...fields, stars: { type: 'uint8', index: 'non_unique', default: 3 } },
});
type Room = RowOf<typeof starredRooms>;

interface Version {
  readonly row: Room | null;
  readonly lsn: number;
  readonly timeMs: number;
}

/** A request that was answered, to be asked again. */
interface Answered {
  readonly operationId: string;
  /** How many operations there were before. */
  readonly place: number;
  readonly row: Room;
  readonly answer: unknown;
}

export interface RunOptions {
  readonly history: HistoryPolicy;
  readonly archive: string | undefined;
  readonly operationWindow: number;
  /** Bytes of log between two checkpoints; 0 for none. */
  readonly checkpointBytes: number;
}

export class CompactionRun {
  readonly random: SeededRandom;
  readonly versions = new Map<number, Version[]>();
  disk: CrashingDisk;
  wallMs = 1_700_000_000_000;
  /** How many openings began with a checkpoint. */
  openedFromCheckpoint = 0;
  database!: EmbeddedDatabase;
  table!: EmbeddedTable<typeof starredRooms>;
  readonly #options: RunOptions;
  /** What the request in flight does to the model, if it is carried out. */
  #pending: { readonly operationId: string; readonly apply: () => void } | undefined;
  readonly #appended: Answered[] = [];
  #operations = 0;
  #isAltered = false;

  constructor(seed: number, disk: CrashingDisk, options: RunOptions) {
    this.random = new SeededRandom(seed);
    this.disk = disk;
    this.#options = options;
  }

  /** Opens the database, and learns what became of the request that was in flight when the disk died. */
  async open(): Promise<void> {
    const { history, archive, operationWindow, checkpointBytes } = this.#options;
    const clock = this.disk.clock(() => this.wallMs);
    this.database = await openDatabase('/data', {
      io: this.disk,
      clock,
      random: new SeededRandom(this.random.uint32()),
      segmentSizeBytes: SEGMENT_SIZE,
      history,
      operationWindow,
      checkpointBytes,
      ...(archive === undefined ? {} : { archive }),
    });
    if (this.database.stats().checkpoint.openedFrom > 0) this.openedFromCheckpoint += 1;
    await this.database.table(rooms);
    this.table = this.#isAltered ? await this.database.table(starredRooms) : await this.database.table(rooms);
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return;
    const { state } = await this.database.operationStatus(pending.operationId);
    if (state === 'done') pending.apply();
  }

  /** The schema's second version. */
  async alter(): Promise<void> {
    if (this.#isAltered) return;
    this.#isAltered = true;
    // The same row is another request from now on.
    this.#appended.length = 0;
    this.table = await this.database.alterTable(starredRooms);
  }

  live(rule: (row: Room) => boolean = () => true): number[] {
    return [...this.versions.keys()].filter((rowId) => {
      const row = this.row(rowId);
      return row !== undefined && rule(row);
    });
  }

  row(rowId: number): Room | undefined {
    const row = this.versions.get(rowId)?.at(-1)?.row;
    if (row === undefined || row === null) return undefined;
    return this.#isAltered ? { ...row, stars: row.stars ?? 3 } : row;
  }

  /** One random request, or a few at once. */
  async step(): Promise<void> {
    this.wallMs += this.random.below(DAY_MS / 50);
    const requests = [
      () => this.#append(),
      () => this.#append(),
      () => this.#replace(),
      () => this.#replace(),
      () => this.#delete(),
      () => this.#claim(),
      () => this.#lock(),
      () => this.#again(),
    ];
    await requests[this.random.below(requests.length)]?.();
  }

  #newRoom(): Room {
    const below = (bound: number) => this.random.below(bound);
    const room = {
      code: below(2 ** 30),
      hotel: below(4),
      guest: below(3) === 0 ? null : below(50),
      price: below(200) - 100,
      photo: new Uint8Array(below(1500)).fill(below(256)),
    };
    return (this.#isAltered ? { ...room, stars: below(5) } : room) as Room;
  }

  #anyRow(): number | undefined {
    const live = this.live();
    return live[this.random.below(live.length)];
  }

  /** Carries a request out under an operation id that is remembered while it is in flight. */
  async #request<Answer extends { readonly lsn: number }>(
    apply: () => (lsn: number) => void,
    carryOut: (operationId: string) => Promise<Answer>,
  ): Promise<{ answer: Answer; operationId: string }> {
    this.#operations += 1;
    const operationId = this.#operations.toString(16).padStart(32, '0');
    const applied = apply();
    this.#pending = { operationId, apply: () => applied(0) };
    const answer = await carryOut(operationId);
    this.#pending = undefined;
    applied(answer.lsn);
    return { answer, operationId };
  }

  #change(rowId: number, row: Room | null): () => (lsn: number) => void {
    const timeMs = this.wallMs;
    return () => (lsn) => {
      const versions = this.versions.get(rowId) ?? [];
      this.versions.set(rowId, [...versions, { row, lsn, timeMs }]);
    };
  }

  async #append(): Promise<void> {
    const row = this.#newRoom();
    const next = 1 + Math.max(0, ...this.versions.keys());
    const { answer, operationId } = await this.#request(this.#change(next, row), (id) => this.table.append(row, { operationId: id }));
    assert.equal(answer.rowId, next, 'Row ids rise by one and are never given again');
    assert.equal(answer.version, 1);
    this.#appended.push({ operationId, place: this.#operations, row, answer });
    if (this.#appended.length > 4) this.#appended.shift();
  }

  async #replace(): Promise<void> {
    const rowId = this.#anyRow();
    if (rowId === undefined) return;
    const row = this.#newRoom();
    const ifVersion = this.versions.get(rowId)?.length ?? 0;
    await this.#request(this.#change(rowId, row), (operationId) => this.table.replace(rowId, row, { ifVersion, operationId }));
  }

  async #delete(): Promise<void> {
    const rowId = this.#anyRow();
    if (rowId === undefined || this.random.below(2) === 0) return;
    const ifVersion = this.versions.get(rowId)?.length ?? 0;
    await this.#request(this.#change(rowId, null), (operationId) => this.table.delete(rowId, { ifVersion, operationId }));
  }

  /** Claims every room of a hotel that has no guest, one more than there are, so that the claim is refused; then all there are. */
  async #claim(): Promise<void> {
    const hotel = this.random.below(4);
    const free = this.live((row) => row.hotel === hotel && row.guest === null);
    const where = [
      { field: 'hotel', eq: hotel },
      { field: 'guest', eq: null },
    ] as const;
    const { disk, table } = this;
    const refused = await table.claim({ where, set: { guest: 7 }, count: free.length + 1 });
    assert.equal(refused.outcome, 'none_available');
    if (free.length === 0 || disk.isDead) return;
    const taken = free.slice(0, 3);
    const timeMs = this.wallMs;
    const won: number[] = [];
    this.#operations += 1;
    const operationId = this.#operations.toString(16).padStart(32, '0');
    const apply = (rowIds: readonly number[]): void => {
      for (const rowId of rowIds) {
        const row = this.row(rowId);
        assert.ok(row);
        this.versions.get(rowId)?.push({ row: { ...row, guest: 7 }, lsn: 0, timeMs });
      }
    };
    const status = async (): Promise<void> => {
      const done = await this.database.operationStatus(operationId);
      if (done.state === 'done') apply(done.changes.map(({ rowId }) => rowId));
    };
    this.#claimInFlight = status;
    const result = await table.claim({ where, set: { guest: 7 }, count: taken.length }, { operationId });
    this.#claimInFlight = undefined;
    assert.equal(result.outcome, 'claimed');
    for (const { rowId } of result.lines[0] ?? []) won.push(rowId);
    assert.equal(new Set(won).size, taken.length);
    for (const rowId of won) assert.ok(free.includes(rowId));
    apply(won);
  }

  #claimInFlight: (() => Promise<void>) | undefined;

  /** What became of a claim that was in flight when the disk died. */
  async settle(): Promise<void> {
    const settle = this.#claimInFlight;
    this.#claimInFlight = undefined;
    await settle?.();
  }

  /** Changes a row under a lock that is held for some turns. */
  async #lock(): Promise<void> {
    const rowId = this.#anyRow();
    if (rowId === undefined) return;
    const { disk, table } = this;
    const lock = await table.tryLock(rowId);
    assert.ok(lock);
    for (let turn = this.random.below(20); turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
    if (disk.isDead) return;
    assert.equal(await table.tryLock(rowId), undefined);
    const held = await lock.seek();
    if (disk.isDead) return;
    assert.deepEqual(held?.row, this.row(rowId));
    const row = this.#newRoom();
    await this.#request(this.#change(rowId, row), (operationId) => lock.replaceAndUnlock(row, { operationId }));
  }

  /** A request that comes again within the window gets its first answer. */
  async #again(): Promise<void> {
    const { disk, table } = this;
    for (const { operationId, place, row, answer } of this.#appended) {
      if (disk.isDead) return;
      if (this.#operations - place > this.#options.operationWindow / 2) continue;
      assert.deepEqual(await table.append(row, { operationId }), answer);
    }
  }

  /** Everything that can be asked, against the model. */
  check(): void {
    const { table } = this;
    const live = this.live();
    assert.equal(table.count(), live.length);
    const scanned = new Map([...table.scan({ pageRows: 7 })].map(({ rowId, row }) => [rowId, row]));
    assert.deepEqual(
      [...scanned.keys()],
      live.toSorted((a, b) => a - b),
    );
    for (const [rowId, row] of scanned) assert.deepEqual(row, this.row(rowId));
    const found = (terms: Parameters<typeof table.queryIntersect>[0]) =>
      table.queryIntersect(terms, { limit: 0 }).toSorted((a, b) => a - b);
    const expected = (rule: (row: Room) => boolean) => this.live(rule).toSorted((a, b) => a - b);
    for (let hotel = 0; hotel < 4; hotel += 1) {
      assert.deepEqual(
        found([{ field: 'hotel', eq: hotel }]),
        expected((row) => row.hotel === hotel),
      );
      assert.deepEqual(
        found([
          { field: 'guest', eq: null },
          { field: 'price', lt: hotel * 25 },
        ]),
        expected((row) => row.guest === null && row.price < hotel * 25),
      );
      if (!this.#isAltered) continue;
      assert.deepEqual(
        found([{ field: 'stars', eq: hotel }]),
        expected((row) => row.stars === hotel),
      );
    }
    for (const rowId of live.slice(0, 20)) {
      const code = this.row(rowId)?.code ?? 0;
      assert.deepEqual(found([{ field: 'code', eq: code }]), [rowId]);
    }
    const inLog = this.#versionsInLog();
    for (const rowId of this.versions.keys()) this.#checkHistory(rowId, inLog.get(rowId) ?? 0);
  }

  /** The oldest version of each row of which a record is in the log. */
  #versionsInLog(): Map<number, number> {
    const oldest = new Map<number, number>();
    const directory = this.disk.openDirectory('/data', { create: false });
    recover(directory, {
      visit: ({ source: { view }, start, end }) => {
        for (let at = start; at < end; at += view.getUint32(at, true)) {
          const rowId = view.getUint32(at + RecordOffset.rowId, true);
          if (rowId === 0 || view.getUint8(at + RecordOffset.kind) > RecordKind.delete) continue;
          oldest.set(rowId, Math.min(oldest.get(rowId) ?? Infinity, view.getUint32(at + RecordOffset.version, true)));
        }
      },
    });
    return oldest;
  }

  /** What is kept are the newest versions, none of them wrong; `Truncated` says that there were others, and only then. */
  #checkHistory(rowId: number, oldestInLog: number): void {
    const all = (this.versions.get(rowId) ?? []).toReversed();
    const begin = this.database.stats().compaction.firstSegment * SEGMENT_SIZE;
    let kept = 0;
    for (; kept < all.length; kept += 1) {
      try {
        const versions = this.table.history(rowId, { limit: kept + 1 });
        assert.equal(versions.length, kept + 1);
        assert.equal(versions[kept]?.version, all.length - kept);
        const row = all[kept]?.row ?? null;
        assert.deepEqual(versions[kept]?.row, row !== null && this.#isAltered ? { ...row, stars: row.stars ?? 3 } : row);
      } catch (error) {
        if (!(error instanceof KLaniError)) throw error;
        assert.equal(error.code, 'Truncated');
        break;
      }
    }
    for (const [place, { lsn, timeMs, row }] of all.entries()) {
      if (place < kept) continue;
      assert.ok(lsn < begin, `Version at ${lsn} of row ${rowId} is within the log, which begins at ${begin}`);
      assert.ok(place > 0 || row === null, 'The latest version of a live row always reads');
      const { history } = this.#options;
      assert.notEqual(history, 'all');
      if (typeof history === 'object') assert.ok(timeMs < this.wallMs - history.days * DAY_MS, 'A version within the days is kept');
    }
    assert.equal(kept, oldestInLog === 0 ? 0 : all.length - oldestInLog + 1, `History of row ${rowId} reaches all that the log has`);
    if (kept === all.length) assert.equal(this.table.history(rowId, { limit: 1000 }).length, kept);
  }
}
