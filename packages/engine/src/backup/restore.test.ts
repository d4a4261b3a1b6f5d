import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { BATCH_HEADER_SIZE } from '../log/batch.ts';
import { SEGMENT, appendRecord, bodyAt, giveUpFirst, openLog, temporaryDirectory } from '../log/log.fixture.ts';
import { PREPARED_NAME, SEGMENT_HEADER_SIZE, segmentName } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import { DirectorySource, type BackupSource } from './backup-source.ts';
import { restore, type RestoreOptions, type RestoreReport } from './restore.ts';

const io = new NodeIo();
const FIRST_MS = 1_000_000;

/** A clock that goes on by a second with each batch. */
class SteppingClock extends NodeClock {
  #steps = 0;

  override wallMs(): number {
    this.#steps += 1;
    return FIRST_MS + 1000 * this.#steps;
  }
}

/** The directory of a closed log of `count` records, each in a batch of its own, and their positions. */
async function written(context: TestContext, count: number): Promise<{ path: string; positions: number[] }> {
  const path = temporaryDirectory(context);
  const directory = io.openDirectory(path, { create: false });
  const log = await openLog(directory, new SteppingClock());
  const positions: number[] = [];
  for (let index = 0; index < count; index += 1) positions.push(await appendRecord(log, `record ${index} `.padEnd(3000, 'x')));
  log.close();
  directory.close();
  return { path, positions };
}

async function restoreFrom(path: string, to: string, options: RestoreOptions = {}): Promise<RestoreReport> {
  const source = DirectorySource.open(io, path);
  try {
    return await restore(source, to, options);
  } finally {
    source.close();
  }
}

/** The record that is read last in a log that is opened to be written, after one more was appended. */
async function lastBody(path: string, position: number): Promise<string> {
  const directory = io.openDirectory(path, { create: false });
  const log = await openLog(directory);
  await appendRecord(log, 'further');
  const body = bodyAt(log, position);
  log.close();
  directory.close();
  return body.trimEnd().split(' x')[0] ?? '';
}

test('restore() makes a database that verifies as its source does, opens and takes writes', async (context) => {
  const { path, positions } = await written(context, 50);
  const to = join(temporaryDirectory(context), 'new');
  const report = await restoreFrom(path, to);
  const [own, restored] = [verifyLog(path), verifyLog(to)];
  assert.deepEqual({ ...restored, path: own.path }, own);
  assert.deepEqual([report.anchor, report.cut, report.kept.records], [own.anchor, undefined, 50]);
  assert.equal(await lastBody(to, positions.at(-1) ?? 0), 'record 49');
  assert.equal(verifyLog(to).records, 51);
});

test('restore() to an lsn or a time cuts behind the last batch wholly before, and says what is cut', async (context) => {
  const { path, positions } = await written(context, 50);
  const whole = verifyLog(path);
  for (const kept of [1, 21, 22, 49]) {
    const lsn = positions[kept - 1] ?? 0;
    const time = new Date(FIRST_MS + 1000 * kept + 999);
    for (const options of [
      { lsn },
      { lsn: lsn + 1 },
      { lsn: (positions[kept] ?? 0) - 1 },
      { time },
      { lsn, time: new Date(FIRST_MS * 9) },
    ]) {
      const to = temporaryDirectory(context);
      const report = await restoreFrom(path, to, options);
      const restored = verifyLog(to);
      assert.deepEqual([restored.records, restored.lsnLast, restored.tornBytes], [kept, lsn, 0]);
      assert.deepEqual([report.kept.lsnLast, report.cut?.records, report.cut?.lsnFirst], [lsn, 50 - kept, positions[kept]]);
      assert.equal(report.cut?.timeLast.getTime(), whole.time.getTime());
      assert.equal(readdirSync(to).filter((name) => name.endsWith('.segment')).length, restored.segments);
    }
  }
  const to = temporaryDirectory(context);
  await restoreFrom(path, to, { lsn: positions[21] });
  assert.equal(await lastBody(to, positions[21] ?? 0), 'record 21');
  assert.equal(verifyLog(to).records, 23);
});

