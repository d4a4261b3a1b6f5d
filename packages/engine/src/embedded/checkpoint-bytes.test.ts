import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { crc32 } from 'node:zlib';
import { SeededRandom } from '@k-lani/base';
import { defineTable } from '@k-lani/protocol';
import { buildCheckpoint } from '../checkpoint/builder.ts';
import { readCheckpoint, removeCheckpoints } from '../checkpoint/checkpoint-files.ts';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE } from '../log/batch.ts';
import { checkpointName, checkpointNames } from '../log/checkpoint-front.ts';
import { SEGMENT_HEADER_SIZE } from '../log/segment.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase } from './open-database.ts';

const PATH = '/tickets';
const SEGMENT = 64 * 1024;
const OPERATIONS = 16;
/** Distance of the bytes flipped in pages: prime, so that all places in a word come. */
const PAGE_STRIDE = 37;
const WALL_MS = 1_800_000_000_000;
const seats = defineTable({
  table: 'seats',
  fields: { rank: { type: 'uint8', index: 'non_unique' }, note: { type: 'blob', required: false } },
});

/**
 * The SHA-256 of a checkpoint that was built from a fixed log. It changes with the layout of a checkpoint, of the pages in it, or with what is
 * derived from a record: whoever changes these raises the format version in `checkpoint.ts`, and then pins the new hash here.
 */
const PINNED = { version: 2, hash: '6d93bfaea5d9f9f6ab0a2821219d7ccb7e0bc53f7746861e2744cef3c7a0f4fb' };

/** Runs a builder to its end. */
function built(directory: Directory, segment: number): ReturnType<typeof readCheckpoint> {
  const steps = buildCheckpoint(directory, { segment, operationWindow: OPERATIONS }, () => undefined);
  while (steps.next().done !== true);
  return readCheckpoint(directory, checkpointName(segment));
}

function open(disk: CrashingDisk, checkpointBytes: number): Promise<EmbeddedDatabase> {
  return openDatabase(PATH, {
    io: disk,
    clock: disk.clock(() => WALL_MS),
    random: new SeededRandom(7),
    segmentSizeBytes: SEGMENT,
    operationWindow: OPERATIONS,
    checkpointBytes,
  });
}

/** A disk with a closed database of some segments, without checkpoints. */
async function smallDatabase(rows = 150): Promise<{ disk: CrashingDisk; directory: Directory }> {
  const disk = new CrashingDisk(new SeededRandom(1));
  const database = await open(disk, 0);
  const table = await database.table(seats);
  for (let row = 0; row < rows; row += 1) await table.append({ rank: row % 3, note: new Uint8Array(1000) });
  for (let rowId = 1; rowId <= rows; rowId += 9) await table.replace(rowId, { rank: 7, note: null }, { ifVersion: 1 });
  await table.delete(2, { ifVersion: 1 });
  await database.close();
  return { disk, directory: disk.openDirectory(PATH, { create: false }) };
}

test('a bit flipped anywhere in a checkpoint is noticed: every byte before the pages, and bytes throughout them', async () => {
  const { disk, directory } = await smallDatabase();
  assert.equal(typeof built(directory, 2), 'object');
  const bytes = disk.bytesOf(PATH, checkpointName(2));
  const frontBytes = new DataView(bytes.buffer).getUint32(20, true);
  for (let offset = 0; offset < bytes.length; offset += offset < frontBytes ? 1 : PAGE_STRIDE) {
    const byte = bytes[offset] ?? 0;
    bytes[offset] = byte ^ (1 << (offset & 7));
    assert.equal(typeof readCheckpoint(directory, checkpointName(2)), 'string', `offset ${offset}`);
    bytes[offset] = byte;
  }
  assert.equal(typeof readCheckpoint(directory, checkpointName(2)), 'object');
});

test('a checkpoint that is too short or too long is noticed', async () => {
  const { disk, directory } = await smallDatabase();
  built(directory, 2);
  const whole = disk.bytesOf(PATH, checkpointName(2)).slice();
  directory.createFile('cut').write(whole, 0);
  for (let length = 0; length < whole.length; length += 509) {
    directory.remove('cut');
    directory.createFile('cut').write(whole.subarray(0, length), 0);
    assert.equal(typeof readCheckpoint(directory, 'cut'), 'string', `length ${length}`);
  }
  directory.openFile('cut', 'write').write(whole, 0);
  assert.equal(typeof readCheckpoint(directory, 'cut'), 'object');
  directory.openFile('cut', 'write').write(Uint8Array.of(0), whole.length);
  assert.equal(typeof readCheckpoint(directory, 'cut'), 'string');
});

test('a damaged checkpoint is passed over, told of, and replaced', async () => {
  const { disk, directory } = await smallDatabase();
  built(directory, 2);
  const { length } = disk.bytesOf(PATH, checkpointName(2));
  for (const offset of [3, 13, 17, 21, 25, 40, 50, 57, 70, 97, 105, 130, 5000, length - 5000]) {
    const damaged = disk.after('kill');
    const bytes = damaged.bytesOf(PATH, checkpointName(2));
    bytes[offset] = (bytes[offset] ?? 0) ^ 4;
    const database = await open(damaged, SEGMENT);
    const { openedFrom, ignored } = database.stats().checkpoint;
    assert.deepEqual([openedFrom, ignored.length], [0, 1], `offset ${offset}`);
    assert.match(ignored[0] ?? '', /^0000000002\.checkpoint is passed over: it/);
    const table = await database.table(seats);
    assert.deepEqual([table.count(), table.count([{ field: 'rank', eq: 7 }])], [149, 17]);
    while (database.stats().checkpoint.isBuilding) await new Promise((resolve) => setImmediate(resolve));
    await database.close();
    const again = await open(damaged, SEGMENT);
    assert.deepEqual(again.stats().checkpoint.ignored, []);
    assert.notEqual(again.stats().checkpoint.openedFrom, 0);
    await again.close();
  }
});

