import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { ManualTimers, turnsPass } from '../io/manual-timers.fixture.ts';
import { SEGMENT, temporaryDirectory } from '../log/log.fixture.ts';
import { RecordOffset } from '../log/record.ts';
import { segmentName } from '../log/segment.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase } from './open-database.ts';

const DISK_FULL = new KLaniError('DiskFull', 'Cannot fill: the disk is full');

const seats = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    note: { type: 'blob' },
  },
});

const NOTE = new Uint8Array(0);
const FREE = { field: 'is_booked', eq: 0 } as const;

const seat = (seat_no: number, rest: { rank?: number; note?: Uint8Array } = {}) => ({
  rank: rest.rank ?? 1,
  seat_no,
  is_booked: 0,
  note: rest.note ?? NOTE,
});

const large = (seat_no: number) => seat(seat_no, { note: new Uint8Array(20_000) });

/** Opens a database with an empty table of seats, or the one that is in `stored`. Its disk works again when the test has ended. */
async function openSeats(context: TestContext, stored?: string) {
  const io = new FaultyIo();
  const timers = new ManualTimers();
  let database: EmbeddedDatabase | undefined;
  context.after(() => {
    io.syncs.open();
    io.fills.open();
    timers.fire();
    return database?.close();
  });
  const path = stored ?? temporaryDirectory(context);
  database = await openDatabase(path, { segmentSizeBytes: SEGMENT, io, clock: timers });
  return { path, io, timers, database, table: await database.table(seats) };
}

/** What a promise has come to when nothing else happens. */
function soFar<T>(promise: Promise<T>): Promise<T | KLaniError | 'waits'> {
  const answer = promise.catch((error: unknown) => (error instanceof KLaniError ? error : Promise.reject(error)));
  return Promise.race([answer, turnsPass().then(() => 'waits' as const)]);
}

/** A database with two full segments: another large row needs the third, which waits to be filled. */
async function openFull(context: TestContext) {
  const opened = await openSeats(context);
  const { io, table } = opened;
  io.fills.isShut = true;
  for (let number = 1; number <= 6; number += 1) await table.append(large(number));
  return { ...opened, filling: await io.fills.next() };
}

test('EmbeddedTable refuses what is no row id in every method, and no row is reached by another number', async (context) => {
  const { database, table } = await openSeats(context);
  await table.append(seat(1));
  const bad: unknown[] = [1.5, 2 ** 32 + 1, -1, Number.NaN, Infinity, '1', 1n, null, undefined];
  for (const value of bad) {
    const rowId = value as number;
    const refusal = { code: 'InvalidArgument', message: /row id .*must be a whole number, 1 to \d+/ };
    const guard = { ifVersion: 1 };
    assert.throws(() => table.seek(rowId), refusal, `seek ${String(value)}`);
    assert.throws(() => table.fetch([rowId]), refusal);
    assert.throws(() => table.history(rowId), refusal);
    await assert.rejects(table.tryLock(rowId), refusal);
    await assert.rejects(async () => table.replace(rowId, seat(1), guard), refusal);
    await assert.rejects(async () => table.delete(rowId, guard), refusal);
    await assert.rejects(
      database.batch((batch) => batch.replace(table, rowId, seat(1), guard)),
      refusal,
    );
    await assert.rejects(
      database.batch((batch) => batch.delete(table, rowId, guard)),
      refusal,
    );
  }
  assert.equal(database.stats().locks, 0);
  assert.equal(table.seek(1)?.version, 1);
  assert.equal(table.seek(0), undefined);
  assert.equal(table.seek(2 ** 32 - 1), undefined);
});

test('EmbeddedDatabase refuses writes to a table of another database, and both open again', async (context) => {
  const mine = await openSeats(context);
  const other = await openSeats(context);
  for (let number = 1; number <= 5; number += 1) await other.table.append(seat(number));
  const refusal = { code: 'InvalidArgument', message: /table "seats": it belongs to another database/ };
  const { database } = mine;
  await assert.rejects(
    database.batch((batch) => batch.append(other.table, seat(77))),
    refusal,
  );
  await assert.rejects(
    database.batch((batch) => {
      batch.append(mine.table, seat(77));
      batch.delete(other.table, 1, { ifVersion: 1 });
    }),
    refusal,
  );
  await assert.rejects(database.claim([{ table: other.table, where: [FREE], set: { is_booked: 1 } }]), refusal);
  assert.equal(mine.table.count(), 0);
  await database.close();
  await other.database.close();
  assert.equal((await openSeats(context, mine.path)).table.count(), 0);
  const again = await openSeats(context, other.path);
  assert.equal(again.table.count([FREE]), 5);
  assert.equal((await again.table.append(seat(6))).rowId, 6);
});

