import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { parseAnchor } from './anchor.ts';
import { BATCH_HEADER_SIZE, sealBatch, sha256 } from './batch.ts';
import { Log } from './log.ts';
import { Mark, RecordKind, RecordOffset, recordSize, type Operation, type RecordDraft } from './record.ts';
import { SEGMENT_HEADER_SIZE, segmentName } from './segment.ts';
import { verifyLogInThreads } from './verify-threads.ts';
import { verifyLog } from './verify.ts';

const SEGMENT = 64 * 1024;
const FIRST_RECORD = SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE;
const clock = new NodeClock();

const operation: Operation = { id: new Uint8Array(16), digestChecksum: 0, digestLength: 0, opcode: 0x40, actor: new Uint8Array(0) };

const draft: RecordDraft = {
  kind: RecordKind.append,
  tableId: 1,
  version: 1,
  rowId: 1,
  previous: 0,
  tokenLow: 0,
  tokenHigh: 0,
  schemaVersion: 1,
  line: 0,
  last: true,
};

/** A log of `count` records of 2,000 bytes, each in a batch of its own, and the mark of a clean end behind them. */
async function written(context: TestContext, count: number, seed = 1) {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-verify-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  const directory = new NodeIo().openDirectory(path, { create: true });
  const log = await Log.open({
    directory,
    clock,
    scheduler: clock,
    random: new SeededRandom(seed),
    durability: 'fsync',
    readOnly: false,
    segmentSizeBytes: SEGMENT,
    onDurable: () => undefined,
    onFailed: () => undefined,
  });
  const positions: number[] = [];
  for (let index = 0; index < count; index += 1) positions.push(await append(log, draft, 2000));
  const end = await append(log, { ...draft, kind: RecordKind.mark, version: Mark.closed }, 0);
  log.close();
  directory.close();
  return { path, positions, end, segment: join(path, segmentName(1)) };
}

function append(log: Log, record: RecordDraft, length: number): Promise<number> {
  log.reserve(recordSize(length, 0));
  const at = log.begin(record, operation, length);
  log.target.bytes.fill(0x78, at, at + length);
  const position = log.finish();
  return new Promise((resolve, reject) => {
    log.whenDurable(position, (error) => (error === undefined ? resolve(position) : reject(error)));
  });
}

test('verifyLog() counts what it checked over all segments, and writes nothing but the lock file', async (context) => {
  const { path, end } = await written(context, 40);
  const before = readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'hex')]);
  const steps: number[] = [];
  const report = verifyLog(path, { progress: (done, total) => steps.push(done / total) });
  assert.equal(report.records, 41);
  assert.equal(report.batches, 41);
  assert.equal(report.segments, 2);
  assert.equal(report.sizeBytes, 41 * BATCH_HEADER_SIZE + 40 * recordSize(2000, 0) + recordSize(0, 0));
  assert.equal(report.lsnLast, end);
  assert.equal(report.isClosed, true);
  assert.equal(report.tornBytes, 0);
  assert.equal(report.epoch, 1);
  assert.match(report.databaseId, /^[0-9a-f]{32}$/);
  const last = readFileSync(join(path, segmentName(2)));
  const header = end - 2 * SEGMENT - BATCH_HEADER_SIZE;
  assert.equal(report.headHash, Buffer.from(sha256(last, header, header + BATCH_HEADER_SIZE)).toString('hex'));
  assert.deepEqual(
    readdirSync(path)
      .filter((name) => name !== 'lock')
      .map((name) => [name, readFileSync(join(path, name), 'hex')]),
    before,
  );
  assert.ok(steps.length >= 2 && steps.every((step) => step > 0 && step <= 1));
});

test('verifyLog() names file and offset of a flipped bit', async (context) => {
  const { path, segment, positions } = await written(context, 3);
  const whole = readFileSync(segment);
  const lastBatch = (positions.at(-1) ?? 0) - SEGMENT - BATCH_HEADER_SIZE;
  for (let offset = 0; offset < lastBatch; offset += 97) {
    const damaged = Buffer.from(whole);
    damaged[offset] = (damaged[offset] ?? 0) ^ 0x10;
    writeFileSync(segment, damaged);
    assert.throws(
      () => verifyLog(path),
      (error) =>
        error instanceof KLaniError && error.code === 'Damaged' && /0000000001\.segment: damaged at offset \d+/.test(error.message),
      `flip at ${offset}`,
    );
  }
});

test('verifyLog() finds a record that breaks a rule although the chain of batches holds', async (context) => {
  const plants: [(view: DataView) => void, RegExp][] = [
    [(view) => view.setUint8(FIRST_RECORD + RecordOffset.body, 0x79), /offset 384: the record does not match its checksum/],
    [(view) => view.setUint32(SEGMENT_HEADER_SIZE + 20, 2, true), /the batch has 1 records, its header says 2/],
  ];
  for (const [plant, message] of plants) {
    const { path, segment, positions } = await written(context, 1);
    const bytes = readFileSync(segment);
    // The mark behind is cut off, so that the batch can be sealed anew: a whole chain over a bad record.
    bytes.fill(0, SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE + recordSize(2000, 0));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    plant(view);
    sealBatch({ bytes, view }, SEGMENT_HEADER_SIZE, {
      position: (positions[0] ?? 0) - BATCH_HEADER_SIZE,
      length: BATCH_HEADER_SIZE + recordSize(2000, 0),
      recordCount: view.getUint32(SEGMENT_HEADER_SIZE + 20, true),
      timeMs: 0,
      epoch: 1,
      durable: SEGMENT,
      salt: bytes.subarray(104, 112),
      previousHash: new Uint8Array(32),
    });
    writeFileSync(segment, bytes);
    assert.throws(() => verifyLog(path), { code: 'Damaged', message });
  }
});

