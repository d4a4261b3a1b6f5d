import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { errorCodes } from '@k-lani/protocol';
import { loadConfig } from '@k-lani/server';
import { operationsDocument } from './operations-doc.ts';

const text = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');

test('docs/operations.md has the tables that `node tools/operations-doc.ts` writes', () => {
  assert.equal(text, operationsDocument(text));
});

test('docs/operations.md says what to do about errors that exist', () => {
  const headings = [...text.slice(text.indexOf('## When something is refused')).matchAll(/^### (\w+)$/gm)].map(([, code]) => code);
  assert.ok(headings.length >= 12);
  assert.deepEqual(
    headings.filter((code) => !errorCodes().some((known) => known === code)),
    [],
  );
});

test('the configuration that docs/operations.md shows is accepted', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-operations-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const [, yaml] = /```yaml\n(.*?)```/s.exec(text) ?? [];
  assert.ok(yaml !== undefined);
  const file = join(directory, 'k-lani.yaml');
  writeFileSync(file, yaml);
  assert.equal(loadConfig({ file }).maxConnections, 512);
});
