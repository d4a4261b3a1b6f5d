import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AssertionError } from '@k-lani/base';
import type { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from './io.ts';
import { NodeIo } from './node-io.ts';

const NODE_IO = new URL('node-io.ts', import.meta.url).href;
const MIB = 1024 * 1024;

test('File.read() gives what was written, short only at the end of the file', (t) => {
  const { file } = open(t);
  file.write(Uint8Array.of(1, 2, 3, 4), 2);
  const bytes = new Uint8Array(4);
  assert.equal(file.read(bytes, 0), 4);
  assert.deepEqual([...bytes], [0, 0, 1, 2]);
  assert.equal(file.read(bytes, 4), 2);
  assert.deepEqual([...bytes.subarray(0, 2)], [3, 4]);
  assert.equal(file.read(bytes, 6), 0);
  assert.equal(file.read(bytes, 1000), 0);
  assert.equal(file.sizeBytes(), 6);
  file.sync();
});

test('File asserts on a position that is not a count of bytes, and on use after close()', (t) => {
  const { file } = open(t);
  for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => file.write(new Uint8Array(1), position), AssertionError);
    assert.throws(() => file.read(new Uint8Array(1), position), AssertionError);
  }
  file.close();
  file.close();
  assert.throws(() => file.write(new Uint8Array(1), 0), AssertionError);
  assert.throws(() => file.read(new Uint8Array(1), 0), AssertionError);
  assert.throws(() => file.sync(), AssertionError);
  assert.throws(() => file.openView(), AssertionError);
});

test('File opened to read asserts on writes', (t) => {
  const { directory } = open(t);
  const file = directory.openFile('file', 'read');
  assert.throws(() => file.write(new Uint8Array(1), 0), AssertionError);
  assert.throws(() => file.syncLater(() => undefined), AssertionError);
  file.close();
});

test('File.syncLater() calls back once, later, and takes one sync at a time', async (t) => {
  const { file } = open(t);
  for (let round = 0; round < 3; round += 1) {
    file.write(new Uint8Array(100), round * 100);
    let returned = false;
    const done = later((callback) => {
      file.syncLater((error) => {
        assert.equal(returned, true);
        callback(error);
      });
    });
    returned = true;
    assert.throws(() => file.syncLater(() => undefined), AssertionError);
    assert.throws(() => file.fillLater(1, () => undefined), AssertionError);
    file.write(Uint8Array.of(1), round);
    assert.equal(await done, undefined);
  }
});

test('File.writeLater() writes all bytes where they belong, later, and holds the file until then', async (t) => {
  const { file } = open(t);
  const bytes = new Uint8Array(3 * MIB).map((_, place) => place % 251);
  const done = later((callback) => file.writeLater(bytes, 100, callback));
  assert.throws(() => file.syncLater(() => undefined), AssertionError);
  file.close();
  assert.equal(await done, undefined);
  assert.deepEqual(readFileSync(file.path).subarray(100), Buffer.from(bytes));
});

test('File.syncLater() ends by itself when the file is closed meanwhile', async (t) => {
  const { file } = open(t);
  const done = later((callback) => file.syncLater(callback));
  file.close();
  assert.equal(await done, undefined);
});

test('File.fillLater() makes the file that long, all zeros', async (t) => {
  const { file } = open(t);
  const sizeBytes = 2 * MIB + 12345;
  file.write(new Uint8Array(100).fill(7), 0);
  assert.equal(await later((callback) => file.fillLater(sizeBytes, callback)), undefined);
  assert.equal(file.sizeBytes(), sizeBytes);
  assert.equal(
    readFileSync(file.path).every((byte) => byte === 0),
    true,
  );
});

test('File.fillLater() is cut off with Closed when the file is closed, and its descriptor is not used after', async (t) => {
  const { file, directory } = open(t);
  const done = later((callback) => file.fillLater(64 * MIB, callback));
  file.close();
  const other = directory.createFile('other');
  assert.equal((await done)?.code, 'Closed');
  assert.equal(other.sizeBytes(), 0);
  other.close();
});

test(
  'File.write(), writeLater() and fillLater() answer DiskFull when the device is full',
  { skip: !existsSync('/dev/full') && 'needs /dev/full' },
  async () => {
    const file = new NodeIo().openDirectory('/dev', { create: false }).openFile('full', 'write');
    const message = /^Cannot write 16 bytes at 0: ENOSPC \(no space left on device\), path is \/dev\/full$/;
    assert.throws(() => file.write(new Uint8Array(16), 0), { code: 'DiskFull', message });
    const error = await later((callback) => file.writeLater(new Uint8Array(16), 0, callback));
    assert.deepEqual([error?.code, error?.message.replace(message, 'as above')], ['DiskFull', 'as above']);
    assert.equal((await later((callback) => file.fillLater(MIB, callback)))?.code, 'DiskFull');
    file.close();
  },
);

test('File.write() answers DiskFull on a full file system, fits again after a removal, and ReadOnly on a read-only one', (t) => {
  const { directory } = open(t);
  const prelude = `
    import { NodeIo } from ${JSON.stringify(NODE_IO)};
    const codeOf = (call) => { try { call(); return 'none'; } catch (error) { return error.code; } };
    const directory = new NodeIo().openDirectory(process.argv[1], { create: true });`;
  const full = `${prelude}
    const [a, b] = ['a', 'b', 'lock'].map((name) => directory.createFile(name));
    const write = (file) => codeOf(() => file.write(new Uint8Array(900000), 0));
    const answers = [write(a), write(b), codeOf(() => directory.acquireLock())];
    directory.remove('a');
    a.close();
    console.log(...answers, write(b));`;
  const readOnly = `${prelude}
    console.log(...[['openFile', 'b'], ['createFile', 'c'], ['remove', 'b']].map(([call, name]) => codeOf(() => directory[call](name, 'write'))));`;
  // A mount namespace of the child's own: nothing is left mounted however the test ends.
  const script = `mount -t tmpfs -o size=1m,mode=777 tmpfs "$1" && "$2" --input-type=module --eval "$3" "$1" &&
    mount -o remount,ro "$1" && "$2" --input-type=module --eval "$4" "$1"`;
  const namespaces = process.getuid?.() === 0 ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const isolate = (...command: string[]) =>
    spawnSync('sh', ['-c', 'exec unshare "$@"', 'sh', ...namespaces, ...command], { encoding: 'utf8' });
  if (isolate('mount', '-t', 'tmpfs', 'tmpfs', directory.path).status !== 0) {
    t.skip('needs the right to mount');
    return;
  }
  const child = isolate('sh', '-c', script, 'sh', directory.path, process.execPath, full, readOnly);
  assert.equal(child.stderr, '');
  assert.equal(child.stdout, 'none DiskFull DiskFull none\nReadOnly ReadOnly ReadOnly\n');
});

/** The error that a call off the thread ends with. */
function later(begin: (done: (error: KLaniError | undefined) => void) => void): Promise<KLaniError | undefined> {
  return new Promise((resolve) => {
    begin(resolve);
  });
}

function open(t: TestContext): { directory: Directory; file: File } {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-file-'));
  const directory = new NodeIo().openDirectory(root, { create: false });
  const file = directory.createFile('file');
  t.after(() => {
    file.close();
    directory.close();
    rmSync(root, { recursive: true });
  });
  return { directory, file };
}
