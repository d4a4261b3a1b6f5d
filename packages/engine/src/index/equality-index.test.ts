import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PageStore } from '../memory/page-store.ts';
import { RowLocations } from '../table/row-locations.ts';
import type { OrderedIndex } from './ordered-index.ts';
import { BITMAP_ROWS_MIN, BITMAP_VALUES_MAX, EqualityIndex } from './equality-index.ts';

const key = (...words: number[]): Uint32Array => Uint32Array.from(words);

function fill(index: EqualityIndex, values: number): void {
  for (let value = 0; value < values; value += 1) {
    for (let row = 0; row < 3; row += 1) index.add(key(value * 10), 1 + row * 1000 + value);
  }
}

test('EqualityIndex keeps a bitmap for each value, and drops that of a value without rows', () => {
  const store = new PageStore();
  const index = EqualityIndex.create(store, 1);
  assert.equal(index.bitmapOf(key(0)), undefined);
  index.add(key(0), 1);
  const pageCount = store.pageCount;
  index.add(key(5), 2);
  index.add(key(5), 3);
  assert.equal(index.bitmapOf(key(5))?.has(3), true);
  assert.equal(index.count(key(5)), 2);
  assert.equal(index.remove(key(5), 1), false);
  assert.equal(index.remove(key(6), 2), false);
  assert.equal(index.remove(key(5), 2), true);
  assert.equal(index.remove(key(5), 3), true);
  assert.equal(index.bitmapOf(key(5)), undefined);
  assert.equal(index.bitmapCount, 1);
  assert.equal(store.pageCount, pageCount);
});

test('EqualityIndex objects over one root page see what each other changes', () => {
  const store = new PageStore();
  const index = EqualityIndex.create(store, 1);
  const other = new EqualityIndex(store, index.rootPage);
  index.add(key(1), 1);
  assert.equal(other.bitmapOf(key(1))?.count, 1);
  index.remove(key(1), 1);
  store.allocate();
  index.add(key(2), 2);
  index.add(key(2), 3);
  for (const same of [other, new EqualityIndex(store, index.rootPage)]) {
    assert.equal(same.bitmapOf(key(1)), undefined);
    assert.equal(same.bitmapOf(key(2))?.count, 2);
  }
});

test('EqualityIndex compares keys of several words, the first most significant, and looks at no further words', () => {
  const index = EqualityIndex.create(new PageStore(), 2);
  index.add(key(2, 0, 99), 1);
  index.add(key(1, 0xffff_ffff), 2);
  index.add(key(2, 1), 3);
  assert.equal(index.bitmapOf(key(2, 0, 7))?.has(1), true);
  assert.equal(index.count(key(2, 0)), 1);
  assert.equal(index.count(key(1, 0xffff_ffff)), 1);
  assert.equal(index.count(key(1, 0)), 0);
});

/** Through a function, so that the compiler does not take it to be known from then on. */
function treeOf(index: EqualityIndex): OrderedIndex | undefined {
  return index.tree;
}

test(`EqualityIndex holds ${BITMAP_VALUES_MAX} values as bitmaps, and the rows of further ones in its tree`, () => {
  const store = new PageStore();
  const index = EqualityIndex.create(store, 1);
  const early = new EqualityIndex(store, index.rootPage);
  fill(index, BITMAP_VALUES_MAX);
  assert.equal(treeOf(index), undefined);
  index.add(key(5), 9000);
  index.add(key(7), 9001);
  assert.equal(early.tree?.size, 2);
  assert.deepEqual([index.bitmapOf(key(5)), index.count(key(5)), index.count(key(10))], [undefined, 1, 3]);
  assert.equal(treeOf(index)?.first(key(5), key(5)), 9000);
  for (let row = 0; row < 3; row += 1) index.remove(key(10), 1 + row * 1000 + 1);
  index.add(key(5), 9002);
  assert.deepEqual([index.bitmapOf(key(5)), index.count(key(5))], [undefined, 2], 'a value that is in the tree stays there');
  index.add(key(11), 1);
  assert.equal(index.bitmapOf(key(11))?.count, 1, 'a new value takes the slot that is free');
  assert.equal(index.remove(key(5), 9000), true);
  assert.equal(index.remove(key(5), 9000), false);
  assert.equal(treeOf(index)?.size, 2);
});

