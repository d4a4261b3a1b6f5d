import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { Bitmap } from './bitmap.ts';

test('Bitmap.set() and clear() say whether they changed the set, and count follows', () => {
  const bitmap = Bitmap.create(new PageStore());
  assert.equal(bitmap.set(31), true);
  assert.equal(bitmap.set(31), false);
  assert.equal(bitmap.set(32), true);
  assert.equal(bitmap.count, 2);
  assert.equal(bitmap.clear(33), false);
  assert.equal(bitmap.clear(31), true);
  assert.equal(bitmap.clear(31), false);
  assert.equal(bitmap.count, 1);
  assert.deepEqual(
    [30, 31, 32, 33].map((rowId) => bitmap.has(rowId)),
    [false, false, true, false],
  );
});

test('Bitmap takes the first row id and the last, and refuses others', () => {
  const bitmap = Bitmap.create(new PageStore());
  for (const rowId of [1, ROW_ID_MAX]) {
    assert.equal(bitmap.has(rowId), false);
    bitmap.set(rowId);
    assert.equal(bitmap.has(rowId), true);
  }
  for (const rowId of [0, -1, ROW_ID_MAX + 1, Number.NaN]) assert.throws(() => bitmap.set(rowId), AssertionError);
});

test('Bitmap gives leaves and nodes back when they become empty (invariant 2)', () => {
  const store = new PageStore();
  const bitmap = Bitmap.create(store);
  for (let rowId = 1; rowId <= 1_200_000; rowId += 1000) bitmap.set(rowId);
  assert.equal(store.pageCount, 1 + 3 + 37);
  for (let rowId = 1; rowId < 600_000; rowId += 1000) bitmap.clear(rowId);
  assert.equal(store.pageCount, 1 + 2 + 19);
  for (let rowId = 600_001; rowId <= 1_200_000; rowId += 1000) bitmap.clear(rowId);
  assert.equal(store.pageCount, 1);
  assert.equal(bitmap.count, 0);
  bitmap.set(70_000);
  assert.equal(bitmap.has(70_000), true);
});

test('Bitmap.release() gives all pages back, those of high row ids too', () => {
  const store = new PageStore();
  const other = Bitmap.create(store);
  other.set(9);
  const bitmap = Bitmap.create(store);
  for (const rowId of [1, 40_000, 3_000_000, 2 ** 31, ROW_ID_MAX]) bitmap.set(rowId);
  bitmap.release();
  assert.equal(store.pageCount, 3);
  assert.equal(other.has(9), true);
  assert.throws(() => new Bitmap(store, bitmap.rootPage), AssertionError);
});

test('Bitmap.set() on a full store throws LimitReached and leaves the set as it was', () => {
  const store = new PageStore(5);
  const bitmap = Bitmap.create(store);
  bitmap.set(1);
  for (const rowId of [600_000, 600_000, 2 ** 31]) assert.throws(() => bitmap.set(rowId), { code: 'LimitReached' });
  assert.equal(bitmap.count, 1);
  assert.equal(bitmap.has(600_000), false);
  assert.equal(bitmap.clear(600_000), false);
  assert.equal(bitmap.clear(1), true);
  bitmap.set(600_000);
  assert.equal(bitmap.has(600_000), true);
});
