import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { UniqueHolders } from './unique-holders.ts';

const STEPS = 20_000;
const VALUES = 300;

interface Given {
  readonly value: number;
  readonly rowId: number;
  readonly position: number;
}

test('UniqueHolders answers as a list of what was given, in any order of giving, asking and settling', () => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed);
    const holders = new UniqueHolders(2);
    let model: Given[] = [];
    let position = 1;
    for (let step = 0; step < STEPS; step += 1) {
      const value = random.below(VALUES);
      const what = random.below(100);
      if (what < 50) {
        const rowId = 1 + random.below(1000);
        holders.add(keyOf(value), rowId, position);
        model.push({ value, rowId, position });
        position += 1 + random.below(3);
      } else if (what < 98) {
        assert.equal(
          holders.find(keyOf(value)),
          model.findLast((given) => given.value === value)?.rowId ?? 0,
          `seed ${seed}, step ${step}`,
        );
      } else {
        const end = random.below(4) === 0 ? position : position - random.below(200);
        holders.settle(end);
        model = model.filter((given) => given.position > end);
      }
      assert.equal(holders.count, model.length, `seed ${seed}, step ${step}`);
    }
  }
});

test('UniqueHolders gives memory back after very many keys, and goes on', () => {
  const holders = new UniqueHolders(1);
  for (let round = 1; round <= 2; round += 1) {
    for (let rowId = 1; rowId <= 100_000; rowId += 1) holders.add(Uint32Array.of(rowId), rowId, round);
    assert.equal(holders.find(Uint32Array.of(77_777)), 77_777);
    holders.settle(round);
    assert.equal(holders.find(Uint32Array.of(77_777)), 0);
  }
});

function keyOf(value: number): Uint32Array {
  return Uint32Array.of(value & 3, value);
}