test('verifyLog() tells of a tail that was cut short, which is no damage', async (context) => {
  const { path, segment, end } = await written(context, 3);
  const bytes = readFileSync(segment);
  bytes.fill(0, end - SEGMENT, SEGMENT);
  writeFileSync(segment, bytes);
  const report = verifyLog(path);
  assert.equal(report.records, 3);
  assert.equal(report.isClosed, false);
  assert.ok(report.tornBytes > 0 && report.tornBytes <= BATCH_HEADER_SIZE);
});

test('verifyLog() compares an anchor, and says where the log is another one or ends early', async (context) => {
  const { path, segment, end } = await written(context, 3);
  const { anchor: text = '', headHash } = verifyLog(path);
  const anchor = parseAnchor(text);
  assert.deepEqual([text, anchor.position], [`${end - BATCH_HEADER_SIZE}:${headHash}`, end - BATCH_HEADER_SIZE]);
  assert.equal(verifyLog(path, { anchor }).anchorGiven, 'matches');
  assert.throws(() => verifyLog(path, { anchor: { ...anchor, hash: new Uint8Array(32) } }), {
    code: 'Damaged',
    message: /not the one of the anchor/,
  });
  assert.throws(() => verifyLog(path, { anchor: { ...anchor, position: anchor.position - 8 } }), {
    code: 'Damaged',
    message: /no batch begins where/,
  });
  assert.equal(verifyLog(path, { anchor: { ...anchor, position: 100 } }).anchorGiven, 'beforeFirst');
  const bytes = readFileSync(segment);
  bytes.fill(0, end - SEGMENT - BATCH_HEADER_SIZE);
  writeFileSync(segment, bytes);
  assert.equal(verifyLog(path).tornBytes, 0);
  assert.throws(() => verifyLog(path, { anchor }), {
    code: 'Damaged',
    message: /0000000001\.segment: damaged at offset \d+: the log ends at lsn/,
  });
  assert.throws(() => parseAnchor('7:abc'), { code: 'InvalidArgument' });
});

test('verifyLogInThreads() reports as verifyLog() does, and finds what it finds', async (context) => {
  const { path } = await written(context, 150);
  const alone = verifyLog(path);
  assert.ok(alone.segments > 4, String(alone.segments));
  const anchor = parseAnchor(alone.anchor ?? '');
  assert.deepEqual(await verifyLogInThreads(path, { anchor }), { ...alone, anchorGiven: 'matches' });
  for (const [index, offset, message] of [
    [2, 5000, /0000000002\.segment: damaged at offset \d+/],
    [3, 60, /0000000003\.segment: damaged at offset 0/],
  ] as const) {
    const file = join(path, segmentName(index));
    const whole = readFileSync(file);
    const damaged = Buffer.from(whole);
    damaged[offset] = (damaged[offset] ?? 0) ^ 1;
    writeFileSync(file, damaged);
    await assert.rejects(verifyLogInThreads(path), { code: 'Damaged', message });
    writeFileSync(file, whole);
  }
});

test('verifyLogInThreads() finds a segment of another history, whole by itself', async (context) => {
  const [one, other] = [await written(context, 80), await written(context, 80, 2)];
  copyFileSync(join(other.path, segmentName(2)), join(one.path, segmentName(2)));
  await assert.rejects(verifyLogInThreads(one.path), { code: 'Damaged' });
});

test('verifyLog() reads the directory of a running process, and refuses one without a log', async (context) => {
  const { path } = await written(context, 1);
  assert.equal(verifyLog(path).isRunning, false);
  const holder = new NodeIo().openDirectory(path, { create: false });
  holder.acquireLock();
  const report = verifyLog(path);
  assert.deepEqual([report.isRunning, report.records], [true, 2]);
  assert.equal(parseAnchor(report.anchor ?? '').position, SEGMENT + SEGMENT_HEADER_SIZE);
  holder.close();
  for (const name of readdirSync(path)) rmSync(join(path, name));
  assert.throws(() => verifyLog(path), { code: 'NotFound', message: /no log is in it/ });
});

test('verifyLog() reads a directory that it cannot write', async (context) => {
  const { path } = await written(context, 1);
  const io = new NodeIo();
  const report = verifyLog(path, {
    io: {
      openDirectory: (name, options) => {
        const directory = io.openDirectory(name, options);
        directory.acquireLock = () => {
          throw new KLaniError('ReadOnly', 'Cannot lock directory: EROFS');
        };
        return directory;
      },
    },
  });
  assert.equal(report.records, 2);
});
