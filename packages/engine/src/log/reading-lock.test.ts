import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { NodeIo } from '../io/node-io.ts';
import { temporaryDirectory } from './log.fixture.ts';
import { writeManifestNow } from './manifest.ts';
import { Rereading } from './reading-lock.ts';

const READING_LOCK = new URL('reading-lock.ts', import.meta.url).href;
const NODE_IO = new URL('../io/node-io.ts', import.meta.url).href;
/** Says whether somebody has the directory open for writing, as one who may not write there finds out. */
const READER = `
  import { NodeIo } from ${JSON.stringify(NODE_IO)};
  import { lockToReadUnlessRunning } from ${JSON.stringify(READING_LOCK)};
  console.log(lockToReadUnlessRunning(new NodeIo().openDirectory(process.argv[1], { create: false })));`;
/** One whom the permissions of files bind: they do not bind root. */
const STRANGER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const NOWHERE = { end: 0, hash: new Uint8Array(32), timeMs: 0, epoch: 1, batchCount: 1 };

test('Rereading tries again only when segments were given up meanwhile, and a bounded number of times', (context) => {
  const directory = new NodeIo().openDirectory(temporaryDirectory(context), { create: false });
  const giveUp = (firstSegment: number): void =>
    writeManifestNow(directory, {
      databaseId: new Uint8Array(16),
      firstSegment,
      start: NOWHERE,
      schemas: [],
      reliedEnd: 0,
      isArchive: false,
    });
  const missing = new KLaniError('NotFound', 'Cannot open file');
  const rereading = new Rereading(directory);
  assert.throws(() => rereading.again(missing), missing);
  for (const firstSegment of [2, 3, 4, 5]) {
    giveUp(firstSegment);
    assert.throws(() => rereading.again(new TypeError('a bug')), TypeError);
    rereading.again(missing);
    assert.throws(() => rereading.again(missing), missing);
  }
  giveUp(6);
  assert.throws(() => rereading.again(missing), { code: 'SnapshotExpired', message: /given up under each of 5 attempts/ });
  directory.close();
});

test('a reader who may not write the lock file learns that a process has the directory open for writing', (context) => {
  const path = temporaryDirectory(context);
  const isRunning = (): string => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', READER, path], {
      ...STRANGER,
      encoding: 'utf8',
    });
    return stdout + stderr;
  };
  chmodSync(path, 0o555);
  assert.equal(isRunning(), 'false\n');
  chmodSync(path, 0o755);
  const writer = new NodeIo().openDirectory(path, { create: false });
  writer.acquireLock();
  chmodSync(join(path, 'lock'), 0o444);
  assert.equal(isRunning(), 'true\n');
  writer.close();
  assert.equal(isRunning(), 'false\n');
});
