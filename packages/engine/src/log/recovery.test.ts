import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import type { Io } from '../io/io.ts';
import { BATCH_HEADER_SIZE, sealBatch, sha256 } from './batch.ts';
import { SEGMENT, appendRecord, bodyAt, openLog, temporaryDirectory } from './log.fixture.ts';
import { RECORD_HEADER_SIZE } from './record.ts';
import { type RecoveryStart, recover } from './recovery.ts';
import { SEGMENT_HEADER_SIZE, decodeSegmentHeader, encodeSegmentHeader, segmentIndexOf, segmentName } from './segment.ts';

/** Two records of this many bytes fill a segment. */
const BODY_SIZE = 30_000;
const SECTOR_SIZE = 512;
const ZEROS = Buffer.alloc(SEGMENT);

/** The segments of a directory that are not all zeros, by index. */
function segmentsIn(path: string): Buffer[] {
  const names = readdirSync(path).filter((name) => segmentIndexOf(name) !== undefined);
  return names.map((name) => readFileSync(join(path, name))).filter((bytes) => !bytes.equals(ZEROS));
}

/** A directory with these segments and nothing else: what a crash may have left. */
function directoryOf(context: TestContext, segments: readonly Uint8Array[]): string {
  const path = temporaryDirectory(context);
  for (const [place, bytes] of segments.entries()) writeFileSync(join(path, segmentName(1 + place)), bytes);
  return path;
}

/** Opens the log in `path`, appends a record for each name, each in a batch of its own; returns the names that were there before. */
async function reopen(path: string, names: readonly string[] = [], io: Io = new FaultyIo()): Promise<string[]> {
  const directory = io.openDirectory(path, { create: false });
  try {
    const log = await openLog(directory);
    try {
      const found: string[] = [];
      log.replay((position) => found.push(bodyAt(log, position).trimEnd()));
      for (const name of names) await appendRecord(log, name.padEnd(BODY_SIZE));
      return found;
    } finally {
      log.close();
    }
  } finally {
    directory.close();
  }
}

/** A log of `count` records in batches of their own, two in each segment. */
async function written(context: TestContext, count: number) {
  const path = temporaryDirectory(context);
  const names = Array.from({ length: count }, (_, index) => `record ${index + 1}`);
  await reopen(path, names);
  return { path, names, segments: segmentsIn(path) };
}

/** A segment of which only bytes from `start` to `end` came to the disk. */
function partOf(bytes: Uint8Array | undefined, start: number, end: number): Buffer {
  assert.ok(bytes);
  return Buffer.concat([ZEROS.subarray(0, start), bytes.subarray(start, end), ZEROS.subarray(end)]);
}

/** A segment whose first write lost its first sector. */
function torn(bytes: Uint8Array | undefined): Buffer {
  return partOf(bytes, SECTOR_SIZE, SEGMENT);
}

/** Asserts that these segments are still there, byte for byte. */
function assertKept(path: string, expected: readonly Uint8Array[]): void {
  for (const bytes of expected) assert.ok(bytes === ZEROS || segmentsIn(path).some((kept) => kept.equals(bytes)), 'A segment has changed');
}

function flipped(bytes: Uint8Array | undefined, offset: number): Buffer {
  assert.ok(bytes);
  const damaged = Buffer.from(bytes);
  damaged.writeUInt8(damaged.readUInt8(offset) ^ 1, offset);
  return damaged;
}

for (const last of [1, 2, 3]) {
  test(`Recovery goes on behind segment ${last} when its header is whole and its first batch is not`, async (context) => {
    const { names, segments } = await written(context, 2 * last - 1);
    assert.equal(segments.length, last);
    const kept = names.slice(0, -1);
    for (const end of [SEGMENT_HEADER_SIZE, SEGMENT_HEADER_SIZE + 40, 4096]) {
      const crashed = [...segments.slice(0, -1), partOf(segments.at(-1), 0, end)];
      const path = directoryOf(context, crashed);
      assert.deepEqual(await reopen(path, ['lost']), kept);
      const grown = segmentsIn(path);
      assert.deepEqual(await reopen(path), [...kept, 'lost']);
      // The same crash again, one segment on.
      const again = directoryOf(context, [...crashed, partOf(grown.at(-1), 0, end)]);
      assert.deepEqual(await reopen(again, ['next', 'last']), kept);
      assert.deepEqual(await reopen(again), [...kept, 'next', 'last']);
      assertKept(again, crashed);
    }
  });
}

