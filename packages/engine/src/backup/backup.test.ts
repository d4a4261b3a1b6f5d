import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { NodeIo } from '../io/node-io.ts';
import { checkpointName, encodePlace, sealFront } from '../log/checkpoint-front.ts';
import { SEGMENT, appendRecord, giveUpFirst, openLog, temporaryDirectory } from '../log/log.fixture.ts';
import type { Log } from '../log/log.ts';
import { NO_OPERATION, RecordKind, newDraft, recordSize } from '../log/record.ts';
import { segmentName } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import { DirectorySource } from './backup-source.ts';
import { backUp, type BackupOptions, type BackupReport } from './backup.ts';
import { DirectoryTarget } from './directory-target.ts';
import { restore } from './restore.ts';

const BODY = 'x'.repeat(3000);
const PAGE_BYTES = 4096;
const io = new NodeIo();

/** A log that is open, as in a running server. */
async function running(context: TestContext): Promise<{ path: string; log: Log; close: () => void }> {
  const path = temporaryDirectory(context);
  const directory = io.openDirectory(path, { create: false });
  directory.acquireLock();
  const log = await openLog(directory);
  const close = (): void => {
    log.close();
    directory.close();
  };
  context.after(close);
  return { path, log, close };
}

async function append(log: Log, count: number): Promise<number> {
  let position = 0;
  for (let index = 0; index < count; index += 1) position = await appendRecord(log, BODY);
  return position;
}

/** Appends what compaction tells last of a segment, in a batch of its own. */
function appendRowIds(log: Log): Promise<number> {
  log.reserve(recordSize(0, 0));
  log.begin({ ...newDraft(RecordKind.rowIds), tableId: 1, rowId: 1 }, NO_OPERATION, 0);
  const position = log.finish();
  return new Promise((resolve, reject) => {
    log.whenDurable(position, (error) => (error === undefined ? resolve(position) : reject(error)));
  });
}

function markAt({ databaseId }: Log, lsn: number): { lsn: number; databaseId: Uint8Array } {
  return { lsn, databaseId };
}

async function backUpInto(path: string, to: string, options: BackupOptions = {}): Promise<BackupReport> {
  const target = DirectoryTarget.open(io, to);
  try {
    return await backUp(path, target, options);
  } finally {
    target.close();
  }
}

/** A hash of every segment that has begun. */
function filesOf(path: string): Map<string, string> {
  const names = readdirSync(path).filter((name) => name.endsWith('.segment') && name !== 'next.segment');
  const files = names.map((name) => [name, readFileSync(join(path, name))] as const);
  return new Map(files.filter(([, bytes]) => bytes.some((byte) => byte !== 0)).map(([name, bytes]) => [name, hash('sha256', bytes)]));
}

test('a backup of a stopped database is the same log, of files with their full size', async (context) => {
  const { path, log, close } = await running(context);
  const last = await append(log, 60);
  close();
  const to = temporaryDirectory(context);
  const report = await backUpInto(path, to);
  const [own, copied] = [verifyLog(path), verifyLog(to)];
  assert.deepEqual({ ...copied, path: own.path }, own);
  assert.deepEqual([report.lsnLast, report.anchor, report.isRunning], [last, own.anchor, false]);
  assert.deepEqual([report.segmentsCopied, report.segmentsHeld], [3, 0]);
  for (const index of [1, 2, 3]) {
    assert.equal(statSync(join(to, segmentName(index))).size, SEGMENT);
    assert.deepEqual(readFileSync(join(to, segmentName(index))), readFileSync(join(path, segmentName(index))));
  }
  assert.equal(readdirSync(to).includes('incomplete'), false);
});

test('a backup of a running database ends before the batch that nothing proves, or at a mark that was synced', async (context) => {
  const { path, log } = await running(context);
  const [before, last] = [await append(log, 9), await append(log, 1)];
  const to = temporaryDirectory(context);
  const report = await backUpInto(path, to);
  assert.deepEqual([report.isRunning, report.lsnLast], [true, before]);
  assert.equal(verifyLog(to).lsnLast, before);
  const proven = await backUpInto(path, to, { mark: markAt(log, last) });
  assert.equal(proven.lsnLast, last);
  assert.equal(verifyLog(to, {}).lsnLast, last);
  const again = await backUpInto(path, to);
  assert.deepEqual([again.lsnLast, again.segmentsCopied, again.bytesCopied], [last, 0, 0]);
});