test('restore() refuses an lsn or time before the first batch, and a directory that is not empty', async (context) => {
  const { path } = await written(context, 3);
  const to = temporaryDirectory(context);
  await assert.rejects(restoreFrom(path, to, { lsn: SEGMENT + SEGMENT_HEADER_SIZE }), {
    code: 'InvalidArgument',
    message: /backup begins at lsn/,
  });
  await assert.rejects(restoreFrom(path, to, { time: new Date(FIRST_MS) }), { code: 'InvalidArgument', message: /backup begins at lsn/ });
  assert.deepEqual(readdirSync(to), ['lock']);
  writeFileSync(join(to, 'letter.txt'), '');
  await assert.rejects(restoreFrom(path, to), { code: 'InvalidArgument', message: /not empty, it holds "letter\.txt"/ });
  await assert.rejects(restoreFrom(temporaryDirectory(context), join(to, 'new')), { code: 'NotFound' });
});

test('restore() of a damaged backup is refused with file and offset, and leaves nothing', async (context) => {
  const { path, positions } = await written(context, 50);
  const offset = (positions[30] ?? 0) - 2 * SEGMENT;
  const file = io.openDirectory(path, { create: false }).openFile(segmentName(2), 'write');
  file.write(new Uint8Array([1]), offset + 200);
  file.close();
  const to = temporaryDirectory(context);
  await assert.rejects(restoreFrom(path, to), { code: 'Damaged', message: /0000000002\.segment: damaged at offset \d+/ });
  assert.deepEqual(readdirSync(to), ['lock']);
});

test('restore() refuses a moment before the end that the manifest relies on, and a backup that ends before it', async (context) => {
  const { path, positions } = await written(context, 60);
  const [before = 0, relied = 0, after = 0] = positions.slice(50);
  const directory = io.openDirectory(path, { create: false });
  giveUpFirst(directory, after - BATCH_HEADER_SIZE);
  const early = restoreFrom(path, temporaryDirectory(context), { lsn: relied - 1 });
  await assert.rejects(early, { code: 'InvalidArgument', message: new RegExp(`earliest that can be restored is lsn ${relied}$`) });
  for (const lsn of [relied, after]) {
    const { kept } = await restoreFrom(path, temporaryDirectory(context), { lsn });
    assert.equal(kept.lsnLast, lsn);
  }
  await assert.rejects(restoreFrom(path, temporaryDirectory(context), { lsn: before }), { code: 'InvalidArgument' });
  giveUpFirst(directory, verifyLog(path).lsnLast + SEGMENT);
  directory.close();
  const to = temporaryDirectory(context);
  await assert.rejects(restoreFrom(path, to), { code: 'Damaged', message: /the log ends at position \d+, and manifest proves/ });
  assert.deepEqual(readdirSync(to), ['lock']);
});

test('a restore that is killed leaves a directory that neither opens nor verifies', async (context) => {
  const { path } = await written(context, 50);
  const to = temporaryDirectory(context);
  const real = DirectorySource.open(io, path);
  const never = new Promise<void>(() => undefined);
  let given = 0;
  let stopped = (): void => undefined;
  const isStopped = new Promise<void>((resolve) => (stopped = resolve));
  const source: BackupSource = {
    path: 'killed',
    sizeBytes: undefined,
    close: () => undefined,
    async *files() {
      for (const file of real.files()) {
        given += 1;
        if (given === 3) {
          stopped();
          await never;
        }
        yield file;
      }
    },
  };
  void restore(source, to);
  await isStopped;
  assert.equal(readdirSync(to).filter((name) => name.endsWith('.segment') && name !== PREPARED_NAME).length, 2);
  assert.throws(() => verifyLog(to), { code: 'Damaged', message: /did not end/ });
  const directory = io.openDirectory(to, { create: false });
  await assert.rejects(openLog(directory), { code: 'Damaged', message: /did not end/ });
  directory.close();
});
