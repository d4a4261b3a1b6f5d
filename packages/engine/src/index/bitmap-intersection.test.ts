import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';

const store = new PageStore();

function bitmapOf(...rowIds: number[]): Bitmap {
  const bitmap = Bitmap.create(store);
  for (const rowId of rowIds) bitmap.set(rowId);
  return bitmap;
}

function walk(bitmaps: readonly Bitmap[], exclude?: Bitmap, startRowId = 1): number[] {
  const intersection = new BitmapIntersection();
  intersection.begin(bitmaps, bitmaps.length, exclude, startRowId);
  const rowIds: number[] = [];
  for (let rowId = intersection.next(); rowId !== NONE; rowId = intersection.next()) rowIds.push(rowId);
  assert.equal(intersection.next(), NONE);
  return rowIds;
}

test('BitmapIntersection.next() returns what all bitmaps have and the exclusion has not, ascending', () => {
  const a = bitmapOf(1, 2, 31, 32, 1023, 1024, 40_000, 600_000);
  const b = bitmapOf(2, 31, 33, 1024, 40_000, 600_000, 700_000);
  const c = bitmapOf(2, 31, 1024, 600_000);
  assert.deepEqual(walk([a]), [1, 2, 31, 32, 1023, 1024, 40_000, 600_000]);
  assert.deepEqual(walk([a, b]), [2, 31, 1024, 40_000, 600_000]);
  assert.deepEqual(walk([a, b, c]), [2, 31, 1024, 600_000]);
  assert.deepEqual(walk([a, b, c], bitmapOf(31, 600_000)), [2, 1024]);
  assert.deepEqual(walk([a, bitmapOf()]), []);
});

test('BitmapIntersection.next() begins at the start and goes round once', () => {
  const rowIds = [5, 31, 32, 1023, 1024, 32_767, 32_768, 600_000, 3_000_000_000, ROW_ID_MAX];
  const bitmap = bitmapOf(...rowIds);
  for (const start of [0, 1, 5, 6, 31, 32, 1024, 33_000, 600_000, 2 ** 31, ROW_ID_MAX, 0xffff_ffff]) {
    const expected = [...rowIds.filter((rowId) => rowId >= start), ...rowIds.filter((rowId) => rowId < start)];
    assert.deepEqual(walk([bitmap], undefined, start), expected, `start ${start}`);
  }
});

test('BitmapIntersection.next() takes the same bitmap twice, and excludes what it walks over', () => {
  const bitmap = bitmapOf(1, 40_000, 600_000);
  assert.deepEqual(walk([bitmap, bitmap, bitmap]), [1, 40_000, 600_000]);
  assert.deepEqual(walk([bitmap], bitmap), []);
});

test('BitmapIntersection.countRest() counts what next() would return, from the beginning and from the middle', () => {
  const bitmap = bitmapOf(...Array.from({ length: 5000 }, (_, index) => 1 + index * 17));
  const intersection = new BitmapIntersection();
  intersection.begin([bitmap], 1, bitmapOf(18, 35), 40_000);
  assert.equal(intersection.countRest(), 4998);
  assert.equal(intersection.next(), NONE);
  intersection.begin([bitmap], 1, undefined, 40_000);
  for (let count = 0; count < 7; count += 1) intersection.next();
  assert.equal(intersection.countRest(), 4993);
});

test('BitmapIntersection.begin() can be called before the end, with fewer bitmaps and from other stores', () => {
  const intersection = new BitmapIntersection();
  const other = Bitmap.create(new PageStore());
  for (const rowId of [2, 3]) other.set(rowId);
  intersection.begin([bitmapOf(1, 2, 3), bitmapOf(1, 2), bitmapOf(2), bitmapOf(2)], 4, bitmapOf(3), 1);
  assert.equal(intersection.next(), 2);
  intersection.begin([other, bitmapOf(1, 3), bitmapOf(7)], 2, undefined, 1);
  assert.equal(intersection.next(), 3);
  assert.equal(intersection.next(), NONE);
});

test('BitmapIntersection.begin() asserts that there are so many bitmaps, and one at least', () => {
  const intersection = new BitmapIntersection();
  assert.throws(() => intersection.begin([], 0, undefined, 1), AssertionError);
  assert.throws(() => intersection.begin([bitmapOf(1)], 2, undefined, 1), AssertionError);
});
