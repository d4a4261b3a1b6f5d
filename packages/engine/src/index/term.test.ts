import assert from 'node:assert/strict';
import test from 'node:test';
import { TermList, hashOfTerms } from './term.ts';

test('hashOfTerms() gives small numbers in few fields hashes of their own', () => {
  const hashes = new Set<number>();
  const list = new TermList();
  const [a, b] = [list.add(), list.add()];
  for (const [fieldA, fieldB] of [
    [0, 1],
    [1, 0],
    [0, 2],
    [3, 5],
  ] as const) {
    [a.fieldIndex, b.fieldIndex] = [fieldA, fieldB];
    [a.keyWords, b.keyWords] = [1, 1];
    for (let pair = 0; pair < 4096; pair += 1) {
      a.low[0] = pair >>> 6;
      b.low[0] = pair & 63;
      hashes.add(hashOfTerms(list));
    }
  }
  assert.equal(hashes.size, 4 * 4096);
});
