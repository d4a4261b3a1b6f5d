import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { RowPositions } from './row-positions.ts';

const STEPS = 30_000;
const ROWS = 500;

test('RowPositions answers as a map, whatever is set and taken out', () => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed);
    const positions = new RowPositions();
    const model = new Map<number, number>();
    for (let step = 0; step < STEPS; step += 1) {
      const rowId = (random.below(2) === 0 ? 1 : 0xffff_ff00 - ROWS) + random.below(ROWS);
      const isFilling = step % 10_000 < 5000;
      if (random.below(10) < (isFilling ? 6 : 2)) {
        const position = (random.below(2) === 0 ? -1 : 1) * (1 + step * 2 ** 20);
        positions.set(rowId, position);
        model.set(rowId, position);
      } else if (model.delete(rowId)) positions.delete(rowId);
      assert.equal(positions.size, model.size, `seed ${seed}, step ${step}`);
      const asked = 1 + random.below(ROWS);
      assert.equal(positions.get(asked), model.get(asked) ?? 0, `seed ${seed}, step ${step}`);
    }
    for (const [rowId, position] of model) assert.equal(positions.get(rowId), position, `seed ${seed}, row ${rowId}`);
  }
});

test('RowPositions gives memory back after very many rows, and goes on', () => {
  const positions = new RowPositions();
  for (let round = 1; round <= 2; round += 1) {
    for (let rowId = 1; rowId <= 100_000; rowId += 1) positions.set(rowId, rowId * 8);
    assert.equal(positions.get(54_321), 54_321 * 8);
    for (let rowId = 1; rowId <= 100_000; rowId += 1) positions.delete(rowId);
    assert.deepEqual([positions.size, positions.get(54_321)], [0, 0]);
  }
});