test('EmbeddedTable.claim() passes over a damaged record, takes all rows or none, and stats() tell of the damage', async (context) => {
  const { path, database, table } = await openSeats(context);
  const written = [];
  for (let number = 1; number <= 3; number += 1) written.push(await table.append(seat(number)));
  const lsn = written[1]?.lsn ?? 0;
  const file = openSync(join(path, segmentName(1)), 'r+');
  writeSync(file, Uint8Array.of(0xff), 0, 1, lsn - SEGMENT + RecordOffset.body + 2);
  closeSync(file);
  assert.throws(() => table.seek(2), { code: 'ChecksumMismatch' });
  assert.equal(database.stats().damagedRecords, 0);
  const line = { table, where: [FREE], set: { is_booked: 1 } } as const;
  const operationId = '0102030405060708090a0b0c0d0e0f10';
  assert.deepEqual(await table.claim({ ...line, count: 3 }, { operationId }), { outcome: 'none_available', line: 0 });
  assert.equal(database.stats().damagedRecords, 1);
  assert.deepEqual(await database.claim([line, { ...line, count: 2 }]), { outcome: 'none_available', line: 1 });
  await database.checkpoint();
  assert.deepEqual([table.seek(1)?.version, table.seek(3)?.version], [1, 1]);
  assert.deepEqual(await database.operationStatus(operationId), { state: 'unknown' });
  const claimed = await table.claim({ ...line, count: 2 }, { operationId });
  assert.deepEqual(claimed.outcome === 'claimed' && claimed.lines.map((rows) => rows.map(({ rowId }) => rowId)), [[1, 3]]);
  assert.deepEqual(await table.claim(line), { outcome: 'none_available', line: 0 });
  assert.ok(database.stats().damagedRecords >= 4);
});

test('A refusal for want of room does not wait for the disk, a refusal that saw a change does', async (context) => {
  const { io, table, filling } = await openFull(context);
  filling.fail(DISK_FULL);
  io.syncs.isShut = true;
  const pending = table.append(seat(7));
  const sync = await io.syncs.next();
  const refused = await soFar(table.append(large(8)));
  assert.ok(refused instanceof KLaniError);
  assert.equal(refused.code, 'DiskFull');
  const duplicate = table.append(seat(7));
  assert.equal(await soFar(duplicate), 'waits');
  assert.equal(await soFar(pending), 'waits');
  sync.release();
  await pending;
  await assert.rejects(duplicate, { code: 'DuplicateKey' });
});

test('A claim of several lines is refused only when the sale that an earlier line had to avoid is durable', async (context) => {
  const { io, database, table } = await openSeats(context);
  await table.append(seat(1, { rank: 1 }));
  await table.append(seat(2, { rank: 2 }));
  io.syncs.isShut = true;
  const line = (rank: number[]) => ({ table, where: [...rank.map((eq) => ({ field: 'rank', eq }) as const), FREE], set: { is_booked: 1 } });
  const sale = database.claim([line([1])]);
  const sync = await io.syncs.next();
  // As long as the sale is not durable, one seat of any rank and one of rank 2 are free for all that anybody can know.
  const refused = database.claim([line([]), line([2])]);
  assert.equal(await soFar(refused), 'waits');
  assert.equal(await soFar(sale), 'waits');
  sync.release();
  assert.deepEqual(await refused, { outcome: 'none_available', line: 1 });
  assert.equal((await sale).outcome, 'claimed');
});

for (const moment of ['before', 'after'] as const) {
  test(`EmbeddedDatabase.close() ends when it comes ${moment} the disk turns out to be full, and gives up the write that waits`, async (context) => {
    const { path, database, table, filling } = await openFull(context);
    const waiting = table.append(large(7));
    const outcome = assert.rejects(waiting, { code: 'OutcomeUnknown', retry: 'unknown' });
    await turnsPass();
    if (moment === 'after') filling.fail(DISK_FULL);
    const closing = database.close();
    await turnsPass();
    if (moment === 'before') filling.fail(DISK_FULL);
    assert.equal(await soFar(closing), undefined);
    await outcome;
    assert.equal((await openSeats(context, path)).table.count(), 6);
  });
}

