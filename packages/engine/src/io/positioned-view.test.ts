import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { testFileView } from './file-view.contract.ts';
import { NodeIo } from './node-io.ts';

const io = new NodeIo({ mapping: false });

testFileView('PositionedView', io);

test('PositionedView answers Io when the file was truncated behind its back', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-view-'));
  t.after(() => rmSync(root, { recursive: true }));
  const file = io.openDirectory(root, { create: false }).createFile('file');
  file.write(new Uint8Array(100), 0);
  const view = file.openView();
  truncateSync(file.path, 50);
  assert.throws(() => view.at(40, 20), { code: 'Io', message: /^Cannot read 20 bytes at 40: the file was truncated, path is / });
  view.close();
  file.close();
});
