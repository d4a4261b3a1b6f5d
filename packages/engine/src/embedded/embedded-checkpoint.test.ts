import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { checkCheckpoints } from '../checkpoint/check-checkpoints.ts';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { RecordOffset } from '../log/record.ts';
import { segmentName } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import { verifyLogInThreads } from '../log/verify-threads.ts';
import { SEGMENT, SMALL, checkpointsIn, copyOf, newPath } from './checkpoint-run.fixture.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

const FIELDS = {
  seat: { type: 'uint32', index: 'unique' },
  price: { type: 'uint32', index: 'ordered' },
  is_booked: { type: 'uint8', index: 'non_unique' },
  note: { type: 'blob', required: false },
} as const;
const seats = defineTable({ table: 'seats', fields: FIELDS });
const NOTE_BYTES = 1000;
/** How many outcomes of a power cut are tried. */
const POWER_CUTS = 4;
const ROWS = 300;
/** Where the record of a row has its note: far behind its header. */
const NOTE_OFFSET = 500;

const seat = (number: number) => ({ seat: number, price: number % 50, is_booked: 0, note: new Uint8Array(NOTE_BYTES).fill(number) });

/** Fills a database with seats 1 to `rows`; row ids are seat numbers. */
async function fill(database: EmbeddedDatabase, rows = ROWS) {
  const table = await database.table(seats);
  for (let first = 1; first <= rows; first += 20) {
    await database.batch((batch) => {
      for (let number = first; number < Math.min(first + 20, rows + 1); number += 1) batch.append(table, seat(number));
    });
  }
  return table;
}

async function settled(database: EmbeddedDatabase): Promise<void> {
  while (database.stats().checkpoint.isBuilding) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A directory with a closed database, and a checkpoint before its newest segment. */
async function closedDatabase(context: TestContext, options: Partial<OpenOptions> = {}): Promise<string> {
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, ...options });
  await fill(database);
  await settled(database);
  await database.checkpoint();
  await settled(database);
  await database.close();
  assert.equal(checkpointsIn(path).length, 1);
  return path;
}

async function openedFrom(path: string, options: Partial<OpenOptions> = {}): Promise<{ from: number; ignored: readonly string[] }> {
  const database = await openDatabase(path, { ...SMALL, ...options });
  const { openedFrom: from, ignored } = database.stats().checkpoint;
  assert.equal((await database.table(seats)).count(), ROWS);
  await database.close();
  return { from, ignored };
}

/** Flips a bit in the log, at a position. */
function damage(path: string, position: number): void {
  const file = join(path, segmentName(Math.floor(position / SEGMENT)));
  const bytes = readFileSync(file);
  const offset = position % SEGMENT;
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

test('a thread of its own builds checkpoints over the real disk, and the next opening reads only what lies behind', async (context) => {
  const path = newPath(context);
  const { clock: _, ...inThread } = SMALL;
  const database = await openDatabase(path, { ...inThread, durability: 'fsync' });
  await fill(database);
  await settled(database);
  await database.checkpoint();
  await settled(database);
  const { built, position, failure, oldestSegment } = database.stats().checkpoint;
  assert.ok(built >= 1 && position > 5 * SEGMENT);
  assert.deepEqual([failure, oldestSegment], [undefined, 1]);
  await database.close();
  assert.deepEqual(await openedFrom(path, { ...inThread, clock: undefined as never }), { from: position, ignored: [] });
});

test('closing ends a builder that is at work, and leaves nothing of it', async (context) => {
  const path = await closedDatabase(context);
  for (const name of checkpointsIn(path)) rmSync(join(path, name));
  for (const { clock, ...rest } of [SMALL, { ...SMALL, clock: undefined }]) {
    const options = { ...rest, ...(clock === undefined ? {} : { clock }) };
    const database = await openDatabase(path, options);
    assert.equal(database.stats().checkpoint.isBuilding, true);
    await database.close();
    assert.deepEqual(checkpointsIn(path), []);
  }
});

test('what an unfinished checkpoint left is removed at the next opening', async (context) => {
  const path = await closedDatabase(context);
  writeFileSync(join(path, 'next.checkpoint'), 'half');
  await openedFrom(path);
  assert.deepEqual(
    checkpointsIn(path).filter((name) => name === 'next.checkpoint'),
    [],
  );
});

test('a builder that fails leaves the writer alone, is told of, and tries again', async (context) => {
  const io = new FaultyIo();
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, io, checkpointBytes: 2 ** 50 });
  const table = await fill(database);
  await database.checkpoint();
  io.writeError = new KLaniError('DiskFull', 'Cannot write: no space is left');
  await settled(database);
  io.writeError = undefined;
  assert.match(database.stats().checkpoint.failure ?? '', /no space is left/);
  assert.equal(database.stats().checkpoint.position, 0);
  assert.deepEqual(checkpointsIn(path), []);
  await table.append(seat(ROWS + 1));
  await database.checkpoint();
  await settled(database);
  assert.equal(database.stats().checkpoint.failure, undefined);
  assert.notEqual(database.stats().checkpoint.position, 0);
  await database.close();
});

