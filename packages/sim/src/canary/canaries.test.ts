import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CANARIES, canaryNamed, planted } from './canaries.ts';

const ROOT = join(import.meta.dirname, '../../../..');

test('every canary can be planted: its texts occur exactly once in its file', () => {
  assert.ok(CANARIES.length >= 15);
  for (const canary of CANARIES) {
    const text = readFileSync(join(ROOT, canary.file), 'utf8');
    assert.notEqual(planted(text, canary), text, canary.name);
  }
});

test('planted() refuses a text that is gone, and one that occurs twice', () => {
  const canary = canaryNamed('swap-without-drain');
  const [{ find } = { find: '' }] = canary.edits;
  assert.throws(() => planted('', canary), /occurs 0 times, must be 1/);
  assert.throws(() => planted(find + find, canary), /occurs 2 times, must be 1/);
  assert.equal(planted(`a\n${find}b`, canary), 'a\nb');
});

test('every canary has a name of its own, and a name that there is not is refused', () => {
  assert.equal(new Set(CANARIES.map(({ name }) => name)).size, CANARIES.length);
  assert.throws(() => canaryNamed('none'), /There is no canary "none"/);
});
