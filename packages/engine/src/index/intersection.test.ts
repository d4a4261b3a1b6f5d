import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { Bitmap } from './bitmap.ts';
import { BITMAP_VALUES_MAX } from './equality-index.ts';
import { Intersection } from './intersection.ts';
import { type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

const STATE = 0;
const SEAT = 1;
const PRICE = 2;
const NUMBER = 3;

/** Rows 1 to `count`: a state of 0 or 1, a seat of so many values that the tree of its index has some, a price that falls, a number. */
function tableOf(count: number): ModelTable {
  const table = new ModelTable(['equality', 'equality', 'ordered', 'ordered']);
  for (let rowId = 1; rowId <= count; rowId += 1) {
    table.set(rowId, rowId % 2, rowId % (BITMAP_VALUES_MAX + 16), 10_000 - rowId, rowId * 10);
  }
  return table;
}

const table = tableOf(800);

/** An intersection over `of`, and how many rows it has read. */
function intersectionOver(of: ModelTable): { intersection: Intersection; reads: () => number } {
  let reads = 0;
  const intersection = new Intersection((rowId, term) => {
    reads += 1;
    return of.test(rowId, term);
  });
  return { intersection, reads: () => reads };
}

function rest(intersection: Intersection): number[] {
  const rowIds: number[] = [];
  for (let rowId = intersection.next(); rowId !== NONE; rowId = intersection.next()) rowIds.push(rowId);
  assert.equal(intersection.next(), NONE);
  return rowIds;
}

function find(terms: readonly ModelTerm[], startRowId = 1, exclude?: Bitmap): number[] {
  const { intersection } = intersectionOver(table);
  intersection.begin(table, modelTerms(terms), exclude, startRowId);
  return rest(intersection);
}

function bitmapOf(...rowIds: number[]): Bitmap {
  const bitmap = Bitmap.create(new PageStore());
  for (const rowId of rowIds) bitmap.set(rowId);
  return bitmap;
}

test('Intersection.next() returns ascending row ids from the start round when bitmaps drive', () => {
  const states = new ModelTable(['equality', 'equality']);
  for (let rowId = 1; rowId <= 12; rowId += 1) states.set(rowId, rowId % 2, rowId % 3);
  const { intersection, reads } = intersectionOver(states);
  intersection.begin(states, modelTerms([{ field: 0, low: 1 }]), undefined, 6);
  assert.deepEqual(rest(intersection), [7, 9, 11, 1, 3, 5]);
  const both = modelTerms([
    { field: 0, low: 1 },
    { field: 1, low: 0 },
  ]);
  intersection.begin(states, both, undefined, 4);
  assert.deepEqual(rest(intersection), [9, 3]);
  intersection.begin(states, both, bitmapOf(9), 4);
  assert.deepEqual(rest(intersection), [3]);
  assert.equal(reads(), 0);
});

test('Intersection.next() returns a range by key, from the same part of it as the start is of the row ids, and round', () => {
  const price = { field: PRICE, low: 9200, high: 9203 };
  assert.deepEqual(find([price]), [800, 799, 798, 797]);
  assert.deepEqual(find([price], 401), [798, 797, 800, 799]);
  assert.deepEqual(find([price], 0xffff_ffff), [800, 799, 798, 797]);
  assert.deepEqual(find([price], 401, bitmapOf(800, 797)), [798, 799]);
  assert.deepEqual(find([{ field: NUMBER, low: 70 }], 500), [7]);
});

test('Intersection.next() filters a range by bitmaps, and reads rows only for the ranges that do not drive', () => {
  const { intersection, reads } = intersectionOver(table);
  const [price, state] = [
    { field: PRICE, low: 9200, high: 9209 },
    { field: STATE, low: 0 },
  ];
  intersection.begin(table, modelTerms([price, state]), undefined, 1);
  assert.deepEqual(rest(intersection), [800, 798, 796, 794, 792]);
  assert.equal(reads(), 0);
  intersection.begin(table, modelTerms([{ field: NUMBER, low: 0, high: 7940 }, price, state]), undefined, 1);
  assert.deepEqual(rest(intersection), [794, 792]);
  assert.equal(reads(), 5, 'only rows that the bitmap has');
});

test('Intersection.next() returns every row from the start round when there are no terms', () => {
  const sparse = tableOf(6);
  sparse.delete(2);
  sparse.delete(6);
  const { intersection } = intersectionOver(sparse);
  for (const [start, expected] of [
    [1, [1, 3, 4, 5]],
    [4, [4, 5, 1, 3]],
    [6, [1, 3, 4, 5]],
    [7, [1, 3, 4, 5]],
  ] as const) {
    intersection.begin(sparse, modelTerms([]), undefined, start);
    assert.deepEqual(rest(intersection), expected, `start ${start}`);
  }
  intersection.begin(sparse, modelTerms([]), bitmapOf(1, 5), 4);
  assert.deepEqual(rest(intersection), [4, 3]);
  assert.equal(intersection.count(sparse, modelTerms([])), 4);
  const empty = new ModelTable(['equality']);
  intersection.begin(empty, modelTerms([]), undefined, 1);
  assert.deepEqual(rest(intersection), []);
});

test('Intersection.explain() names the driver, and what each term does and is worth', () => {
  const { intersection } = intersectionOver(table);
  const explain = (...terms: ModelTerm[]): string => {
    const { driver, estimate, terms: explained } = intersection.explain(table, modelTerms(terms));
    return [`${driver} ${estimate}`, ...explained.map(({ fieldIndex, role, rows }) => `${fieldIndex} ${role} ${rows}`)].join(', ');
  };
  const free = { field: STATE, low: 0 };
  assert.equal(explain(), 'rows 800');
  assert.equal(explain(free), 'bitmaps 400, 0 drives 400');
  assert.equal(explain(free, { field: STATE, low: 1 }), 'bitmaps 400, 0 drives 400, 0 drives 400');
  assert.equal(explain({ field: SEAT, low: 5 }), 'bitmaps 10, 1 drives 10');
  assert.equal(explain({ field: SEAT, low: 70 }), 'ordered 10, 1 drives 10', 'a value in the tree of an equality index');
  assert.equal(explain(free, { field: SEAT, low: 5 }), 'bitmaps 10, 0 drives 400, 1 drives 10');
  assert.equal(explain(free, { field: SEAT, low: 70 }), 'ordered 10, 0 filters 400, 1 drives 10');
  assert.equal(explain(free, { field: STATE, low: 7 }), 'none 0, 0 filters 400, 0 filters 0', 'a value without rows');
  assert.equal(explain(free, { field: NUMBER, low: 9, high: 1 }), 'none 0, 0 filters 400, 3 filters 0', 'an inverted range');
  assert.equal(
    explain({ field: PRICE, low: 0, high: 9999 }, { field: NUMBER, low: 10, high: 30 }, { field: NUMBER, low: 10, high: 60 }),
    'ordered 3, 2 filters 800, 3 drives 3, 3 filters 6',
  );
});

test('Intersection drives by the smallest range until testing the rows of the smallest bitmap costs less than walking it', () => {
  const { intersection } = intersectionOver(table);
  const driver = (rows: number): string => {
    const terms = modelTerms([
      { field: SEAT, low: 5 },
      { field: NUMBER, low: 10, high: rows * 10 },
    ]);
    return intersection.explain(table, terms).driver;
  };
  assert.equal(driver(81), 'bitmaps');
  assert.equal(driver(80), 'ordered');
});

test('Intersection.count() and estimate() agree with what next() returns, whatever drives', () => {
  const { intersection, reads } = intersectionOver(table);
  const free = { field: STATE, low: 0 };
  const count = (...terms: ModelTerm[]): number => intersection.count(table, modelTerms(terms));
  assert.equal(count(), 800);
  assert.equal(count(free), 400);
  assert.equal(count(free, free), 400);
  assert.equal(count(free, { field: STATE, low: 1 }), 0);
  assert.equal(count(free, { field: STATE, low: 7 }), 0);
  assert.equal(count({ field: NUMBER, low: 15, high: 55 }), 4);
  assert.equal(count(free, { field: NUMBER, low: 15, high: 55 }), 2);
  assert.equal(reads(), 0);
  assert.equal(count(free, { field: NUMBER, low: 15, high: 4000 }), 200);
  assert.equal(reads(), 0);
  assert.equal(count({ field: SEAT, low: 5 }, { field: NUMBER, low: 15, high: 4000 }), 5);
  assert.equal(reads(), 10);
  const terms = modelTerms([free, { field: NUMBER, low: 15, high: 55 }]);
  assert.equal(intersection.estimate(table, terms), 4);
});

test('Intersection.begin() can be called before the end, with fewer terms, after changes, and over another table', () => {
  const changing = tableOf(40);
  const { intersection } = intersectionOver(changing);
  const [low, wide] = [
    { field: NUMBER, low: 0, high: 40 },
    { field: PRICE, low: 0, high: 9997 },
  ];
  intersection.begin(changing, modelTerms([low, wide, { field: STATE, low: 1 }, { field: SEAT, low: 3 }]), undefined, 1);
  assert.equal(intersection.next(), 3);
  intersection.begin(changing, modelTerms([low]), undefined, 1);
  assert.equal(intersection.next(), 1);
  changing.delete(3);
  intersection.begin(changing, modelTerms([low]), undefined, 1);
  assert.deepEqual(rest(intersection), [1, 2, 4]);
  intersection.begin(changing, modelTerms([{ field: STATE, low: 1 }]), undefined, 37);
  assert.deepEqual(rest(intersection).slice(0, 4), [37, 39, 1, 5]);
  intersection.begin(tableOf(3), modelTerms([low]), undefined, 1);
  assert.deepEqual(rest(intersection), [1, 2, 3]);
  intersection.begin(changing, modelTerms([low]), undefined, 1);
  assert.deepEqual(rest(intersection), [1, 2, 4]);
});

test('Intersection.begin() asserts that the start is a row id', () => {
  assert.throws(() => find([], 0), AssertionError);
});
