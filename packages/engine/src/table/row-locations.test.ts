import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { RowLocations } from './row-locations.ts';

test('RowLocations.get() returns 0 for rows that never were, whatever the row id', () => {
  const locations = RowLocations.create(new PageStore());
  for (const rowId of [0, 1, 511, 512, 2 ** 19, 2 ** 31, ROW_ID_MAX, 0xffff_ffff]) assert.equal(locations.get(rowId), 0);
  locations.set(700, 64);
  for (const rowId of [0, 1, 511, 512, 699, 701, 2 ** 19 + 700]) assert.equal(locations.get(rowId), 0);
  assert.equal(locations.get(700), 64);
});

test('RowLocations keeps positions up to the largest safe integer, for the first row id and the last', () => {
  const store = new PageStore();
  const locations = RowLocations.create(store);
  locations.set(1, Number.MAX_SAFE_INTEGER);
  locations.set(ROW_ID_MAX, Number.MIN_SAFE_INTEGER);
  assert.equal(locations.get(1), Number.MAX_SAFE_INTEGER);
  assert.equal(locations.get(ROW_ID_MAX), Number.MIN_SAFE_INTEGER);
  assert.equal(locations.rowIdMax, ROW_ID_MAX);
  assert.equal(locations.liveCount, 1);
});

test('RowLocations.liveCount follows rows that come, change, are deleted and come back', () => {
  const locations = RowLocations.create(new PageStore());
  locations.set(5, 100);
  locations.set(6, 200);
  locations.set(5, 300);
  assert.equal(locations.liveCount, 2);
  locations.set(5, -400);
  locations.set(5, -500);
  assert.equal(locations.liveCount, 1);
  assert.equal(locations.get(5), -500);
  locations.set(5, 600);
  assert.equal(locations.liveCount, 2);
  assert.equal(locations.rowIdMax, 6);
});

test('RowLocations.set() asserts the row id and the position', () => {
  const locations = RowLocations.create(new PageStore());
  for (const rowId of [0, -1, 1.5, ROW_ID_MAX + 1, Number.NaN]) assert.throws(() => locations.set(rowId, 1), AssertionError);
  for (const position of [0, -0, 1.5, 2 ** 53, Number.NaN]) assert.throws(() => locations.set(1, position), AssertionError);
  assert.equal(locations.rowIdMax, 0);
});

test('RowLocations.set() on a full store throws LimitReached and leaves what is there', () => {
  const locations = RowLocations.create(new PageStore(4));
  locations.set(1, 10);
  assert.throws(() => locations.set(2000, 20), { code: 'LimitReached' });
  assert.equal(locations.get(1), 10);
  assert.equal(locations.get(2000), 0);
  assert.equal(locations.rowIdMax, 1);
  assert.equal(locations.liveCount, 1);
});

test('RowLocations asserts that its root page is one', () => {
  const store = new PageStore();
  assert.throws(() => new RowLocations(store, store.allocate()), AssertionError);
});

test('RowLocations takes less than 8.5 bytes a row for 1,000,000 rows', () => {
  const store = new PageStore();
  const locations = RowLocations.create(store);
  for (let rowId = 1; rowId <= 1_000_000; rowId += 1) locations.set(rowId, rowId * 200);
  assert.ok(store.sizeBytes <= 8_500_000, `${store.sizeBytes} bytes`);
  assert.equal(locations.liveCount, 1_000_000);
});
