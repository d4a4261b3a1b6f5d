import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { checksum, describeCode, linesOf } from './code-that-ran.ts';

test('checksum() changes with every byte and name of a source, and not with its tests', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'code-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'src', 'deep'), { recursive: true });
  const write = (path: string, text: string): void => writeFileSync(join(root, 'src', path), text);
  write('a.ts', 'a');
  write('deep/b.ts', 'b');
  const before = checksum(linesOf(root));
  assert.equal(before.files, 2);
  write('a.test.ts', 'a test');
  assert.deepEqual(checksum(linesOf(root)), before);
  assert.deepEqual(checksum(linesOf(root).toReversed()), before);
  write('deep/b.ts', 'B');
  assert.notEqual(checksum(linesOf(root)).sha256, before.sha256);
});

test('describeCode() gives the checksum that the shell command of the file header gives', { skip: process.platform !== 'linux' }, () => {
  const packages = join(import.meta.dirname, '../../..');
  const sum = (folders: string): string => {
    const command = `find ${folders} -name '*.ts' ! -name '*.test.ts' | LC_ALL=C sort | xargs sha256sum | sha256sum`;
    return execFileSync('sh', ['-c', command], { cwd: packages, encoding: 'utf8' }).split(' ')[0] ?? '';
  };
  const folders = 'base protocol engine server client bench cli';
  assert.equal(describeCode().sha256, sum(folders));
  assert.equal(describeCode([join(packages, 'compare')]).sha256, sum(`${folders} compare`));
});
