import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { ManualTimers, turnsPass } from '../io/manual-timers.fixture.ts';
import { SEGMENT, temporaryDirectory } from '../log/log.fixture.ts';
import { SEGMENT_HEADER_SIZE, segmentName } from '../log/segment.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

const DAY_MS = 86_400_000;

const DISK_FULL = new KLaniError('DiskFull', 'Cannot fill: the disk is full');

/** How many outcomes of a power cut are tried. */
const POWER_CUTS = 16;

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, ticket: { type: 'blob' } },
});

/** Four of them fill a segment. */
const ticket = new Uint8Array(15_000).fill(1);

const OPTIONS = { segmentSizeBytes: SEGMENT, operationWindow: 2, history: 'latest', checkpointBytes: 0 } as const satisfies OpenOptions;

async function openSeats(path: string, options: OpenOptions) {
  const database = await openDatabase(path, { ...OPTIONS, io: new FaultyIo(), ...options });
  return { database, table: await database.table(seats) };
}

/** Replaces a row again and again, so that segments fill up. */
async function overwrite(table: Awaited<ReturnType<typeof openSeats>>['table'], rowId: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await table.replace(rowId, { seat_no: 1, ticket }, { ifVersion: table.seek(rowId)?.version ?? 0 });
  }
}

/** What a promise has come to when nothing else happens. */
function soFar<T>(promise: Promise<T>): Promise<T | 'waits'> {
  return Promise.race([promise, turnsPass().then(() => 'waits' as const)]);
}

/** A database whose compaction waits for a segment that is being filled. */
async function openWaiting(context: TestContext) {
  const io = new FaultyIo();
  const timers = new ManualTimers();
  let isOpen: EmbeddedDatabase | undefined;
  // Before the directory is removed.
  context.after(() => {
    io.fills.open();
    timers.fire();
    return isOpen?.close();
  });
  const database = await openDatabase(temporaryDirectory(context), { ...OPTIONS, io, clock: timers });
  isOpen = database;
  const table = await database.table(seats);
  for (let number = 1; number <= 14; number += 1) await table.append({ seat_no: number, ticket });
  io.fills.isShut = true;
  const code = database.compact().then(
    () => 'none',
    (error: unknown) => (error instanceof KLaniError ? error.code : Promise.reject(error)),
  );
  const filling = await io.fills.next();
  for (let durable = 0; database.stats().pendingBytes === 0 || database.stats().durable > durable;) {
    ({ durable } = database.stats());
    assert.equal(await soFar(code), 'waits');
  }
  return { database, filling, code };
}

for (const moment of ['before', 'after'] as const) {
  test(`EmbeddedDatabase.close() ends when it comes ${moment} compaction finds no room to move to`, async (context) => {
    const { database, filling, code } = await openWaiting(context);
    if (moment === 'after') filling.fail(DISK_FULL);
    const closing = database.close();
    if (moment === 'before') filling.fail(DISK_FULL);
    assert.equal(await soFar(closing), undefined);
    assert.equal(await code, 'OutcomeUnknown');
  });
}

test('A power cut after a compaction without a sync for each batch takes no row whose record was on stable storage', async () => {
  for (let cut = 1; cut <= POWER_CUTS; cut += 1) {
    const disk = new CrashingDisk(new SeededRandom(cut));
    let wallMs = 1_700_000_000_000;
    const open = async (io: CrashingDisk, options: OpenOptions) => {
      const clock = io.clock(() => wallMs);
      const database = await openDatabase('/data', { ...OPTIONS, io, clock, random: new SeededRandom(2), ...options });
      return { database, table: await database.table(seats) };
    };
    const synced = await open(disk, { history: 'all' });
    const seat = await synced.table.append({ seat_no: 1, ticket: ticket.subarray(0, 4) });
    for (let number = 2; number < 8; number += 1) await synced.table.append({ seat_no: number, ticket });
    await synced.database.close();
    wallMs += 2 * DAY_MS;
    const { database, table } = await open(disk, { durability: 'os', history: { days: 1 } });
    await table.replace(seat.rowId, { seat_no: 1, ticket: ticket.subarray(0, 8) }, { ifVersion: 1 });
    for (let number = 8; number < 18; number += 1) await table.append({ seat_no: number, ticket });
    assert.equal((await database.compact()).firstSegment, 2);
    const found = await open(disk.after('power cut'), { history: 'all' });
    assert.equal(found.table.seek(seat.rowId)?.row.ticket.length, 8, `power cut ${cut}`);
    await found.database.close();
    await database.close();
  }
});

test('An archive keeps one history: a segment that another one has there by the same header is not given up', async (context) => {
  const [path, copy, archive] = [temporaryDirectory(context), temporaryDirectory(context), temporaryDirectory(context)];
  const before = await openSeats(path, { history: 'all' });
  const { rowId } = await before.table.append({ seat_no: 1, ticket });
  await overwrite(before.table, rowId, 5);
  await before.database.close();
  cpSync(path, copy, { recursive: true });
  const one = await openSeats(path, { archive });
  await overwrite(one.table, rowId, 8);
  assert.ok((await one.database.compact()).firstSegment > 2);
  await one.database.close();
  const archived = readFileSync(join(archive, segmentName(2)));
  const other = await openSeats(copy, { archive });
  const sold = await other.table.append({ seat_no: 777, ticket: ticket.subarray(0, 4) });
  await overwrite(other.table, rowId, 8);
  await assert.rejects(other.database.compact(), {
    code: 'InvalidArgument',
    message:
      /0000000002\.segment in .*: another segment of that name is there; it belongs to another database, or to another history of this one/,
  });
  assert.equal(other.database.stats().compaction.firstSegment, 2);
  assert.equal(other.table.history(sold.rowId).length, 1);
  await other.database.close();
  assert.ok(archived.equals(readFileSync(join(archive, segmentName(2)))));
  assert.ok(
    readFileSync(join(copy, segmentName(2)))
      .subarray(0, SEGMENT_HEADER_SIZE)
      .equals(archived.subarray(0, SEGMENT_HEADER_SIZE)),
  );
});
