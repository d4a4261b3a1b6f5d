import assert from 'node:assert/strict';
import test from 'node:test';
import { NONE } from '../memory/none.ts';
import { BITMAP_VALUES_MAX } from './equality-index.ts';
import { FirstMatches, hashOfTerms } from './first-matches.ts';
import { MODEL_KEY_WORDS, type ModelTerm, ModelTable, modelTerms } from './model-table.fixture.ts';

/** A table that tells `first` what is added. */
function tableFor(first: FirstMatches): ModelTable {
  return new ModelTable(['equality', 'equality', 'ordered'], (field, key, rowId) => first.added(field, key, MODEL_KEY_WORDS, rowId));
}

const both = (a: number, b: number): ModelTerm[] => [
  { field: 0, low: a },
  { field: 1, low: b },
];

test('FirstMatches.find() returns the first row id that meets all terms, as rows are added and removed', () => {
  const first = new FirstMatches();
  const table = tableFor(first);
  const find = (): number => first.find(table, modelTerms(both(1, 5)));
  assert.equal(find(), NONE);
  for (let rowId = 1; rowId <= 100; rowId += 1) table.set(rowId, rowId < 80 ? 0 : 1, 5, rowId);
  assert.equal(find(), 80);
  table.set(80, 0, 5, 80);
  table.delete(81);
  assert.equal(find(), 82);
  table.set(40, 1, 6, 40);
  assert.equal(find(), 82);
  table.set(40, 1, 5, 40);
  assert.equal(find(), 40);
  table.set(40, 1, 6, 40);
  assert.equal(find(), 82);
});

test('FirstMatches.find() returns none while no row meets all terms, and a row that then comes to', () => {
  const first = new FirstMatches();
  const table = tableFor(first);
  for (let rowId = 1; rowId <= 100; rowId += 1) table.set(rowId, rowId % 2, rowId % 2, rowId);
  const terms = modelTerms(both(0, 1));
  assert.equal(first.find(table, terms), NONE);
  assert.equal(first.find(table, terms), NONE);
  table.set(30, 0, 1, 30);
  table.set(20, 0, 1, 20);
  assert.equal(first.find(table, terms), 20);
});

test('FirstMatches.find() returns 1 where it does not know: a single term, a range, an index without bitmaps', () => {
  const first = new FirstMatches();
  const table = tableFor(first);
  for (let rowId = 1; rowId <= 10; rowId += 1) table.set(rowId, 0, 0, rowId);
  table.set(11, 1, 1, 11);
  assert.equal(first.find(table, modelTerms([])), 1);
  assert.equal(first.find(table, modelTerms([{ field: 0, low: 1 }])), 1);
  assert.equal(first.find(table, modelTerms([...both(1, 1), { field: 2, low: 11 }])), 1);
  assert.equal(first.find(table, modelTerms([...both(1, 1), { field: 2, low: 11, high: 12 }])), 1);
  assert.equal(first.find(table, modelTerms(both(1, 1))), 11);
  for (let value = 0; value <= BITMAP_VALUES_MAX; value += 1) table.set(100 + value, value, 0, 0);
  assert.equal(first.find(table, modelTerms(both(1, 1))), 1);
});

test('FirstMatches tells combinations with the same hash apart', () => {
  const first = new FirstMatches();
  const table = tableFor(first);
  const [one, other] = [both(150, 897), both(153, 894)];
  assert.equal(hashOfTerms(modelTerms(one)), hashOfTerms(modelTerms(other)));
  const set = (rowId: number, terms: readonly ModelTerm[]): void => table.set(rowId, terms[0]?.low ?? 0, terms[1]?.low ?? 0, 0);
  for (let rowId = 1; rowId <= 40; rowId += 1) set(rowId, rowId % 2 === 0 ? one : other);
  for (let rowId = 1; rowId <= 20; rowId += 1) table.delete(rowId);
  const check = (inOne: number, inOther: number): void => {
    for (let round = 0; round < 2; round += 1) {
      assert.equal(first.find(table, modelTerms(one)), inOne);
      assert.equal(first.find(table, modelTerms(other)), inOther);
    }
  };
  check(22, 21);
  set(8, other);
  check(22, 8);
  set(8, one);
  set(5, other);
  check(8, 5);
});

test('FirstMatches gives small numbers in few fields hashes of their own, so that none takes the place of another', () => {
  const hashes = new Set<number>();
  const list = modelTerms(both(0, 0));
  for (const [fieldA, fieldB] of [
    [0, 1],
    [1, 0],
    [0, 2],
    [3, 5],
  ] as const) {
    const [a, b] = [list.at(0), list.at(1)];
    [a.fieldIndex, b.fieldIndex] = [fieldA, fieldB];
    [a.keyWords, b.keyWords] = [1, 1];
    for (let pair = 0; pair < BITMAP_VALUES_MAX ** 2; pair += 1) {
      a.low[0] = pair >>> 6;
      b.low[0] = pair & 63;
      hashes.add(hashOfTerms(list));
    }
  }
  assert.equal(hashes.size, 4 * BITMAP_VALUES_MAX ** 2);
});