for (const whole of [0, 1, 2]) {
  test(`Recovery passes over torn first writes behind ${whole} whole segments, also two in a row and with prepared segments behind`, async (context) => {
    const { names, segments } = await written(context, 2 * whole + 1);
    const kept = names.slice(0, -1);
    const crashed = [...segments.slice(0, -1), torn(segments.at(-1))];
    const path = directoryOf(context, crashed);
    assert.deepEqual(await reopen(path, ['lost']), kept);
    const twice = [...crashed, torn(segmentsIn(path).at(-1))];
    for (const left of [crashed, [...crashed, ZEROS], [...crashed, ZEROS, ZEROS], twice, [...twice, ZEROS]]) {
      const again = directoryOf(context, left);
      assert.deepEqual(await reopen(again, ['next', 'last']), kept);
      assert.deepEqual(await reopen(again), [...kept, 'next', 'last']);
      assertKept(again, left);
    }
  });
}

test('Recovery never deletes a segment that has a byte other than zero', async (context) => {
  const { names, segments } = await written(context, 2);
  for (const offset of [0, SEGMENT_HEADER_SIZE, SEGMENT / 2 + 1, SEGMENT - 1]) {
    const byte = flipped(ZEROS, offset);
    for (const left of [
      [byte],
      [byte, ZEROS],
      [ZEROS, byte],
      [...segments, byte],
      [...segments, byte, ZEROS],
      [...segments, ZEROS, byte],
    ]) {
      const path = directoryOf(context, left);
      const kept = left.length > 1 && left[0] === segments[0] ? names : [];
      assert.deepEqual(await reopen(path, ['next']), kept);
      assertKept(path, left);
      assert.deepEqual(await reopen(path), [...kept, 'next']);
    }
  }
});

test('Recovery refuses a log whose first segment is missing, and leaves it as it is', async (context) => {
  const { path } = await written(context, 5);
  rmSync(join(path, segmentName(1)));
  const before = segmentsIn(path);
  await assert.rejects(reopen(path), { code: 'Damaged', message: /0000000001\.segment is missing, 0000000002\.segment exists/ });
  assertKept(path, before);
  assert.equal(existsSync(join(path, segmentName(1))), false);
});

test('Recovery refuses a log whose first whole segment goes on from a segment that is not there', async (context) => {
  const { segments } = await written(context, 3);
  const [first, second] = segments;
  assert.ok(first && second);
  const header = decodeSegmentHeader(first, segmentName(1));
  assert.ok(header);
  const headerOnly = Buffer.alloc(SEGMENT);
  headerOnly.set(encodeSegmentHeader({ ...header, previousEnd: 4096 }));
  const notBegun = /0000000001\.segment: damaged at offset 0: the segment header is not whole/;
  for (const [left, message] of [
    [[headerOnly], /goes on from position \d+, and the segment before it is not whole/],
    [[torn(first), second], notBegun],
    [[ZEROS, second], notBegun],
  ] as const) {
    const path = directoryOf(context, left);
    await assert.rejects(reopen(path), { code: 'Damaged', message });
    assertKept(path, left);
  }
});

test('Recovery names the segment that must have begun, not a torn one before it', async (context) => {
  const { segments } = await written(context, 1);
  const path = directoryOf(context, [torn(segments[0])]);
  await reopen(path, ['one', 'two', 'three']);
  const [, second, third] = segmentsIn(path);
  assert.ok(third);
  const left = [torn(segments[0]), flipped(second, 45), third];
  const message = /0000000002\.segment: damaged at offset 0: the segment header is not whole/;
  await assert.rejects(reopen(directoryOf(context, left)), { code: 'Damaged', message });
});

