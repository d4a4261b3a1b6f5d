import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { BATCH_HEADER_SIZE } from './batch.ts';
import { SEGMENT, appendRecord, bodyAt, openLog, temporaryDirectory } from './log.fixture.ts';
import { SEGMENT_HEADER_SIZE, segmentName } from './segment.ts';

for (const mapping of [true, false]) {
  const io = new NodeIo({ mapping });
  const kind = mapping ? 'mapped' : 'positioned';

  test(`Log keeps records over many segments and openings (${kind})`, async (context) => {
    const path = temporaryDirectory(context);
    const written = new Map<number, string>();
    for (let round = 1; round <= 3; round += 1) {
      const directory = io.openDirectory(path, { create: true });
      const log = await openLog(directory);
      assert.equal(log.epoch, round);
      for (const [position, body] of written) assert.equal(bodyAt(log, position), body);
      const replayed: number[] = [];
      log.replay((position) => replayed.push(position));
      assert.deepEqual(replayed, [...written.keys()]);
      for (let index = 0; index < 60; index += 1) {
        const body = `${round}-${index} `.padEnd(2000, 'x');
        written.set(await appendRecord(log, body), body);
      }
      log.close();
      directory.close();
    }
  });
}

test('Log reads a record in memory, in flight and on disk alike', async (context) => {
  const directory = new NodeIo().openDirectory(temporaryDirectory(context), { create: true });
  const log = await openLog(directory);
  const first = appendRecord(log, 'first');
  const position = SEGMENT + SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE;
  assert.equal(bodyAt(log, position), 'first');
  assert.equal(await first, position);
  assert.equal(bodyAt(log, position), 'first');
  assert.ok(log.durable > position);
  log.close();
});

test('Log puts everything appended in one turn into one sync', async (context) => {
  const directory = new NodeIo().openDirectory(temporaryDirectory(context), { create: true });
  const log = await openLog(directory);
  await Promise.all(Array.from({ length: 100 }, (_, index) => appendRecord(log, `row ${index}`)));
  assert.equal(log.syncCount, 1);
  log.close();
});

test('Log refuses a request larger than a batch and appends nothing', async (context) => {
  const directory = new NodeIo().openDirectory(temporaryDirectory(context), { create: true });
  const log = await openLog(directory);
  const before = log.appended;
  assert.throws(() => log.reserve(SEGMENT), { code: 'BatchTooLarge' });
  assert.equal(log.appended, before);
  log.close();
});

/** Writes records into a new log and returns the path of its first segment and where it ends. */
async function writtenLog(context: TestContext, count: number) {
  const path = temporaryDirectory(context);
  const directory = new NodeIo().openDirectory(path, { create: true });
  const log = await openLog(directory);
  const positions: number[] = [];
  for (let index = 0; index < count; index += 1) positions.push(await appendRecord(log, `row ${index}`));
  const end = log.durable - SEGMENT;
  log.close();
  directory.close();
  return { path, segment: join(path, segmentName(1)), positions, end };
}

test('Log cuts a torn tail wherever it tears and goes on in a new segment, its bytes untouched', async (context) => {
  const { path, segment, positions, end } = await writtenLog(context, 3);
  const whole = readFileSync(segment);
  const lastBatch = (positions.at(-1) ?? 0) - SEGMENT - BATCH_HEADER_SIZE;
  for (let cut = lastBatch + 1; cut < end - 12; cut += 16) {
    const torn = Buffer.from(whole);
    torn.fill(0, cut, end);
    writeFileSync(segment, torn);
    const directory = new NodeIo().openDirectory(path, { create: false });
    const log = await openLog(directory);
    const replayed: number[] = [];
    log.replay((position) => replayed.push(position));
    assert.deepEqual(replayed, positions.slice(0, 2));
    const next = await appendRecord(log, 'after the cut');
    assert.equal(Math.floor(next / SEGMENT), 2);
    log.close();
    const again = await openLog(directory);
    assert.equal(bodyAt(again, next), 'after the cut');
    again.close();
    directory.close();
    assert.deepEqual(readFileSync(segment), torn);
    rmSync(join(path, segmentName(2)));
    rmSync(join(path, segmentName(3)), { force: true });
  }
});

