import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';

interface Modelled {
  readonly bitmap: Bitmap;
  readonly model: Set<number>;
}

/** Runs of row ids, each with a density of its own, in a few places of the whole range. */
function drawBitmap(store: PageStore, random: SeededRandom, bases: readonly number[]): Modelled {
  const bitmap = Bitmap.create(store);
  const model = new Set<number>();
  for (const base of bases) {
    const step = 1 + random.below(random.below(4) === 0 ? 3 : 4000);
    const end = Math.min(ROW_ID_MAX, base + random.below(40_000));
    for (let rowId = base + random.below(100); rowId <= end; rowId += 1 + random.below(step)) {
      bitmap.set(rowId);
      model.add(rowId);
    }
  }
  return { bitmap, model };
}

function run(seed: number): void {
  const random = new SeededRandom(seed);
  const store = new PageStore();
  const bases = [1, 2 ** 19 - 20_000, 1000 * 2 ** 19 - 10_000, ROW_ID_MAX - 20_000].filter(() => random.below(2) === 0);
  const drawn = Array.from({ length: 6 }, () => drawBitmap(store, random, bases));
  const draw = (): Modelled => {
    const one = drawn[random.below(drawn.length)];
    assert.ok(one !== undefined);
    return one;
  };
  const all = [...new Set(drawn.flatMap(({ model }) => [...model]))].toSorted((a, b) => a - b);
  const intersection = new BitmapIntersection();
  for (let query = 0; query < 12; query += 1) {
    const parts = Array.from({ length: 1 + random.below(5) }, draw);
    const bitmaps = parts.map(({ bitmap }) => bitmap);
    const exclude = random.below(2) === 0 ? undefined : draw();
    const matching = all.filter((rowId) => parts.every(({ model }) => model.has(rowId)) && exclude?.model.has(rowId) !== true);
    const start = random.below(2) === 0 ? (all[random.below(all.length + 1)] ?? 0) + random.below(3) : random.below(2 ** 32);
    const expected = [...matching.filter((rowId) => rowId >= start), ...matching.filter((rowId) => rowId < start)];

    intersection.begin(bitmaps, bitmaps.length, exclude?.bitmap, start);
    const found: number[] = [];
    for (let rowId = intersection.next(); rowId !== NONE; rowId = intersection.next()) found.push(rowId);
    assert.deepEqual(found, expected);
    intersection.begin(bitmaps, bitmaps.length, exclude?.bitmap, start);
    const skipped = random.below(expected.length + 1);
    for (let count = 0; count < skipped; count += 1) assert.equal(intersection.next(), expected[count]);
    assert.equal(intersection.countRest(), expected.length - skipped);
  }
}

test('BitmapIntersection finds the rows that filters over sets find, in the order of the walk', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 20 });
});