test('a backup of a running database takes what the manifest in force relies on, and no later batch of a compaction', async (context) => {
  const { path, log } = await running(context);
  await append(log, 30);
  const relied = await appendRowIds(log);
  const directory = io.openDirectory(path, { create: false });
  giveUpFirst(directory, log.durable);
  const first = await backUpInto(path, temporaryDirectory(context));
  assert.deepEqual([first.isRunning, first.lsnLast], [true, relied]);
  const last = await append(log, 1);
  // It may be in the middle of its sync, for all that the files tell.
  await appendRowIds(log);
  const second = await backUpInto(path, temporaryDirectory(context));
  assert.deepEqual([second.isRunning, second.lsnLast], [true, last]);
  giveUpFirst(directory, log.durable + 8);
  directory.close();
  await assert.rejects(backUpInto(path, temporaryDirectory(context)), {
    code: 'Damaged',
    message: /the log ends at position \d+, and manifest proves/,
  });
});

test('a backup of a log that ends before what a checkpoint proves is refused; the first batch behind one may be the last of a running one', async (context) => {
  const { path, log, close } = await running(context);
  while ((await append(log, 1)) < 3 * SEGMENT);
  writeFileSync(join(path, checkpointName(3)), checkpointFront(3, log));
  const early = temporaryDirectory(context);
  assert.equal((await backUpInto(path, early)).segmentsCopied, 2);
  close();
  assert.equal((await backUpInto(path, temporaryDirectory(context))).segmentsCopied, 3);
  const file = join(path, segmentName(3));
  writeFileSync(file, readFileSync(file).fill(0, 256));
  const refusal = { code: 'Damaged', message: /0000000003\.segment: damaged at offset 256: .*0000000003\.checkpoint proves/ };
  for (const to of [early, temporaryDirectory(context)]) await assert.rejects(backUpInto(path, to), refusal);
});

/** The front of a checkpoint before a segment, and a page. */
function checkpointFront(segment: number, { databaseId }: Log): Uint8Array {
  const bytes = new Uint8Array(2 * PAGE_BYTES);
  const front = bytes.subarray(0, PAGE_BYTES);
  const place = { databaseId, segmentSizeBytes: SEGMENT, segment, end: segment * SEGMENT - 8, hash: new Uint8Array(32) };
  encodePlace(front, { place, extentBytes: PAGE_BYTES });
  sealFront(front);
  return bytes;
}

test('a further backup copies only what is new', async (context) => {
  const { path, log } = await running(context);
  await append(log, 70);
  const to = temporaryDirectory(context);
  const first = await backUpInto(path, to);
  const sealed = statSync(join(to, segmentName(1))).ino;
  assert.ok(first.segmentsCopied >= 3);
  const last = await append(log, 40);
  const second = await backUpInto(path, to, { mark: markAt(log, last) });
  assert.equal(second.segmentsHeld, first.segmentsCopied - 1);
  assert.equal(second.bytesHeld + second.bytesCopied, verifyLog(to).sizeBytes + 256 * (second.segmentsHeld + second.segmentsCopied));
  assert.equal(statSync(join(to, segmentName(1))).ino, sealed);
  assert.equal(verifyLog(to).lsnLast, last);
});

test('backups while the log is written are each whole, and hold what was durable before', async (context) => {
  const { path, log } = await running(context);
  await append(log, 2);
  const to = temporaryDirectory(context);
  const state = { isWriting: true };
  let durable = 0;
  const writing = (async () => {
    while (state.isWriting) durable = await appendRecord(log, BODY);
  })();
  for (let round = 0; round < 8; round += 1) {
    const before = durable;
    const report = await backUpInto(path, to, { mark: markAt(log, before) });
    assert.ok(report.lsnLast >= before, `${report.lsnLast} of ${before}`);
    const verified = verifyLog(to);
    assert.deepEqual([verified.lsnLast, verified.tornBytes, verified.anchor], [report.lsnLast, 0, report.anchor]);
    assert.equal(verifyLog(path).isRunning, true);
  }
  state.isWriting = false;
  await writing;
});