test('Recovery takes a flipped byte in what tells a segment from others for damage when a later batch is there', async (context) => {
  const { segments } = await written(context, 4);
  const [first, second] = segments;
  assert.ok(first && second);
  const idOffsets = Array.from({ length: 16 }, (_, place) => 24 + place);
  const saltOffsets = Array.from({ length: 8 }, (_, place) => 104 + place);
  const batchSaltOffsets = Array.from({ length: 8 }, (_, place) => SEGMENT_HEADER_SIZE + 56 + place);
  for (const offset of [...idOffsets, ...saltOffsets, ...batchSaltOffsets]) {
    for (const left of [[flipped(first, offset)], [first, flipped(second, offset)], [first, flipped(second, offset), ZEROS]]) {
      const path = directoryOf(context, left);
      await assert.rejects(reopen(path), { code: 'Damaged', message: /\.segment: damaged at offset (0|256)/ }, `flip at ${offset}`);
      assertKept(path, left);
    }
  }
});

/** A body full of batch headers that are right in everything that a client may know of the batch at `batch`. */
function forgedBody(batch: number, salt: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BODY_SIZE);
  const target = { bytes, view: new DataView(bytes.buffer) };
  const start = batch + BATCH_HEADER_SIZE + RECORD_HEADER_SIZE;
  for (let at = -start & 7; at + BATCH_HEADER_SIZE <= bytes.length; at += BATCH_HEADER_SIZE) {
    const position = start + at;
    const previousHash = new Uint8Array(32);
    sealBatch(target, at, { position, length: BATCH_HEADER_SIZE, recordCount: 0, timeMs: 0, epoch: 1, durable: batch, salt, previousHash });
  }
  return bytes;
}

/** Ends a log of `count` records with one whose body is forged with a salt, and whose first sector is torn; then opens it. */
async function reopenForged(context: TestContext, count: number, saltOf: (databaseId: Uint8Array, segment: Uint8Array) => Uint8Array) {
  const { path, names, segments } = await written(context, count);
  const directory = new FaultyIo().openDirectory(path, { create: false });
  const log = await openLog(directory);
  const batch = count % 2 === 0 ? (1 + segments.length) * SEGMENT + SEGMENT_HEADER_SIZE : log.appended;
  const forged = forgedBody(batch, saltOf(log.databaseId, segments.at(-1) ?? ZEROS));
  assert.equal(await appendRecord(log, forged), batch + BATCH_HEADER_SIZE);
  log.close();
  directory.close();
  const offset = batch % SEGMENT;
  const sector = offset - (offset % SECTOR_SIZE);
  const left = segmentsIn(path);
  left.at(-1)?.fill(0, count % 2 === 0 ? sector : offset, sector + SECTOR_SIZE);
  const crashed = directoryOf(context, left);
  return { names, found: await reopen(crashed, ['next']), again: await reopen(crashed) };
}

test('Recovery cuts a torn write whatever the bytes of a client in it pretend to be', async (context) => {
  // Clients are told the database id, and can reckon positions from the lsns that they are told.
  for (const count of [1, 2, 3, 4]) {
    const { names, found, again } = await reopenForged(context, count, (databaseId) => databaseId.slice(0, 8));
    assert.deepEqual(found, names);
    assert.deepEqual(again, [...names, 'next']);
  }
  // With the salt, which no client is told, the same bytes would be proof of damage.
  await assert.rejects(
    reopenForged(context, 1, (_, segment) => segment.slice(104, 112)),
    { code: 'Damaged' },
  );
});