test('0 for checkpointBytes makes none, reads none, and removes those that are there', async (context) => {
  const path = await closedDatabase(context);
  assert.equal((await openedFrom(path, { checkpointBytes: 0 })).from, 0);
  assert.deepEqual(checkpointsIn(path), []);
  const database = await openDatabase(path, { ...SMALL, checkpointBytes: 0 });
  await database.checkpoint();
  assert.equal(database.stats().checkpoint.isBuilding, false);
  await database.close();
});

test('a number of bytes between checkpoints that makes no sense is refused', async (context) => {
  const path = newPath(context);
  for (const checkpointBytes of [-1, 0.5, Number.NaN, Infinity]) {
    await assert.rejects(openDatabase(path, { checkpointBytes }), {
      code: 'InvalidArgument',
      message: /checkpointBytes is .*must be an integer >= 0/,
    });
  }
});

test('a reader of a directory uses its checkpoint and changes nothing', async (context) => {
  const path = await closedDatabase(context);
  writeFileSync(join(path, 'next.checkpoint'), 'half');
  const { from } = await openedFrom(path, { readOnly: true });
  assert.notEqual(from, 0);
  assert.equal(checkpointsIn(path).length, 2);
});

test('a checkpoint of another database or of another log is passed over', async (context) => {
  const path = await closedDatabase(context);
  const name = checkpointsIn(path)[0] ?? '';
  const stranger = await closedDatabase(context);
  const refused = async (directory: string, why: RegExp): Promise<void> => {
    const { from, ignored } = await openedFrom(directory, { checkpointBytes: 2 ** 50 });
    assert.equal(from, 0);
    assert.match(ignored.join(), why);
  };
  copyFileSync(join(path, name), join(stranger, name));
  await refused(stranger, /it is of another database/);

  const begun = newPath(context);
  const database = await openDatabase(begun, { ...SMALL, checkpointBytes: 0 });
  await (await database.table(seats)).append(seat(1));
  await database.close();
  const [one, other] = [copyOf(begun, context), copyOf(begun, context)];
  for (const [directory, rows] of [
    [one, ROWS],
    [other, ROWS - 1],
  ] as const) {
    const branch = await openDatabase(directory, { ...SMALL, checkpointBytes: 2 ** 50 });
    const table = await branch.table(seats);
    for (let number = 2; number <= rows; number += 1) await table.append(seat(number));
    await branch.checkpoint();
    await settled(branch);
    if (directory === other) await table.append(seat(ROWS));
    await branch.close();
  }
  const branched = checkpointsIn(one)[0] ?? '';
  assert.deepEqual(checkpointsIn(other), [branched]);
  copyFileSync(join(one, branched), join(other, branched));
  await refused(other, /it is of another log/);

  const renamed = copyOf(path, context);
  renameSync(join(renamed, name), join(renamed, '0000000099.checkpoint'));
  await refused(renamed, /its name says another/);
});

/** Opening, however it is done, and verify refuse a directory: `file` is damaged, as `proof` proves. It stays as it is. */
async function isRefused(directory: string, file: string, proof: string): Promise<void> {
  const damaged = { code: 'Damaged', message: new RegExp(`${file}: damaged at offset (0|256): .*, and ${proof} proves`) };
  const before = readdirSync(directory);
  for (const options of [{}, { readOnly: true }, { checkpointBytes: 0 }, { operationWindow: 100_000 }]) {
    await assert.rejects(openDatabase(directory, { ...SMALL, ...options }), damaged);
  }
  assert.throws(() => verifyLog(directory), damaged);
  await assert.rejects(verifyLogInThreads(directory), damaged);
  assert.deepEqual(readdirSync(directory), before);
}

