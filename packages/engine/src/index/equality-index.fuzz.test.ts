import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { BITMAP_ROWS_MIN, BITMAP_VALUES_MAX, EqualityIndex } from './equality-index.ts';

/** Rows by value: the plain model of the index. */
type Model = Map<number, Set<number>>;

const STEPS = 6000;

class Run {
  readonly random: SeededRandom;
  readonly keyWords: number;
  readonly values: number;
  /** How many of the changes are of the first few values, in percent: these come to have so many rows that they leave the tree. */
  readonly skew: number;
  readonly model: Model = new Map();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.keyWords = [1, 2, 3, 17, 65][this.random.below(5)] ?? 1;
    this.values = 1 + this.random.below(90);
    this.skew = this.random.below(90);
  }

  /** Spreads the value over the words so that no single word tells the order. */
  key(value: number): Uint32Array {
    const key = new Uint32Array(this.keyWords);
    key[0] = this.keyWords === 1 ? value * 40_000_000 : value >> 3;
    if (this.keyWords > 1) key[this.keyWords - 1] = (value & 7) * 0x1fff_ffff;
    return key;
  }

  /** Gives each value a row, the ones that are to become large last. */
  begin(sides: readonly EqualityIndex[]): void {
    for (let value = this.values - 1; value >= 0; value -= 1) {
      for (const side of sides) side.add(this.key(value), 1);
      this.model.set(value, new Set([1]));
    }
  }

  change(sides: readonly EqualityIndex[]): void {
    const { random } = this;
    const isLarge = random.below(100) < this.skew;
    const value = random.below(isLarge ? Math.min(3, this.values) : this.values);
    const rowId = 1 + random.below(isLarge || random.below(4) === 0 ? 3_000_000 : 300);
    const rows = this.model.get(value) ?? new Set();
    const removes = (!isLarge && random.below(5) < 2) || rows.has(rowId);
    for (const side of sides) {
      if (removes) assert.equal(side.remove(this.key(value), rowId), rows.has(rowId));
      else side.add(this.key(value), rowId);
    }
    if (removes) rows.delete(rowId);
    else rows.add(rowId);
    this.model.set(value, rows);
    if (rows.size === 0) this.model.delete(value);
  }

  check(index: EqualityIndex): void {
    let inBitmaps = 0;
    let rowsInTree = 0;
    for (let value = 0; value < this.values; value += 1) {
      const expected = [...(this.model.get(value) ?? [])].toSorted((a, b) => a - b);
      assert.equal(index.count(this.key(value)), expected.length);
      const bitmap = index.bitmapOf(this.key(value));
      if (bitmap === undefined) rowsInTree += expected.length;
      else inBitmaps += 1;
      assert.deepEqual(this.rowsOf(index, value), expected);
    }
    assert.equal(index.bitmapCount, inBitmaps);
    assert.ok(inBitmaps <= BITMAP_VALUES_MAX);
    assert.equal(index.tree?.size ?? 0, rowsInTree, 'invariant 2');
    index.tree?.assertInvariants();
  }

  rowsOf(index: EqualityIndex, value: number): number[] {
    const found: number[] = [];
    const bitmap = index.bitmapOf(this.key(value));
    const walk = bitmap === undefined ? index.tree?.cursor() : new BitmapIntersection();
    if (walk instanceof BitmapIntersection) {
      assert.ok(bitmap !== undefined);
      walk.begin([bitmap], 1, undefined, 0);
    } else walk?.begin(this.key(value), this.key(value));
    for (let rowId = walk?.next() ?? NONE; rowId !== NONE; rowId = walk?.next() ?? NONE) found.push(rowId);
    return found;
  }
}

/** @returns whether a value has left the tree for a bitmap */
function run(seed: number): boolean {
  const one = new Run(seed);
  const stores = [new PageStore(), new PageStore()];
  const sides = stores.map((store) => EqualityIndex.create(store, one.keyWords));
  one.begin(sides);
  const [store, other] = stores;
  const [side, otherSide] = sides;
  assert.ok(store !== undefined && other !== undefined && side !== undefined && otherSide !== undefined);
  const begunInTree = [0, 1, 2].filter((value) => value < one.values && side.bitmapOf(one.key(value)) === undefined);
  for (let step = 0; step < STEPS; step += 1) {
    one.change(sides);
    if (step % 1000 === 0) for (const each of sides) one.check(each);
  }
  assert.deepEqual(other.chunks, store.chunks, 'invariant 3');
  const isPromoted = begunInTree.some((value) => side.bitmapOf(one.key(value)) !== undefined);
  if (begunInTree.every((value) => (one.model.get(value)?.size ?? 0) < BITMAP_ROWS_MIN)) assert.ok(!isPromoted);

  const copy = new PageStore();
  copy.copyFrom(store);
  const copied = new EqualityIndex(copy, side.rootPage);
  one.check(copied);
  for (let step = 0; step < 300; step += 1) one.change([side]);
  other.copyFrom(store);
  one.check(otherSide);
  one.check(new EqualityIndex(other, side.rootPage));
  for (let step = 0; step < 300; step += 1) one.change([side, otherSide]);
  one.check(side);
  one.check(otherSide);
  assert.deepEqual(other.chunks, store.chunks, 'invariant 3');
  return isPromoted;
}

test('EqualityIndex is a map from value to rows, in bitmaps or in its tree, the same on both sides, attached anew and copied', () => {
  let promoted = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      if (run(seed)) promoted += 1;
    }),
    { numRuns: 25, seed: 1 },
  );
  assert.ok(promoted > 0, 'no run had a value that left the tree');
});

test('EqualityIndex on a store that is full at any moment keeps every row that it took', () => {
  for (let pagesMax = 200; pagesMax < 300; pagesMax += 7) {
    const store = new PageStore(pagesMax);
    const index = EqualityIndex.create(store, 1);
    const taken = new Map<number, Set<number>>();
    let refused = 0;
    for (let step = 0; step < 8000 && refused < 50; step += 1) {
      const value = step < 70 ? step : 69;
      const rowId = 1 + step * 37;
      try {
        index.add(Uint32Array.of(value), rowId);
        taken.set(value, (taken.get(value) ?? new Set()).add(rowId));
      } catch (error) {
        assert.equal(Object(error).code, 'LimitReached');
        refused += 1;
      }
    }
    for (let value = 0; value < 70; value += 1)
      assert.equal(index.count(Uint32Array.of(value)), taken.get(value)?.size ?? 0, `${pagesMax} pages`);
    for (const [value, rows] of taken) for (const rowId of rows) assert.ok(index.remove(Uint32Array.of(value), rowId), `${pagesMax} pages`);
  }
});
