import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import type { OrderedCursor } from './ordered-cursor.ts';
import { OrderedIndex } from './ordered-index.ts';

const key = (word: number): Uint32Array => Uint32Array.of(word);

/** An index of the keys 0, 10, 20 … with row ids from 1. */
function indexOf(count: number): OrderedIndex {
  const index = OrderedIndex.create(new PageStore(), 1);
  for (let rowId = 1; rowId <= count; rowId += 1) index.add(key((rowId - 1) * 10), rowId);
  return index;
}

function walk(cursor: OrderedCursor): number[] {
  const rowIds: number[] = [];
  for (let rowId = cursor.next(); rowId !== NONE; rowId = cursor.next()) rowIds.push(rowId);
  return rowIds;
}

const between = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('OrderedCursor gives the row ids of a range in the order of the keys, both bounds included', () => {
  const cursor = indexOf(5000).cursor();
  cursor.begin(key(1000), key(30_000));
  assert.deepEqual(walk(cursor), between(101, 3001));
  cursor.begin(key(0), key(0xffff_ffff));
  assert.deepEqual(walk(cursor), between(1, 5000));
});

test('OrderedCursor goes on giving NONE after the end, and can begin again before it', () => {
  const cursor = indexOf(10).cursor();
  assert.equal(cursor.next(), NONE);
  cursor.begin(key(20), key(30));
  assert.equal(cursor.next(), 3);
  cursor.begin(key(20), key(30));
  assert.deepEqual(walk(cursor), [3, 4]);
  assert.equal(cursor.next(), NONE);
});

test('OrderedCursor gives nothing in a range that is empty, inverted, or behind all keys', () => {
  const cursor = indexOf(2000).cursor();
  for (const [low, high] of [
    [11, 19],
    [500, 400],
    [15_000, 3],
    [20_000, 30_000],
  ] as const) {
    cursor.begin(key(low), key(high));
    assert.deepEqual(walk(cursor), []);
    cursor.begin(key(low), key(high), 0.9);
    assert.deepEqual(walk(cursor), []);
  }
  const empty = OrderedIndex.create(new PageStore(), 1).cursor();
  empty.begin(key(0), key(0xffff_ffff), 0.5);
  assert.equal(empty.next(), NONE);
});

test('OrderedCursor begins at the fraction of the range asked for, and goes round to it, each row once', () => {
  const cursor = indexOf(5000).cursor();
  cursor.begin(key(1000), key(1090), 0.3);
  assert.deepEqual(walk(cursor), [...between(104, 110), ...between(101, 103)]);
  cursor.begin(key(0), key(0xffff_ffff), 0.999_999);
  assert.deepEqual(walk(cursor), [5000, ...between(1, 4999)]);
  cursor.begin(key(100), key(100), 1 - Number.EPSILON);
  assert.deepEqual(walk(cursor), [11]);
});

test('OrderedCursor refuses a fraction outside the range', () => {
  const cursor = indexOf(10).cursor();
  for (const fraction of [-0.1, 1, Number.NaN]) assert.throws(() => cursor.begin(key(0), key(9), fraction), AssertionError);
});