test('a checkpoint whose checksum is right and whose contents are not is passed over, told of, and replaced', async () => {
  const { disk, directory } = await smallDatabase();
  const found = built(directory, 2);
  assert.ok(typeof found === 'object');
  const [table] = found.tables;
  const indexPage = table?.roots.indexes[0]?.rootPage ?? 0;
  const changes: readonly (readonly [what: string, offset: number, value: number, isWhole?: 'whole'])[] = [
    ['2^32 operations', 104, 0xffff_ffff],
    ['more operations than are remembered', 100, 1],
    ['2^32 tables', 108, 0xffff_ffff],
    ['no tables', 108, 0],
    ['a row id 0 to come', 128, 0],
    ['a row id to come that was given', 128, 5, 'whole'],
    ['2^32 schemas', 132, 0xffff_ffff],
    ['a root page behind all pages', 136, 0xf_ffff],
    ["a root page of the store's own", 136, 0],
    ['a root page of another structure', 136, indexPage, 'whole'],
    ['2^32 indexes', 140, 0xffff_ffff],
    ['a schema far behind the end', 148, 0xffff],
    ['a schema before the log', 144, 1],
    ['a schema where another record is', 144, SEGMENT + SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE, 'whole'],
    ['an index of another field', 152, 1, 'whole'],
    ['an index of another kind', 152, 0x1_0000, 'whole'],
    ['an index behind all pages', 156, 0xf_ffff],
    ['an operation far behind the end', 164, 0xffff],
  ];
  for (const [what, offset, value, isWhole] of changes) {
    const damaged = disk.after('kill');
    const bytes = damaged.bytesOf(PATH, checkpointName(2));
    const view = new DataView(bytes.buffer);
    view.setUint32(offset, value, true);
    view.setUint32(8, crc32(bytes.subarray(12, view.getUint32(20, true))), true);
    const read = readCheckpoint(damaged.openDirectory(PATH, { create: false }), checkpointName(2));
    assert.equal(typeof read, isWhole === 'whole' ? 'object' : 'string', what);
    const database = await open(damaged, SEGMENT);
    const { openedFrom, ignored } = database.stats().checkpoint;
    assert.deepEqual([openedFrom, ignored.length], [0, 1], what);
    assert.match(ignored[0] ?? '', /^0000000002\.checkpoint is passed over: ./);
    assert.equal((await database.table(seats)).count([{ field: 'rank', eq: 7 }]), 17);
    while (database.stats().checkpoint.isBuilding) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([database.stats().checkpoint.built > 0, database.stats().checkpoint.failure], [true, undefined], what);
    await database.close();
    const again = await open(damaged, SEGMENT);
    assert.deepEqual([again.stats().checkpoint.openedFrom > 0, again.stats().checkpoint.ignored], [true, []], what);
    await again.close();
  }
});

test('a checkpoint is the same whether it is built from the log alone or from the checkpoint before', async () => {
  const { disk, directory } = await smallDatabase(250);
  built(directory, 5);
  const fromLog = disk.bytesOf(PATH, checkpointName(5)).slice();
  removeCheckpoints(directory);
  for (const segment of [2, 3, 5]) built(directory, segment);
  assert.deepEqual(checkpointNames(directory), [checkpointName(5)]);
  assert.deepEqual(disk.bytesOf(PATH, checkpointName(5)), fromLog);
});

test('a builder gives way to a newer checkpoint that is there', async () => {
  const { directory } = await smallDatabase(250);
  built(directory, 5);
  assert.equal(typeof built(directory, 3), 'string');
  assert.deepEqual(checkpointNames(directory), [checkpointName(5)]);
});

test('the layout of checkpoints changes only together with their format version', async () => {
  const { disk, directory } = await smallDatabase();
  built(directory, 3);
  const bytes = disk.bytesOf(PATH, checkpointName(3));
  const version = new DataView(bytes.buffer).getUint32(12, true);
  assert.deepEqual({ version, hash: createHash('sha256').update(bytes).digest('hex') }, PINNED);
});

test('a crash at any moment of building leaves the checkpoint before or the new one', async () => {
  const { disk, directory } = await smallDatabase(250);
  built(directory, 3);
  let isDone = false;
  for (let crashAt = 1; !isDone; crashAt += 1) {
    const dying = disk.after('kill');
    dying.crashAt = crashAt;
    isDone = true;
    dying.guard(() => {
      isDone = false;
      built(dying.openDirectory(PATH, { create: false }), 5);
      isDone = true;
    });
    for (const what of ['kill', 'power cut'] as const) {
      const database = await open(dying.after(what), 2 ** 50);
      const { openedFrom, ignored } = database.stats().checkpoint;
      assert.deepEqual([openedFrom > 0, ignored], [true, []], `${what} at operation ${crashAt}`);
      const table = await database.table(seats);
      assert.deepEqual([table.count(), table.count([{ field: 'rank', eq: 7 }])], [249, 28]);
      await database.close();
    }
    assert.ok(crashAt < 100, 'the builder ends');
  }
});
