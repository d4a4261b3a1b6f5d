import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { BITMAP_VALUES_MAX, EqualityIndex } from './equality-index.ts';

/** Rows by value: the plain model of the index. */
type Model = Map<number, Set<number>>;

class Run {
  readonly random: SeededRandom;
  readonly keyWords: number;
  readonly values: number;
  readonly model: Model = new Map();
  converted = false;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.keyWords = [1, 2, 3, 17, 65][this.random.below(5)] ?? 1;
    this.values = 1 + this.random.below(90);
  }

  /** Spreads the value over the words so that no single word tells the order. */
  key(value: number): Uint32Array {
    const key = new Uint32Array(this.keyWords);
    key[0] = this.keyWords === 1 ? value * 40_000_000 : value >> 3;
    if (this.keyWords > 1) key[this.keyWords - 1] = (value & 7) * 0x1fff_ffff;
    return key;
  }

  change(sides: readonly EqualityIndex[]): void {
    const value = this.random.below(this.values);
    const rowId = 1 + this.random.below(this.random.below(4) === 0 ? 3_000_000 : 300);
    const rows = this.model.get(value) ?? new Set();
    const removes = this.random.below(5) < 2 || rows.has(rowId);
    for (const side of sides) {
      if (removes) assert.equal(side.remove(this.key(value), rowId), rows.has(rowId));
      else side.add(this.key(value), rowId);
    }
    if (removes) rows.delete(rowId);
    else rows.add(rowId);
    this.model.set(value, rows);
    if (rows.size === 0) this.model.delete(value);
    if (this.model.size > BITMAP_VALUES_MAX) this.converted = true;
  }

  check(index: EqualityIndex): void {
    assert.equal(index.ordered !== undefined, this.converted);
    const low = this.random.below(this.values + 1);
    const high = this.random.below(this.values + 1);
    const rowIds: number[] = [];
    for (let value = low; value <= high; value += 1) rowIds.push(...(this.model.get(value) ?? []));
    assert.equal(index.count(this.key(low), this.key(high)), rowIds.length);
    assert.equal(index.count(this.key(low)), this.model.get(low)?.size ?? 0);
    if (index.ordered !== undefined) return;
    assert.equal(index.valueCount, this.model.size);
    const bitmap = index.bitmapOf(this.key(low));
    assert.equal(bitmap?.count, this.model.get(low)?.size);
    if (bitmap === undefined) return;
    const walk = new BitmapIntersection();
    walk.begin([bitmap], 1, undefined, 0);
    const found: number[] = [];
    for (let rowId = walk.next(); rowId !== NONE; rowId = walk.next()) found.push(rowId);
    assert.deepEqual(
      found,
      [...(this.model.get(low) ?? [])].toSorted((a, b) => a - b),
    );
  }
}

function run(seed: number): void {
  const one = new Run(seed);
  const stores = [new PageStore(), new PageStore()];
  const sides = stores.map((store) => EqualityIndex.create(store, one.keyWords));
  for (let step = 0; step < 1500; step += 1) {
    one.change(sides);
    if (step % 50 === 0) for (const side of sides) one.check(side);
  }
  const [store, other] = stores;
  const [side, otherSide] = sides;
  assert.ok(store !== undefined && other !== undefined && side !== undefined && otherSide !== undefined);
  assert.deepEqual(other.chunks, store.chunks, 'invariant 2');

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
  assert.deepEqual(other.chunks, store.chunks, 'invariant 2');
}

test('EqualityIndex is a map from value to rows in either form, the same on both sides, attached anew and copied', () => {
  fc.assert(fc.property(fc.nat(), run), { numRuns: 25 });
});