test('a checkpoint proves that the log went on behind it: one that ends before is refused by opening and verify', async (context) => {
  const path = await closedDatabase(context);
  const name = checkpointsIn(path)[0] ?? '';
  const newest = Number.parseInt(name, 10);
  assert.equal(verifyLog(path).segments, newest);
  const segments = readdirSync(path).filter((file) => file.endsWith('.segment'));
  for (const first of [newest, newest - 1, 1]) {
    const cut = copyOf(path, context);
    for (const file of segments) if (Number.parseInt(file, 10) >= first) rmSync(join(cut, file));
    await isRefused(cut, segmentName(newest), name);
  }
  const zeros = copyOf(path, context);
  writeFileSync(join(zeros, segmentName(newest)), new Uint8Array(SEGMENT));
  await isRefused(zeros, segmentName(newest), name);
});

test('a log whose newest segment lost its first batch is refused, also when nothing but the front of the checkpoint is whole', async (context) => {
  const path = await closedDatabase(context);
  const name = checkpointsIn(path)[0] ?? '';
  const newest = segmentName(Number.parseInt(name, 10));
  const file = join(path, newest);
  writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 256), new Uint8Array(SEGMENT - 256)]));
  await isRefused(path, newest, name);
  const checkpoint = readFileSync(join(path, name));
  writeFileSync(join(path, name), checkpoint.fill(1, checkpoint.readUInt32LE(20)));
  await isRefused(path, newest, name);
  // Without a whole front nothing is proven: a segment may have been torn in its very first write.
  writeFileSync(join(path, name), checkpoint.fill(1, 100, 104));
  assert.equal(verifyLog(path).segments, Number.parseInt(name, 10));
});

test('what a checkpoint proves holds for a running database, and is nothing for another one', async (context) => {
  const path = await closedDatabase(context);
  const name = checkpointsIn(path)[0] ?? '';
  const database = await openDatabase(path, { ...SMALL, checkpointBytes: 2 ** 50 });
  assert.equal(verifyLog(path).isRunning, true);
  const file = join(copyOf(path, context), name);
  await database.close();
  const other = newPath(context);
  await (await openDatabase(other, { ...SMALL, checkpointBytes: 0 })).close();
  copyFileSync(file, join(other, name));
  assert.equal(verifyLog(other).segments, 1);
});

test('a checkpoint whose header tells of a front of 2 GiB, in a sparse file, cannot be believed, and is read in pieces', async (context) => {
  const path = await closedDatabase(context);
  const name = checkpointsIn(path)[0] ?? '';
  const bytes = readFileSync(join(path, name)).subarray(0, 128);
  const frontBytes = 2 ** 31;
  bytes.writeUInt32LE(frontBytes, 20);
  writeFileSync(join(path, name), bytes);
  truncateSync(join(path, name), frontBytes + Number(bytes.readBigUInt64LE(24)));
  assert.match(checkCheckpoints(path)[0]?.fault ?? '', /its front does not match its checksum/);
});

test('a checkpoint that remembers fewer operations than are wanted is passed over; one that remembers more is not', async (context) => {
  const path = await closedDatabase(context, { operationWindow: 4 });
  const { from, ignored } = await openedFrom(copyOf(path, context), { operationWindow: 5, checkpointBytes: 2 ** 50 });
  assert.equal(from, 0);
  assert.match(ignored.join(), /it remembers 4 operations, 5 are wanted/);
  assert.notEqual((await openedFrom(copyOf(path, context), { operationWindow: 3 })).from, 0);
});

test('a checkpoint that refers to segments that were given up is passed over, and the next one takes its place', async (context) => {
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, history: 'latest', operationWindow: 1 });
  await fill(database);
  await settled(database);
  await database.checkpoint();
  await settled(database);
  const before = copyOf(path, context);
  const name = checkpointsIn(before)[0] ?? '';
  assert.notEqual((await openedFrom(before, { operationWindow: 1 })).from, 0);
  const first = (await database.compact()).firstSegment;
  assert.ok(first > 1);
  assert.equal(database.stats().checkpoint.position, 0);
  await database.close();
  for (const left of checkpointsIn(path)) rmSync(join(path, left));
  copyFileSync(join(before, name), join(path, name));
  const { from, ignored } = await openedFrom(path, { checkpointBytes: 2 ** 50, operationWindow: 1 });
  assert.equal(from, 0);
  assert.match(ignored.join(), new RegExp(`it refers to segment 1, the log begins at ${first}`));
  const again = await openDatabase(path, SMALL);
  await again.checkpoint();
  await settled(again);
  await again.close();
  assert.notEqual((await openedFrom(path)).from, 0);
});

