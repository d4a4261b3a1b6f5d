import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PageStore } from '../memory/page-store.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapUnion } from './bitmap-union.ts';

test('BitmapUnion counts and has what its bitmaps have, until it is cleared', () => {
  const store = new PageStore();
  const [even, odd] = [Bitmap.create(store), Bitmap.create(store)];
  for (const rowId of [2, 4, 6]) even.set(rowId);
  for (const rowId of [1, 3]) odd.set(rowId);
  const union = new BitmapUnion();
  assert.equal(union.count, 0);
  union.add(even);
  union.add(odd);
  assert.equal(union.size, 2);
  assert.equal(union.count, 5);
  assert.equal(union.at(1), odd);
  assert.deepEqual(
    [1, 4, 5].map((rowId) => union.has(rowId)),
    [true, true, false],
  );
  union.clear();
  assert.equal(union.has(1), false);
  assert.throws(() => union.at(0), AssertionError);
});
