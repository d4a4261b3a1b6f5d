import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { NodeIo } from '../io/node-io.ts';
import { INCOMPLETE_NAME } from '../log/incomplete.ts';
import { appendRecord, openLog, temporaryDirectory } from '../log/log.fixture.ts';
import { segmentIndexOf } from '../log/segment.ts';
import { verifyLog } from '../log/verify.ts';
import type { BackupFile, BackupSource } from './backup-source.ts';
import { restore, type RestoreOptions } from './restore.ts';

const RECORDS = 50;
/** Power cuts at each operation. */
const CUTS = 8;

/** A backup of three segments, and the lsn of each of its records. */
async function backup(context: TestContext): Promise<{ source: BackupSource; positions: number[] }> {
  const path = temporaryDirectory(context);
  const directory = new NodeIo().openDirectory(path, { create: false });
  const log = await openLog(directory);
  const positions: number[] = [];
  while (positions.length < RECORDS) positions.push(await appendRecord(log, 'x'.repeat(3000)));
  log.close();
  directory.close();
  const names = readdirSync(path).filter((name) => segmentIndexOf(name) !== undefined);
  const files: BackupFile[] = names.map((name) => ({ name, chunks: [readFileSync(join(path, name))] }));
  return { source: { path, sizeBytes: undefined, files: () => files, close: () => undefined }, positions };
}

/** Cuts the power at each operation of a restore; `check` gets each disk on which the directory says that it is complete. */
async function cutPower(
  source: BackupSource,
  options: RestoreOptions,
  check: (disk: CrashingDisk, names: string[]) => void,
): Promise<void> {
  const random = new SeededRandom(11);
  let complete = 0;
  for (let crashAt = 1; ; crashAt += 1) {
    const disk = new CrashingDisk(random);
    disk.crashAt = crashAt;
    await restore(source, '/new', { ...options, io: disk }).catch((error: unknown) => {
      assert.ok(disk.isDead || error instanceof KLaniError, String(error));
    });
    for (let cut = 0; cut < CUTS; cut += 1) {
      const after = disk.after('power cut');
      const names = [...(after.folders.get('/new')?.names.keys() ?? [])];
      if (names.includes(INCOMPLETE_NAME)) continue;
      complete += 1;
      check(after, names);
    }
    if (!disk.isDead) break;
  }
  assert.ok(complete > CUTS);
}

test('a power cut while a restore that is refused is taken back leaves nothing that opens', async (context) => {
  const { source, positions } = await backup(context);
  await cutPower(source, { lsn: (positions[0] ?? 0) - 1000 }, (_, names) => assert.deepEqual(names, []));
});

test('a power cut during a restore to an lsn leaves what ends there, or nothing that opens', async (context) => {
  const { source, positions } = await backup(context);
  const lsn = positions[25] ?? 0;
  let restored = 0;
  await cutPower(source, { lsn }, (disk, names) => {
    if (names.length === 0) return;
    restored += 1;
    assert.equal(verifyLog('/new', { io: disk }).lsnLast, lsn);
  });
  assert.ok(restored > 0);
});
