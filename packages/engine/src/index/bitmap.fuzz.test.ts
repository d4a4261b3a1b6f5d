import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';

/** Where row ids are drawn around: the borders of words, leaves, nodes, of the direct part of the root page, and of all row ids. */
const CENTRES = [1, 1024, 32_768, 2 ** 19, 1000 * 2 ** 19, 2 ** 31, ROW_ID_MAX];

function rowIdsOf(bitmap: Bitmap): number[] {
  const walk = new BitmapIntersection();
  walk.begin([bitmap], 1, undefined, 0);
  const rowIds: number[] = [];
  for (let rowId = walk.next(); rowId !== NONE; rowId = walk.next()) rowIds.push(rowId);
  return rowIds;
}

function run(seed: number): void {
  const random = new SeededRandom(seed);
  const store = new PageStore();
  const bitmap = Bitmap.create(store);
  const model = new Set<number>();
  const width = 1 + random.below(3000);
  const drawRowId = (): number => {
    const centre = CENTRES[random.below(CENTRES.length)] ?? 1;
    return Math.min(ROW_ID_MAX, Math.max(1, centre + random.below(width) - (width >> 1)));
  };
  for (let step = 0; step < 3000; step += 1) {
    const rowId = drawRowId();
    const clears = random.below(step < 1500 ? 3 : 2) === 0;
    assert.equal(clears ? bitmap.clear(rowId) : bitmap.set(rowId), clears === model.has(rowId));
    if (clears) model.delete(rowId);
    else model.add(rowId);
    const other = drawRowId();
    assert.equal(bitmap.has(other), model.has(other));
    assert.equal(bitmap.count, model.size);
  }
  const copy = new PageStore();
  copy.copyFrom(store);
  const expected = [...model].toSorted((a, b) => a - b);
  for (const same of [bitmap, new Bitmap(store, bitmap.rootPage), new Bitmap(copy, bitmap.rootPage)]) {
    assert.deepEqual(rowIdsOf(same), expected);
    assert.equal(same.count, expected.length);
    assert.equal(same.last, expected.at(-1) ?? 0);
  }
  for (const rowId of expected) bitmap.clear(rowId);
  assert.deepEqual(rowIdsOf(bitmap), []);
  bitmap.release();
  assert.equal(store.pageCount, 0);
}

test('Bitmap is a set of row ids, also attached anew and copied, and leaves no page behind', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 20 });
});
