import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from './random.ts';

test('SeededRandom gives the same numbers for the same seed and others for another', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
});

test('SeededRandom.below() stays below its bound and reaches every value', () => {
  const random = new SeededRandom(3);
  const seen = new Set<number>();
  for (let draw = 0; draw < 1000; draw += 1) seen.add(random.below(10));
  assert.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});
