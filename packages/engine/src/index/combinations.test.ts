import assert from 'node:assert/strict';
import test from 'node:test';
import { NONE } from '../memory/none.ts';
import { Combinations } from './combinations.ts';
import { BITMAP_VALUES_MAX } from './equality-index.ts';
import { Intersection } from './intersection.ts';
import { type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

/** A table that tells what it remembers of every change, and what can be asked of it. */
class Remembering {
  readonly combinations = new Combinations();
  readonly table = new ModelTable(['equality', 'equality', 'ordered'], (rowId, before, after) =>
    this.combinations.changed(rowId, before, after),
  );
  readonly walk = new Intersection((rowId, term) => this.table.test(rowId, term));

  find(terms: readonly ModelTerm[]): number {
    return this.combinations.find(this.table, modelTerms(terms), this.walk);
  }

  count(terms: readonly ModelTerm[]): number {
    return this.combinations.countOf(this.table, modelTerms(terms), this.walk);
  }
}

const both = (a: number, b: number): ModelTerm[] => [
  { field: 0, low: a },
  { field: 1, low: b },
];

test('Combinations.find() returns the first row id that meets all terms, and countOf() how many do, as rows come and go', () => {
  const one = new Remembering();
  const { table } = one;
  for (let rowId = 1; rowId <= 400; rowId += 1) table.set(rowId, rowId < 180 ? 0 : 1, 5, rowId);
  const seen = (): number[] => [one.find(both(1, 5)), one.count(both(1, 5))];
  assert.deepEqual(seen(), [180, 221]);
  table.set(180, 0, 5, 180);
  table.delete(181);
  assert.deepEqual(seen(), [182, 219]);
  table.set(40, 1, 6, 40);
  assert.deepEqual(seen(), [182, 219]);
  table.set(40, 1, 5, 40);
  assert.deepEqual(seen(), [40, 220]);
  table.set(40, 1, 6, 40);
  assert.deepEqual(seen(), [182, 219]);
  for (let rowId = 1; rowId <= 400; rowId += 1) table.set(rowId, 0, 5, rowId);
  assert.deepEqual(seen(), [NONE, 0]);
  table.set(30, 1, 5, 30);
  table.set(20, 1, 5, 20);
  assert.deepEqual(seen(), [20, 2]);
});

test('Combinations answer alike for terms in any order, and said twice; two values of one field exclude each other', () => {
  const one = new Remembering();
  for (let rowId = 1; rowId <= 400; rowId += 1) one.table.set(rowId, rowId % 2, rowId % 3, rowId);
  const [a, b] = both(1, 2);
  assert.ok(a !== undefined && b !== undefined);
  for (const terms of [
    [a, b],
    [b, a],
    [b, a, b],
  ]) {
    assert.deepEqual([one.find(terms), one.count(terms)], [5, 66]);
  }
  assert.deepEqual([one.find([a, { field: 0, low: 0 }]), one.count([a, { field: 0, low: 0 }])], [NONE, 0]);
});

test('Combinations know nothing of a single term; beside a range, where its equalities begin but not how many rows there are', () => {
  const one = new Remembering();
  for (let rowId = 1; rowId <= 1000; rowId += 1) one.table.set(rowId, rowId < 500 ? 0 : 1, 1, rowId);
  const range = { field: 2, low: 700, high: 900 };
  assert.deepEqual([one.find([]), one.count([])], [1, NONE]);
  assert.deepEqual([one.find([{ field: 0, low: 1 }]), one.count([{ field: 0, low: 1 }])], [1, NONE]);
  assert.deepEqual([one.find([{ field: 0, low: 1 }, range]), one.count([{ field: 0, low: 1 }, range])], [1, NONE]);
  assert.deepEqual([one.find([...both(1, 1), range]), one.count([...both(1, 1), range])], [500, NONE]);
});

test('Combinations do not walk over rows again that they have walked over, whichever of thousands is asked for', () => {
  const one = new Remembering();
  const values = 400;
  let steps = 0;
  const walk = new Intersection((rowId, term) => one.table.test(rowId, term));
  const counting = Object.assign(walk, {});
  const next = walk.next.bind(walk);
  counting.next = () => {
    steps += 1;
    return next();
  };
  for (let rowId = 1; rowId <= values * 100; rowId += 1) one.table.set(rowId, 1, rowId % values, rowId);
  assert.ok(values > BITMAP_VALUES_MAX);
  for (let sold = 0; sold < 10; sold += 1) {
    for (let value = 0; value < values; value += 1) {
      const rowId = one.combinations.find(one.table, modelTerms(both(1, value)), counting);
      assert.equal(rowId % values, value);
      one.table.set(rowId, 0, value, rowId);
    }
  }
  assert.equal(steps, values * 10);
});