test('a backup passes over what a torn write left at the end of an earlier segment', async (context) => {
  const { path, log, close } = await running(context);
  await append(log, 3);
  const torn = await append(log, 1);
  close();
  const file = join(path, segmentName(1));
  const bytes = readFileSync(file);
  bytes.fill(0, torn - SEGMENT + BODY.length / 2, torn - SEGMENT + 2 * BODY.length);
  writeFileSync(file, bytes);
  const directory = io.openDirectory(path, { create: false });
  directory.acquireLock();
  const again = await openLog(directory);
  const last = await append(again, 4);
  again.close();
  directory.close();
  const target = temporaryDirectory(context);
  const { lsnLast, segmentsCopied } = await backUpInto(path, target);
  assert.deepEqual([lsnLast, segmentsCopied], [last, 2]);
  assert.equal(verifyLog(target).lsnLast, last);
});

test('a backup of a log whose very first batch is torn can be verified, and gone on with', async (context) => {
  const { path, log, close } = await running(context);
  const torn = await append(log, 1);
  close();
  const file = join(path, segmentName(1));
  const bytes = readFileSync(file);
  bytes.fill(0, torn - SEGMENT + BODY.length / 2, torn - SEGMENT + 2 * BODY.length);
  writeFileSync(file, bytes);
  const directory = io.openDirectory(path, { create: false });
  directory.acquireLock();
  const again = await openLog(directory);
  const target = temporaryDirectory(context);
  for (const count of [3, 2]) {
    await append(again, count);
    const { lsnLast } = await backUpInto(path, target, {});
    assert.equal(verifyLog(target).lsnLast, lsnLast);
  }
  again.close();
  directory.close();
});

/** A log in which a power cut left nothing of segment 2 but its header: writing went on in segment 3. */
async function passedOver(context: TestContext): Promise<{ path: string; log: Log; close: () => void }> {
  const { path, log, close } = await running(context);
  while ((await append(log, 1)) < 2 * SEGMENT);
  close();
  const file = join(path, segmentName(2));
  writeFileSync(file, readFileSync(file).fill(0, 512));
  const directory = io.openDirectory(path, { create: false });
  directory.acquireLock();
  const again = await openLog(directory);
  const end = (): void => {
    again.close();
    directory.close();
  };
  context.after(end);
  return { path, log: again, close: end };
}

test('a backup holds the segment that was passed over because its first write was torn behind its header', async (context) => {
  const { path, log, close } = await passedOver(context);
  const last = await append(log, 60);
  close();
  const to = temporaryDirectory(context);
  const target = DirectoryTarget.open(io, to);
  const put = target.putSegment.bind(target);
  // As slow as a stream may be: the next segment is read meanwhile.
  target.putSegment = async (segment) => {
    for (let turn = 0; turn < 20; turn += 1) await setImmediate();
    await put(segment);
  };
  const report = await backUp(path, target);
  target.close();
  const [own, copied] = [verifyLog(path), verifyLog(to)];
  assert.deepEqual([report.lsnLast, copied.lsnLast, copied.anchor], [last, last, own.anchor]);
  const source = DirectorySource.open(io, to);
  const restored = await restore(source, temporaryDirectory(context));
  source.close();
  assert.deepEqual([restored.kept.lsnLast, restored.anchor], [last, own.anchor]);
});

test('a further backup goes on behind a segment that was passed over, also where the earlier one ends with it', async (context) => {
  const { path, log } = await passedOver(context);
  const to = temporaryDirectory(context);
  // Nothing proves the only batch of segment 3.
  await append(log, 1);
  const first = await backUpInto(path, to);
  assert.deepEqual([...filesOf(to).keys()], [segmentName(1), segmentName(2)]);
  assert.equal(verifyLog(to).lsnLast, first.lsnLast);
  const last = await append(log, 40);
  const second = await backUpInto(path, to, { mark: markAt(log, last) });
  assert.equal(second.lsnLast, last);
  assert.equal(verifyLog(to).lsnLast, last);
});

