import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { NodeIo } from '@k-lani/engine';
import { temporaryDirectory } from '../command-process.fixture.ts';
import { TarTarget } from './tar-target.ts';

/** Notes in which order names change and are synced. */
class WatchedIo extends NodeIo {
  readonly calls: string[] = [];

  override openDirectory(path: string, options: { readonly create: boolean }): ReturnType<NodeIo['openDirectory']> {
    const directory = super.openDirectory(path, options);
    const [rename, sync] = [directory.rename.bind(directory), directory.sync.bind(directory)];
    directory.rename = (from, to) => {
      rename(from, to);
      this.calls.push(`rename to ${to}`);
    };
    directory.sync = () => {
      sync();
      this.calls.push(`sync ${path}`);
    };
    return directory;
  }
}

test('a backup in a tar file has its name, for good, when it is finished, and not before', async (context) => {
  const directory = temporaryDirectory(context);
  const io = new WatchedIo();
  const target = TarTarget.toFile(join(directory, 'seats.tar'), io);
  await target.putSegment({ index: 1, bytes: new Uint8Array([1, 2, 3]), sizeBytes: 4096 });
  assert.equal(readdirSync(directory).includes('seats.tar'), false);
  assert.deepEqual(io.calls, []);
  await target.finish();
  target.close();
  assert.deepEqual(io.calls, ['rename to seats.tar', `sync ${directory}`]);
  assert.deepEqual(readdirSync(directory), ['seats.tar']);
  assert.ok(statSync(join(directory, 'seats.tar')).size > 4096);
});
