import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { RowLocations } from './row-locations.ts';

/** Where row ids are drawn around: the borders of leaves and spans, of the direct part of the root page, and of all row ids. */
const CENTRES = [1, 512, 2 ** 19, 1000 * 2 ** 19, 2 ** 31, ROW_ID_MAX];

function run(seed: number): void {
  const random = new SeededRandom(seed);
  const store = new PageStore();
  const locations = RowLocations.create(store);
  const model = new Map<number, number>();
  const drawRowId = (): number => {
    const centre = CENTRES[random.below(CENTRES.length)] ?? 1;
    return Math.min(ROW_ID_MAX, Math.max(1, centre + random.below(1500) - 750));
  };
  for (let step = 0; step < 2000; step += 1) {
    const rowId = drawRowId();
    const position = (random.below(3) === 0 ? -1 : 1) * (1 + random.below(2 ** 32) * 1_000_000);
    locations.set(rowId, position);
    model.set(rowId, position);
    const other = drawRowId();
    assert.equal(locations.get(other), model.get(other) ?? 0);
  }
  const copy = new PageStore();
  copy.copyFrom(store);
  for (const same of [locations, new RowLocations(store, locations.rootPage), new RowLocations(copy, locations.rootPage)]) {
    for (const [rowId, position] of model) assert.equal(same.get(rowId), position);
    assert.equal(same.rowIdMax, Math.max(...model.keys()));
    assert.equal(same.liveCount, [...model.values()].filter((position) => position > 0).length);
  }
}

test('RowLocations is a map from row id to position, also attached anew and copied', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 20 });
});
