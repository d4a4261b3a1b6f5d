import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { temporaryDirectory } from './log.fixture.ts';
import {
  MANIFEST_NAME,
  NEXT_MANIFEST_NAME,
  decodeManifest,
  encodeManifest,
  readManifest,
  writeManifest,
  type Manifest,
} from './manifest.ts';

const manifest: Manifest = {
  databaseId: new Uint8Array(16).fill(3),
  firstSegment: 9,
  start: { end: 8 * 65_536 + 4096, hash: new Uint8Array(32).fill(5), timeMs: 1_700_000_000_123, epoch: 7, batchCount: 2 ** 33 },
  schemas: [11 * 65_536 + 384, 2 ** 41 + 8],
  reliedEnd: 2 ** 41 + 1024,
  isArchive: true,
};

test('A manifest is read as it was written, and takes the place of the one before', (context) => {
  const path = temporaryDirectory(context);
  const directory = new FaultyIo().openDirectory(path, { create: false });
  assert.equal(readManifest(directory), undefined);
  writeFileSync(join(path, NEXT_MANIFEST_NAME), 'left by a crash');
  return new Promise<void>((resolve) => {
    writeManifest(directory, { ...manifest, firstSegment: 2 }, () => {
      writeManifest(directory, manifest, (error) => {
        assert.equal(error, undefined);
        assert.deepEqual(readManifest(directory), manifest);
        assert.deepEqual(directory.list(), [MANIFEST_NAME]);
        resolve();
      });
    });
  });
});

test('A manifest with any bit flipped, or any bytes cut off or added, is damaged', () => {
  const whole = encodeManifest(manifest);
  const isRefused = (bytes: Uint8Array, what: string): void => {
    assert.throws(
      () => decodeManifest(bytes, '/data/manifest'),
      (error) => error instanceof KLaniError && error.code === 'Damaged' && /\/data\/manifest: damaged at offset \d+: /.test(error.message),
      what,
    );
  };
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const flipped = whole.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    isRefused(flipped, `bit ${bit} flipped`);
  }
  for (let length = 0; length < whole.length; length += 1) isRefused(whole.subarray(0, length), `cut to ${length} bytes`);
  isRefused(Uint8Array.from([...whole, 0]), 'one byte more');
});