test('a backup goes on from what an interrupted one left, and its directory is not opened before', async (context) => {
  const { path, log, close } = await running(context);
  await append(log, 70);
  close();
  const to = temporaryDirectory(context);
  let puts = 0;
  const target = DirectoryTarget.open(io, to);
  const put = target.putSegment.bind(target);
  target.putSegment = async (segment) => {
    puts += 1;
    if (puts === 3) throw new Error('killed');
    await put(segment);
  };
  await assert.rejects(backUp(path, target), /killed/);
  target.close();
  assert.throws(() => verifyLog(to), { code: 'Damaged', message: /did not end \(it holds the file "incomplete"\)/ });
  const directory = io.openDirectory(to, { create: false });
  await assert.rejects(openLog(directory), { code: 'Damaged', message: /did not end/ });
  directory.close();
  const report = await backUpInto(path, to);
  assert.ok(report.segmentsHeld >= 1);
  assert.deepEqual(filesOf(to), filesOf(path));
});

test('a backup is refused into that of another database, of another history, and into a directory with other files', async (context) => {
  const [one, other] = [await running(context), await running(context)];
  await append(one.log, 30);
  await append(other.log, 30);
  const to = temporaryDirectory(context);
  await backUpInto(one.path, to);
  const before = filesOf(to);
  await assert.rejects(backUpInto(other.path, to), { code: 'InvalidArgument', message: /of another database/ });
  one.close();
  // The same database, taken back to an earlier state: its log goes on another way than the backup.
  const segment = join(one.path, segmentName(2));
  const bytes = readFileSync(segment);
  writeFileSync(segment, new Uint8Array(bytes.length));
  await assert.rejects(backUpInto(one.path, to), { code: 'InvalidArgument', message: /writes that the database does not have/ });
  const directory = io.openDirectory(one.path, { create: false });
  const log = await openLog(directory);
  await append(log, 30);
  log.close();
  directory.close();
  await assert.rejects(backUpInto(one.path, to), { code: 'InvalidArgument', message: /writes that the database does not have/ });
  assert.deepEqual(filesOf(to), before);
  const foreign = temporaryDirectory(context);
  writeFileSync(join(foreign, 'letter.txt'), '');
  await assert.rejects(backUpInto(one.path, foreign), { code: 'InvalidArgument', message: /"letter\.txt"/ });
});

test('a backup is refused where the two went apart within one segment', async (context) => {
  const { path, log, close } = await running(context);
  await append(log, 5);
  close();
  const [twin, to] = [temporaryDirectory(context), temporaryDirectory(context)];
  for (const name of filesOf(path).keys()) copyFileSync(join(path, name), join(twin, name));
  for (const [place, body] of [
    [path, 'one way'],
    [twin, 'the other'],
  ] as const) {
    const directory = io.openDirectory(place, { create: false });
    const reopened = await openLog(directory);
    await appendRecord(reopened, body);
    reopened.close();
    directory.close();
  }
  const report = await backUpInto(path, to);
  assert.equal(report.segmentsCopied, 1);
  await assert.rejects(backUpInto(twin, to), { code: 'InvalidArgument', message: /writes that the database does not have/ });
  assert.equal(verifyLog(to).anchor, report.anchor);
});

test('a backup of a damaged log is refused with file and offset, and the earlier backup stays whole', async (context) => {
  const { path, log, close } = await running(context);
  await append(log, 30);
  const to = temporaryDirectory(context);
  const report = await backUpInto(path, to);
  await append(log, 60);
  close();
  const segment = join(path, segmentName(3));
  const bytes = readFileSync(segment);
  bytes[9000] = (bytes[9000] ?? 0) ^ 4;
  writeFileSync(segment, bytes);
  await assert.rejects(backUpInto(path, to), { code: 'Damaged', message: /0000000003\.segment: damaged at offset \d+/ });
  assert.ok(verifyLog(to).lsnLast >= report.lsnLast);
});
