import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { NodeIo } from './node-io.ts';

const io = new NodeIo();

test('NodeIo.openDirectory() refuses a missing directory unless it may create it', (t) => {
  const root = makeRoot(t);
  const path = join(root, 'a', 'b', 'c');
  assert.throws(() => io.openDirectory(path, { create: false }), {
    code: 'NotFound',
    message: /^Cannot open directory: ENOENT .*\/a\/b\/c$/,
  });
  const directory = io.openDirectory(path, { create: true });
  assert.equal(directory.path, path);
  assert.equal(statSync(path).isDirectory(), true);
  directory.close();
  io.openDirectory(path, { create: true }).close();
});

test('NodeIo.openDirectory() lets nobody but owner and group into what it creates', { skip: process.platform === 'win32' }, (t) => {
  const directory = io.openDirectory(join(makeRoot(t), 'data'), { create: true });
  directory.createFile('file').close();
  assert.equal(statSync(directory.path).mode & 0o007, 0);
  assert.equal(statSync(join(directory.path, 'file')).mode & 0o007, 0);
  directory.close();
});

test('NodeIo.openDirectory() refuses a file of that name', (t) => {
  const root = makeRoot(t);
  const path = join(root, 'file');
  writeFileSync(path, '');
  assert.throws(() => io.openDirectory(path, { create: false }), { code: 'Io', message: /ENOTDIR/ });
  assert.throws(() => io.openDirectory(path, { create: true }), { code: 'Io', message: /EEXIST/ });
  assert.throws(() => io.openDirectory(join(path, 'below'), { create: true }), { code: 'Io', message: /ENOTDIR/ });
});

test('NodeIo.openDirectory() refuses a path that no system takes', () => {
  for (const path of ['', 'a\0b']) assert.throws(() => io.openDirectory(path, { create: true }), { code: 'InvalidArgument' });
});

function makeRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-io-'));
  t.after(() => rmSync(root, { recursive: true }));
  return root;
}
