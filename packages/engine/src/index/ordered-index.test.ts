import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { NONE } from '../memory/none.ts';
import { PAGE_SIZE_BYTES, PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { OrderedIndex } from './ordered-index.ts';

const key = (...words: number[]): Uint32Array => Uint32Array.from(words);
const LOWEST = key(0);
const HIGHEST = key(0xffff_ffff);

/** Adds the keys 0, `step`, 2 × `step` … with row ids from 1. */
function addAscending(index: OrderedIndex, count: number, step = 1): void {
  const next = key(0);
  for (let rowId = 1; rowId <= count; rowId += 1) {
    next[0] = (rowId - 1) * step;
    index.add(next, rowId);
  }
}

test('OrderedIndex without entries finds and counts nothing', () => {
  const index = OrderedIndex.create(new PageStore(), 1);
  assert.equal(index.size, 0);
  assert.equal(index.first(LOWEST, HIGHEST), NONE);
  assert.equal(index.count(LOWEST, HIGHEST), 0);
  assert.equal(index.remove(key(1), 1), false);
  index.assertInvariants();
});

test('OrderedIndex orders keys by their words as unsigned numbers, the first word before the second', () => {
  const index = OrderedIndex.create(new PageStore(), 2);
  index.add(key(0x8000_0000, 0), 1);
  index.add(key(0x7fff_ffff, 0xffff_ffff), 2);
  index.add(key(0, 0x8000_0000), 3);
  assert.equal(index.first(key(0, 0), key(0xffff_ffff, 0xffff_ffff)), 3);
  assert.equal(index.first(key(0, 0x8000_0001), key(0xffff_ffff, 0xffff_ffff)), 2);
  assert.equal(index.first(key(0x8000_0000, 0), key(0x8000_0000, 0)), 1);
});

test('OrderedIndex.count() and first() include both bounds, and nothing when they are inverted', () => {
  const index = OrderedIndex.create(new PageStore(), 1);
  addAscending(index, 5000, 10);
  assert.equal(index.count(key(100), key(200)), 11);
  assert.equal(index.count(key(101), key(109)), 0);
  assert.equal(index.count(key(200), key(100)), 0);
  assert.equal(index.count(key(40_000), key(10)), 0);
  assert.equal(index.estimate(LOWEST, HIGHEST), 5000);
  assert.equal(index.first(key(100), key(100)), 11);
  assert.equal(index.first(key(101), key(110)), 12);
  assert.equal(index.first(key(101), key(109)), NONE);
  assert.equal(index.first(key(49_991), HIGHEST), NONE);
});

test('OrderedIndex keeps many rows of one key, the smallest row id first', () => {
  const index = OrderedIndex.create(new PageStore(), 1);
  for (let rowId = 3000; rowId > 0; rowId -= 1) index.add(key(7), rowId);
  index.add(key(7), ROW_ID_MAX);
  assert.equal(index.count(key(7), key(7)), 3001);
  assert.equal(index.first(key(7), key(7)), 1);
  assert.equal(index.remove(key(7), 1), true);
  assert.equal(index.first(key(7), key(7)), 2);
  index.assertInvariants();
});

test('OrderedIndex takes keys that are longer than keyWords, and passes over what is more', () => {
  const index = OrderedIndex.create(new PageStore(), 1);
  index.add(key(5, 99), 1);
  assert.equal(index.first(key(5, 0), key(5, 1)), 1);
  assert.equal(index.remove(key(5, 7), 1), true);
});

test('OrderedIndex refuses an entry that is there, a short key, and numbers that are no row ids', () => {
  const index = OrderedIndex.create(new PageStore(), 2);
  index.add(key(1, 2), 3);
  assert.throws(() => index.add(key(1, 2), 3), AssertionError);
  assert.throws(() => index.add(key(1), 4), AssertionError);
  assert.throws(() => index.first(key(1), key(1, 2)), AssertionError);
  assert.throws(() => index.add(key(1, 2), 0), AssertionError);
  assert.throws(() => index.remove(key(1, 2), ROW_ID_MAX + 1), AssertionError);
  assert.equal(index.size, 1);
});

test('OrderedIndex.create() refuses widths that no page holds, and takes no page then', () => {
  const store = new PageStore();
  for (const keyWords of [0, 66, 1.5]) assert.throws(() => OrderedIndex.create(store, keyWords), AssertionError);
  assert.equal(store.pageCount, 0);
});

test('OrderedIndex attaches to its root page, and to no other page', () => {
  const store = new PageStore();
  const index = OrderedIndex.create(store, 1);
  addAscending(index, 2000);
  const attached = new OrderedIndex(store, index.rootPage);
  assert.equal(attached.keyWords, 1);
  assert.equal(attached.first(key(1234), key(1234)), 1235);
  index.add(key(5000), 9);
  assert.equal(attached.first(key(5000), HIGHEST), 9);
  assert.throws(() => new OrderedIndex(store, store.allocate()), AssertionError);
});

test('OrderedIndex is copied with its store, and then changes alone', () => {
  const [left, right] = [new PageStore(), new PageStore()];
  const index = OrderedIndex.create(left, 1);
  addAscending(index, 3000);
  right.copyFrom(left);
  const copy = new OrderedIndex(right, index.rootPage);
  for (let rowId = 1; rowId <= 3000; rowId += 2) assert.equal(copy.remove(key(rowId - 1), rowId), true);
  assert.equal(copy.size, 1500);
  assert.equal(index.size, 3000);
  index.assertInvariants();
  copy.assertInvariants();
});

test('OrderedIndex stays as it was when the store has no page left for an entry', () => {
  const store = new PageStore(12);
  const index = OrderedIndex.create(store, 65);
  const next = new Uint32Array(65);
  let added = 0;
  const fill = (): void => {
    for (;;) {
      next[64] = (added * 40_503) % 65_536;
      index.add(next, added + 1);
      added += 1;
    }
  };
  assert.throws(fill, (error) => error instanceof KLaniError && error.code === 'LimitReached');
  const { pageCount } = store;
  assert.equal(index.size, added);
  index.assertInvariants();
  assert.throws(() => index.add(next, added + 1), KLaniError);
  assert.equal(store.pageCount, pageCount);
  for (let rowId = added; rowId > 0; rowId -= 1) {
    next[64] = ((rowId - 1) * 40_503) % 65_536;
    assert.equal(index.remove(next, rowId), true);
  }
  assert.equal(store.pageCount, 2);
  assert.throws(() => OrderedIndex.bulkLoad(new PageStore(2), 1, () => NONE), KLaniError);
});

test('OrderedIndex keeps ascending keys of one word in 10 bytes an entry', () => {
  const store = new PageStore();
  const index = OrderedIndex.create(store, 1);
  addAscending(index, 100_000);
  index.assertInvariants();
  const sizeBytes = store.pageCount * PAGE_SIZE_BYTES;
  assert.ok(sizeBytes <= 10 * 100_000, `${sizeBytes} bytes`);
});

test('OrderedIndex gives memory back as entries go, in any order, and all of it in the end', () => {
  for (const stride of [1, 7919, 99_999]) {
    const store = new PageStore();
    const index = OrderedIndex.create(store, 1);
    addAscending(index, 100_000);
    const full = store.pageCount;
    for (let step = 0; step < 100_000; step += 1) {
      const position = (step * stride) % 100_000;
      assert.equal(index.remove(key(position), position + 1), true);
      if (step === 95_000) assert.ok(store.pageCount <= full / 4, `${store.pageCount} of ${full} pages hold a twentieth`);
    }
    assert.equal(index.size, 0);
    assert.equal(store.pageCount, 2);
    addAscending(index, 10);
    index.assertInvariants();
  }
});

test('OrderedIndex.release() gives back every page', () => {
  const store = new PageStore();
  const index = OrderedIndex.create(store, 3);
  for (let rowId = 1; rowId <= 20_000; rowId += 1) index.add(key(rowId % 7, (rowId * 40_503) & 0xffff, rowId), rowId);
  index.release();
  assert.equal(store.pageCount, 0);
});

test('OrderedIndex.bulkLoad() makes the same index as adding in order', () => {
  for (const count of [0, 1, 511, 512, 10_000]) {
    const [store, storeAdded] = [new PageStore(), new PageStore()];
    let rowId = 0;
    const loaded = OrderedIndex.bulkLoad(store, 1, (next) => {
      if (rowId === count) return NONE;
      next[0] = rowId >> 1;
      rowId += 1;
      return rowId;
    });
    const added = OrderedIndex.create(storeAdded, 1);
    for (let other = 1; other <= count; other += 1) added.add(key((other - 1) >> 1), other);
    loaded.assertInvariants();
    assert.equal(loaded.size, count);
    assert.equal(store.pageCount, storeAdded.pageCount);
    assert.equal(loaded.count(key(100), key(120)), added.count(key(100), key(120)));
    loaded.add(key(50), ROW_ID_MAX);
    loaded.assertInvariants();
  }
});

test('OrderedIndex.bulkLoad() refuses entries out of order, and gives its pages back when it fails', () => {
  const store = new PageStore();
  for (const words of [
    [1, 0],
    [1, 1],
  ]) {
    let calls = 0;
    const next = (target: Uint32Array): number => {
      target[0] = words[calls] ?? 9;
      calls += 1;
      return 5;
    };
    assert.throws(() => OrderedIndex.bulkLoad(store, 1, next), AssertionError);
  }
  const failing = (): number => {
    throw new RangeError('no more');
  };
  assert.throws(() => OrderedIndex.bulkLoad(store, 1, failing), RangeError);
  assert.equal(store.pageCount, 0);
});