test('Log refuses to open on any flipped bit before the last batch, and names file and offset', async (context) => {
  const { path, segment, positions } = await writtenLog(context, 3);
  const whole = readFileSync(segment);
  const lastBatch = (positions.at(-1) ?? 0) - SEGMENT - BATCH_HEADER_SIZE;
  for (let offset = 0; offset < lastBatch; offset += 1) {
    const damaged = Buffer.from(whole);
    damaged[offset] = (damaged[offset] ?? 0) ^ (1 << (offset % 8));
    writeFileSync(segment, damaged);
    const directory = new NodeIo().openDirectory(path, { create: false });
    await assert.rejects(openLog(directory), (error) => {
      assert.ok(error instanceof KLaniError, String(error));
      assert.equal(error.code, 'Damaged', `flip at ${offset}: ${error.message}`);
      assert.match(error.message, /0000000001\.segment: damaged at offset \d+/);
      return true;
    });
    directory.close();
  }
});

test('Log refuses to open when a segment in the middle is missing', async (context) => {
  const path = temporaryDirectory(context);
  const directory = new NodeIo().openDirectory(path, { create: true });
  const log = await openLog(directory);
  for (let index = 0; index < 80; index += 1) await appendRecord(log, 'x'.repeat(2000));
  log.close();
  rmSync(join(path, segmentName(2)));
  await assert.rejects(openLog(directory), { code: 'Damaged', message: /0000000002\.segment is missing/ });
});

test('Log fails its writer for good after a failed sync: what was pending is unknown, nothing is answered as done', async (context) => {
  const real = new NodeIo().openDirectory(temporaryDirectory(context), { create: true });
  let failing = false;
  const wrapFile = (file: File): File =>
    new Proxy(file, {
      get(target, name) {
        if (name === 'syncLater' && failing) {
          return (done: (error: KLaniError) => void) => setImmediate(() => done(new KLaniError('Io', 'EIO')));
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const directory: Directory = new Proxy(real, {
    get(target, name) {
      if (name === 'openFile') return (file: string, mode: 'read' | 'write') => wrapFile(target.openFile(file, mode));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const log = await openLog(directory);
  const kept = await appendRecord(log, 'kept');
  failing = true;
  const inFlight = assert.rejects(appendRecord(log, 'lost'), { code: 'OutcomeUnknown', retry: 'unknown' });
  await inFlight;
  failing = false;
  assert.throws(() => log.reserve(200), { code: 'WriterFailed' });
  assert.equal(bodyAt(log, kept), 'kept');
  log.close();
});

/** A directory whose files can be filled only while `hasRoom` says so. */
function withLimitedRoom(real: Directory, hasRoom: () => boolean): Directory {
  const limited = (file: File): File =>
    new Proxy(file, {
      get(target, name) {
        if (name === 'fillLater' && !hasRoom()) {
          return (_size: number, done: (error: KLaniError) => void) => setImmediate(() => done(new KLaniError('DiskFull', 'ENOSPC')));
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return new Proxy(real, {
    get(target, name) {
      if (name === 'createFile') return (file: string) => limited(target.createFile(file));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('Log refuses writes when the next segment finds no room, keeps what it has, and goes on when there is room', async (context) => {
  let isFull = false;
  const real = new NodeIo().openDirectory(temporaryDirectory(context), { create: true });
  const log = await openLog(withLimitedRoom(real, () => !isFull));
  const written: number[] = [];
  isFull = true;
  const large = 'x'.repeat(2000);
  // The second segment may have been under way already; the one after it cannot be.
  await assert.rejects(
    async () => {
      for (;;) written.push(await appendRecord(log, large));
    },
    { code: 'DiskFull', retry: 'safe' },
  );
  assert.ok(written.length > 20 && written.length < 70);
  for (const position of written) assert.equal(bodyAt(log, position), large);
  assert.throws(() => log.reserve(3000), { code: 'DiskFull' });
  isFull = false;
  // The first write that finds the disk full has room made for the next ones.
  assert.throws(() => log.reserve(3000), { code: 'DiskFull' });
  let position = 0;
  while (position === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    position = await appendRecord(log, large).catch((error: unknown) => {
      assert.ok(error instanceof KLaniError && error.code === 'DiskFull');
      return 0;
    });
  }
  assert.equal(bodyAt(log, position), large);
  log.close();
});

test('Log that finds no room for its first segment does not open, and leaves a directory that opens later', async (context) => {
  const path = temporaryDirectory(context);
  const real = new NodeIo().openDirectory(path, { create: true });
  await assert.rejects(openLog(withLimitedRoom(real, () => false)), { code: 'DiskFull' });
  const log = await openLog(real);
  assert.equal(bodyAt(log, await appendRecord(log, 'room')), 'room');
  log.close();
});
