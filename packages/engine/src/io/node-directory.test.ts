import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AssertionError } from '@k-lani/base';
import type { Directory } from './io.ts';
import { NodeIo } from './node-io.ts';

const NODE_IO = new URL('node-io.ts', import.meta.url).href;

test('Directory.createFile() makes a file once', (t) => {
  const directory = open(t);
  const file = directory.createFile('a');
  assert.equal(file.path, join(directory.path, 'a'));
  assert.equal(file.sizeBytes(), 0);
  file.close();
  assert.throws(() => directory.createFile('a'), { code: 'Io', message: /^Cannot create file: EEXIST .*\/a$/ });
});

test('Directory.openFile() refuses a missing file', (t) => {
  const directory = open(t);
  for (const mode of ['read', 'write'] as const) {
    assert.throws(() => directory.openFile('a', mode), { code: 'NotFound', message: new RegExp(`^Cannot open file to ${mode}: ENOENT `) });
  }
});

test('Directory.list() gives the names in order', (t) => {
  const directory = open(t);
  for (const name of ['b', 'a', 'B', 'c']) directory.createFile(name).close();
  assert.deepEqual(directory.list(), ['B', 'a', 'b', 'c']);
});

test('Directory.rename() takes the place of the other file in one step', (t) => {
  const directory = open(t);
  for (const name of ['a', 'b']) {
    const file = directory.createFile(name);
    file.write(new TextEncoder().encode(name), 0);
    file.close();
  }
  directory.rename('a', 'b');
  directory.sync();
  assert.deepEqual(directory.list(), ['b']);
  const bytes = new Uint8Array(1);
  const file = directory.openFile('b', 'read');
  file.read(bytes, 0);
  file.close();
  assert.equal(new TextDecoder().decode(bytes), 'a');
  assert.throws(() => directory.rename('a', 'b'), { code: 'NotFound', message: /^Cannot rename file to b: ENOENT .*\/a$/ });
});

test('Directory.remove() takes the name away, and refuses a missing one', (t) => {
  const directory = open(t);
  directory.createFile('a').close();
  directory.remove('a');
  directory.sync();
  assert.deepEqual(directory.list(), []);
  assert.throws(() => directory.remove('a'), { code: 'NotFound', message: /^Cannot remove file: ENOENT .*\/a$/ });
});

test('Directory asserts that a name is a single path component', (t) => {
  const directory = open(t);
  for (const name of ['', '.', '..', '../a', 'a/b', 'a\0']) assert.throws(() => directory.createFile(name), AssertionError);
});

test('Directory asserts on use after close(), and closes twice without harm', (t) => {
  const directory = open(t);
  directory.close();
  directory.close();
  assert.throws(() => directory.list(), AssertionError);
  assert.throws(() => directory.createFile('a'), AssertionError);
  assert.throws(() => directory.sync(), AssertionError);
});

test('Directory answers ReadOnly where the mode bits forbid writing', { skip: process.platform === 'win32' }, (t) => {
  const directory = open(t);
  directory.createFile('a').close();
  chmodSync(join(directory.path, 'a'), 0o444);
  chmodSync(directory.path, 0o555);
  // In a child, because root ignores mode bits: there it becomes another user first.
  const code = `
    import { NodeIo } from ${JSON.stringify(NODE_IO)};
    const io = new NodeIo();
    if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
    const codeOf = (call) => { try { call(); return 'none'; } catch (error) { return error.code; } };
    const directory = io.openDirectory(process.argv[1], { create: true });
    console.log([
      codeOf(() => directory.openFile('a', 'read').close()),
      codeOf(() => directory.openFile('a', 'write')),
      codeOf(() => directory.createFile('b')),
      codeOf(() => directory.rename('a', 'b')),
      codeOf(() => directory.remove('a')),
      codeOf(() => directory.acquireLock()),
      codeOf(() => io.openDirectory(process.argv[1] + '/below', { create: true })),
    ].join(' '));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code, directory.path], { encoding: 'utf8' });
  chmodSync(directory.path, 0o755);
  assert.equal(child.stderr, '');
  assert.equal(child.stdout, 'none ReadOnly ReadOnly ReadOnly ReadOnly ReadOnly ReadOnly\n');
});

function open(t: TestContext): Directory {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-directory-'));
  const directory = new NodeIo().openDirectory(root, { create: false });
  t.after(() => {
    directory.close();
    rmSync(root, { recursive: true, force: true });
  });
  return directory;
}