test('damage that a checkpoint hides from the opening is found by every read, and never passed on', async (context) => {
  const path = newPath(context);
  const database = await openDatabase(path, SMALL);
  const table = await fill(database);
  const operationId = '0123456789abcdef0123456789abcdef';
  const { lsn } = await table.append(seat(ROWS + 1), { operationId });
  await appendSingly(database, ROWS + 2);
  await database.checkpoint();
  await settled(database);
  const first = table.history(7)[0]?.lsn ?? 0;
  await database.close();
  const copy = copyOf(path, context);
  damage(copy, first + NOTE_OFFSET);
  damage(copy, lsn + RecordOffset.operationId);
  assert.throws(() => verifyLog(copy), { code: 'Damaged' });

  const opened = await openDatabase(copy, { ...SMALL, checkpointBytes: 2 ** 50 });
  assert.ok(opened.stats().checkpoint.openedFrom > lsn);
  const again = await opened.table(seats);
  assert.throws(() => again.seek(7), { code: 'ChecksumMismatch' });
  assert.equal(again.seek(8)?.row.seat, 8);
  // Whether row 7 has the key is not known: neither yes nor no is an answer.
  await assert.rejects(again.append(seat(7)), { code: 'ChecksumMismatch' });
  await assert.rejects(opened.operationStatus(operationId), { code: 'ChecksumMismatch' });
  await assert.rejects(again.append(seat(ROWS + 1), { operationId }), { code: 'ChecksumMismatch' });
  // Other rows of the price are sold, this one is passed over.
  const where = [
    { field: 'price', gte: 7, lte: 7 },
    { field: 'is_booked', eq: 0 },
  ] as const;
  const { outcome } = await again.claim({ where, set: { is_booked: 1 }, count: 5 });
  assert.equal(outcome, 'claimed');
  assert.equal(again.seek(57)?.row.is_booked, 1);
  assert.equal(opened.stats().damagedRecords, 1);
  // A new index cannot be made of it; without one the field can be added.
  const indexed = defineTable({
    table: 'seats',
    version: 2,
    fields: { ...FIELDS, row: { type: 'uint8', index: 'non_unique', default: 1 } },
  });
  await assert.rejects(opened.alterTable(indexed), { code: 'ChecksumMismatch' });
  const plain = defineTable({ table: 'seats', version: 2, fields: { ...FIELDS, row: { type: 'uint8', default: 1 } } });
  assert.equal((await opened.alterTable(plain)).seek(8)?.row.row, 1);
  await opened.close();
});

test('an opening that needs a damaged record from before the checkpoint says where it is', async (context) => {
  const path = newPath(context);
  const database = await openDatabase(path, { ...SMALL, checkpointBytes: 2 ** 50 });
  const table = await fill(database);
  await database.checkpoint();
  await settled(database);
  const { lsn } = table.history(7)[0] ?? { lsn: 0 };
  await table.replace(7, { ...seat(7), is_booked: 1 }, { ifVersion: 1 });
  await database.close();
  damage(path, lsn + NOTE_OFFSET);
  await assert.rejects(openDatabase(path, SMALL), {
    code: 'Damaged',
    message: new RegExp(`${segmentName(Math.floor(lsn / SEGMENT))}: damaged at offset \\d+: its records do not match their hash`),
  });
});

/** Appends seats from `from` on, as many as two segments hold. */
async function appendSingly(database: EmbeddedDatabase, from: number): Promise<void> {
  const table = await database.table(seats);
  for (let number = from; number < from + 120; number += 1) await table.append(seat(number));
}

test('a checkpoint proves nothing that a power cut can take, also where batches are not synced', async () => {
  for (let cut = 0; cut < POWER_CUTS; cut += 1) {
    const disk = new CrashingDisk(new SeededRandom(cut));
    const options = { ...SMALL, durability: 'os', random: new SeededRandom(1) } as const;
    const open = (io: CrashingDisk) => openDatabase('/data', { ...options, io, clock: io.clock(() => 1_700_000_000_000) });
    const database = await open(disk);
    await fill(database);
    await database.checkpoint();
    while (database.stats().checkpoint.isBuilding) await new Promise((resolve) => setImmediate(resolve));
    const { position } = database.stats().checkpoint;
    assert.ok(position > 0);
    const found = await open(disk.after('power cut'));
    assert.ok(found.stats().checkpoint.openedFrom >= position);
    await found.close();
    await database.close();
  }
});
