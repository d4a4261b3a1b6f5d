import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { NodeIo } from '../io/node-io.ts';
import { temporaryDirectory } from './log.fixture.ts';
import { writeManifestNow } from './manifest.ts';
import { Rereading } from './reading-lock.ts';

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