for (const count of [5, 6]) {
  const what = count === 5 ? 'a segment with its first batch' : 'a batch';
  test(`Opening after a failed sync writes ${what} again, and syncs every segment`, async (context) => {
    const { path, names } = await written(context, count - 1);
    const io = new FaultyIo();
    io.syncs.error = new KLaniError('Io', 'Cannot sync: EIO');
    await assert.rejects(reopen(path, ['unknown'], io), { code: 'OutcomeUnknown' });
    const lastWrite = io.told.at(-1) ?? '';
    assert.match(lastWrite, count === 5 ? /^write 0000000003\.segment 0\+30\d+$/ : /^write 0000000003\.segment 30\d+\+30\d+$/);
    const before = segmentsIn(path);
    const next = new FaultyIo();
    assert.deepEqual(await reopen(path, [], next), [...names, 'unknown']);
    assert.deepEqual(next.told, ['sync 0000000001.segment', 'sync 0000000002.segment', lastWrite, 'sync 0000000003.segment']);
    assertKept(path, before);
  });
}

test('Recovery cuts a torn first write of a segment although the bytes of a client in it pretend to be of a salt of zeros', async (context) => {
  for (const count of [2, 4]) {
    const { names, found, again } = await reopenForged(context, count, () => new Uint8Array(8));
    assert.deepEqual(found, names);
    assert.deepEqual(again, [...names, 'next']);
  }
});

for (const [sizeBytes, what] of [
  [0, 'empty'],
  [1001, 'of an odd size'],
  [2 * SEGMENT, 'twice as large'],
  [20 * 2 ** 30, 'far larger than memory'],
] as const) {
  test(`Recovery refuses a segment that is ${what}, wherever it is, and reads nothing of it`, async (context) => {
    const { segments } = await written(context, 5);
    // Where nothing has begun, no header tells which of the sizes it is that segments may have.
    const notBegun = sizeBytes === 2 * SEGMENT ? [] : [partOf(segments[0], SECTOR_SIZE, 4096), ZEROS];
    for (const left of [segments, [...segments, ZEROS], notBegun]) {
      for (const place of left.keys()) {
        const path = directoryOf(context, left);
        truncateSync(join(path, segmentName(1 + place)), sizeBytes);
        const name = segmentName(1 + place).replace('.', '\\.');
        const message = new RegExp(`${name}: damaged at offset ${sizeBytes}: the segment has ${sizeBytes} bytes, must be `);
        await assert.rejects(reopen(path), { code: 'Damaged', message });
      }
    }
  });
}

test('Recovery takes a first sector of zeros for damage when a later batch is there', async (context) => {
  const { segments } = await written(context, 4);
  const path = directoryOf(context, [...segments.slice(0, -1), torn(segments.at(-1))]);
  await assert.rejects(reopen(path), { code: 'Damaged' });
});

test('Recovery from behind any batch finds the same end and the batches behind it, without the segments before', async (t) => {
  const { path } = await written(t, 9);
  const directory = new FaultyIo().openDirectory(path, { create: false });
  t.after(() => directory.close());
  const starts: RecoveryStart[] = [];
  const ends: number[] = [];
  const whole = recover(directory, {
    visit: ({ source, start, end, header }) => {
      const hash = sha256(source.bytes, start - BATCH_HEADER_SIZE, start);
      const { timeMs, epoch } = header;
      starts.push({ end: header.position + BATCH_HEADER_SIZE + end - start, hash, timeMs, epoch, batchCount: starts.length + 1 });
      ends.push(header.position);
    },
  });
  assert.ok(whole.databaseId !== undefined);
  assert.ok(starts.length >= 9 && whole.segments.length >= 4);
  for (const [place, start] of starts.entries()) {
    const read: number[] = [];
    const tail = recover(directory, { start, visit: ({ header }) => read.push(header.position) });
    assert.deepEqual(read, ends.slice(place + 1));
    assert.deepEqual(tail, { ...whole, lastBatch: read.at(-1) ?? 0 });
    const firstSegment = Math.floor(start.end / SEGMENT);
    const later = recover(directory, { start, firstSegment });
    assert.deepEqual(later, { ...tail, segments: whole.segments.filter(({ index }) => index >= firstSegment) });
  }
  const damaged = { ...starts[0], hash: new Uint8Array(32) } as RecoveryStart;
  assert.throws(() => recover(directory, { start: damaged }), /Cannot open .*segment: damaged at offset \d+/);
});