test('EmbeddedDatabase.close() waits for the sync in flight when the full disk has no room for the mark of a clean end', async (context) => {
  const { path, io, database, table, filling } = await openFull(context);
  filling.fail(DISK_FULL);
  const before = database.stats().appended;
  await table.append(seat(7));
  const { appended } = database.stats();
  const left = 3 * SEGMENT - appended;
  io.syncs.isShut = true;
  const pending = table.append(seat(8, { note: new Uint8Array(left - (appended - before) - 96) }));
  const sync = await io.syncs.next();
  assert.ok(3 * SEGMENT - database.stats().appended < 128);
  const closing = database.close();
  assert.equal(await soFar(closing), 'waits');
  sync.release();
  assert.equal((await pending).rowId, 8);
  await closing;
  assert.equal((await openSeats(context, path)).table.count(), 8);
});

test('EmbeddedDatabase.close() called again resolves when the directory is free, not before', async (context) => {
  const { path, io, database } = await openSeats(context);
  io.syncs.isShut = true;
  const first = database.close();
  const second = database.close();
  const sync = await io.syncs.next();
  assert.equal(await soFar(second), 'waits');
  sync.release();
  await second;
  await (await openSeats(context, path)).database.close();
  assert.ok(first === second);
});

test('EmbeddedTable.scan() and stream() answer Closed when the database is closed between two pages', async (context) => {
  const { database, table } = await openSeats(context);
  for (let number = 1; number <= 3; number += 1) await table.append(seat(number));
  const scan = table.scan({ pageRows: 1 });
  const stream = table.stream([FREE], { pageRows: 1 });
  assert.equal(scan.next().value?.rowId, 1);
  assert.equal(stream.next().value?.rowId, 1);
  await database.close();
  assert.throws(() => scan.next(), { code: 'Closed' });
  assert.throws(() => stream.next(), { code: 'Closed' });
});

test('openDatabase() refuses a window that remembers no operation or too many, and makes nothing', async (context) => {
  const path = join(temporaryDirectory(context), 'data');
  for (const operationWindow of [2 ** 28 + 1, Number.NaN, 1.5, -1, 0]) {
    await assert.rejects(openDatabase(path, { operationWindow }), {
      code: 'InvalidArgument',
      message: /operationWindow is .*, must be 1 to \d+/,
    });
  }
  assert.equal(existsSync(path), false);
  await using database = await openDatabase(path, { operationWindow: 1, segmentSizeBytes: SEGMENT });
  assert.equal(database.stats().operations, 0);
});

test('After a failed write every write, claim and lock answers WriterFailed, and reads go on', async (context) => {
  const { io, table } = await openSeats(context);
  await table.append(seat(1));
  await table.append(seat(2));
  const lock = await table.tryLock(2);
  assert.ok(lock);
  io.writeError = new KLaniError('Io', 'Cannot write: EIO');
  await assert.rejects(lock.replace({ ...seat(2), is_booked: 1 }), { code: 'OutcomeUnknown' });
  const failed = { code: 'WriterFailed', message: /EIO/ };
  await assert.rejects(table.append(seat(2)), failed);
  await assert.rejects(table.delete(1, { ifVersion: 7 }), failed);
  await assert.rejects(table.tryLock(9), failed);
  await assert.rejects(async () => table.claim({ where: [FREE], set: { is_booked: 1 } }), failed);
  await assert.rejects(async () => table.claim({ where: [{ field: 'rank', eq: 9 }], set: { is_booked: 1 } }), failed);
  await assert.rejects(lock.seek(), { code: 'OutcomeUnknown' });
  assert.equal(table.seek(2)?.row.is_booked, 0);
});

test('EmbeddedDatabase.close() in the turn of a write that needs a segment ends when the segment finds no room', async (context) => {
  const { database, table, filling } = await openFull(context);
  const outcome = soFar(table.append(large(7)).then(() => assert.fail('There is no room')));
  const closing = database.close();
  await turnsPass();
  filling.fail(DISK_FULL);
  assert.equal(await soFar(closing), undefined);
  void outcome;
});

test('EmbeddedDatabase.close() ends when the mark of a clean end needs a segment that finds no room', async (context) => {
  const { database, table, filling } = await openFull(context);
  const before = database.stats().appended;
  await table.append(seat(7));
  const { appended } = database.stats();
  await table.append(seat(8, { note: new Uint8Array(3 * SEGMENT - appended - (appended - before) - 96) }));
  const closing = database.close();
  await turnsPass();
  filling.fail(DISK_FULL);
  assert.equal(await soFar(closing), undefined);
});