test('EqualityIndex gives a value that comes to have many rows a bitmap, and takes that of the smallest', () => {
  const store = new PageStore();
  const index = EqualityIndex.create(store, 1);
  fill(index, BITMAP_VALUES_MAX);
  index.remove(key(30), 1 + 2000 + 3);
  for (let rowId = 1; rowId < BITMAP_ROWS_MIN; rowId += 1) index.add(key(5), rowId);
  assert.equal(index.bitmapOf(key(5)), undefined);
  for (let rowId = BITMAP_ROWS_MIN; rowId < BITMAP_ROWS_MIN * 4; rowId += 1) index.add(key(5), rowId);
  assert.equal(index.bitmapOf(key(5))?.count, BITMAP_ROWS_MIN * 4 - 1);
  assert.equal(index.bitmapOf(key(30)), undefined);
  assert.deepEqual([treeOf(index)?.size, index.count(key(30)), index.bitmapCount], [2, 2, BITMAP_VALUES_MAX]);
});

test('EqualityIndex overlooks no value that comes to have many rows, when values take turns in a round of 256', () => {
  const index = EqualityIndex.create(new PageStore(), 1);
  fill(index, BITMAP_VALUES_MAX);
  let rowId = 10_000;
  for (let round = 0; round < 2 * BITMAP_ROWS_MIN; round += 1) {
    for (let value = 1000; value < 1256; value += 1, rowId += 1) index.add(key(value), rowId);
  }
  let large = 0;
  for (let value = 1000; value < 1256; value += 1) if (index.bitmapOf(key(value)) !== undefined) large += 1;
  assert.equal(large, BITMAP_VALUES_MAX);
  assert.equal(treeOf(index)?.size, (256 - BITMAP_VALUES_MAX) * 2 * BITMAP_ROWS_MIN + BITMAP_VALUES_MAX * 3);
});

test('EqualityIndex stays with bitmaps when a value goes before the next one comes', () => {
  const index = EqualityIndex.create(new PageStore(), 65);
  const wide = (value: number): Uint32Array => new Uint32Array(65).fill(value, 64);
  for (let value = 0; value < 1000; value += 1) {
    index.add(wide(value), value + 1);
    if (value >= BITMAP_VALUES_MAX - 1) index.remove(wide(value - BITMAP_VALUES_MAX + 1), value - BITMAP_VALUES_MAX + 2);
  }
  assert.equal(index.tree, undefined);
  assert.equal(index.bitmapCount, BITMAP_VALUES_MAX - 1);
  assert.equal(index.bitmapOf(wide(999))?.has(1000), true);
});

test('EqualityIndex asserts that a row is entered once, and that its root page is one', () => {
  const store = new PageStore();
  const index = EqualityIndex.create(store, 1);
  index.add(key(1), 1);
  assert.throws(() => index.add(key(1), 1), AssertionError);
  assert.throws(() => new EqualityIndex(store, store.allocate()), AssertionError);
  assert.throws(() => EqualityIndex.create(store, 0), AssertionError);
});

test('EqualityIndex.add() on a full store throws LimitReached, and the row is not in the index', () => {
  const store = new PageStore(12);
  const index = EqualityIndex.create(store, 1);
  assert.throws(
    () => {
      for (let value = 0; value < 20; value += 1) index.add(key(value), value + 1);
    },
    { code: 'LimitReached' },
  );
  let count = 0;
  for (let value = 0; value < 100; value += 1) count += index.count(key(value));
  assert.equal(count, 3);
  assert.equal(index.count(key(3)), 0);
  assert.equal(index.remove(key(1), 2), true);
  index.add(key(3), 4);
  assert.equal(index.count(key(3)), 1);
});

test('locations, an index of 2 values and one of 10 take at most 12 bytes a row for 1,000,000 rows', () => {
  const store = new PageStore();
  const locations = RowLocations.create(store);
  const [booked, rank] = [EqualityIndex.create(store, 1), EqualityIndex.create(store, 1)];
  for (let rowId = 1; rowId <= 1_000_000; rowId += 1) {
    locations.set(rowId, rowId * 200);
    booked.add(key((rowId * 7) % 2), rowId);
    rank.add(key(rowId % 10), rowId);
  }
  assert.ok(store.sizeBytes <= 12_000_000, `${store.sizeBytes} bytes`);
});
