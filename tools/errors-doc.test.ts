import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { errorCodes, ERRORS } from '@k-lani/protocol';
import { errorsDocument, numberText } from './errors-doc.ts';

test('docs/errors.md is what `node tools/errors-doc.ts` writes', () => {
  assert.equal(readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8'), errorsDocument());
});

test('docs/errors.md has every error once, with its number', () => {
  const headings = errorsDocument().match(/^## .*$/gm) ?? [];
  assert.deepEqual(
    headings,
    errorCodes().map((code) => `## ${numberText(ERRORS[code].number)} ${code}`),
  );
  assert.equal(new Set(errorCodes().map((code) => ERRORS[code].number)).size, headings.length);
});
