import assert from 'node:assert/strict';
import test from 'node:test';
import { makeItems, PRICES } from '../systems/items.ts';
import { countRows } from './hot-rows.ts';
import { TableTruth } from './item-table.ts';
import { percentileOf } from './percentiles.ts';
import { isExact } from './scenario.ts';

const SLOTS = 16;
/** Holder 1 was told that it has slot 1, holder 2 slot 2, holder 3 slot 1; holder 4 was told nothing. */
const TOLD = Uint8Array.of(1, 2, 1, 0);
const ROWS = Array.from({ length: SLOTS }, (_, index) => ({ slot: index + 1, taken: 0, holder: 0 }));
const STORED = ROWS.with(0, { slot: 1, taken: 2, holder: 3 }).with(1, { slot: 2, taken: 1, holder: 2 });

test('hot rows that were taken as often as writers were told are exact', () => {
  const recount = countRows(STORED, TOLD);
  assert.deepEqual(recount, { acknowledged: 3, verified: 3, lost: 0, wrong: 0 });
  assert(isExact(recount));
});

test('hot rows show a take that was lost, one too many, a holder who was not told so, and a row that is gone', () => {
  assert.deepEqual(countRows(STORED.with(0, { slot: 1, taken: 1, holder: 3 }), TOLD), { acknowledged: 3, verified: 2, lost: 1, wrong: 0 });
  assert.equal(countRows(STORED.with(1, { slot: 2, taken: 2, holder: 2 }), TOLD).wrong, 1);
  assert.equal(countRows(STORED.with(1, { slot: 2, taken: 1, holder: 4 }), TOLD).wrong, 1);
  assert(!isExact(countRows(STORED.slice(0, -1), TOLD)));
});

test('the truth about a table is what counting its items gives', () => {
  const items = makeItems(2000, 3);
  const truth = new TableTruth(items);
  const count = (isIt: (item: (typeof items)[number]) => boolean): number => items.filter(isIt).length;
  assert.equal(
    truth.between(250_000, 749_999),
    count(({ price }) => price >= 250_000 && price <= 749_999),
  );
  assert.equal(truth.between(0, PRICES - 1), 2000);
  for (const { category, region, status, price } of items.slice(0, 20)) {
    assert.equal(
      truth.ofCategory(category),
      count((item) => item.category === category),
    );
    assert.equal(
      truth.ofRegionAndStatus(region, status),
      count((item) => item.region === region && item.status === status),
    );
    assert.equal(
      truth.between(price, price),
      count((item) => item.price === price),
    );
  }
});

test('a percentile is a value that was there', () => {
  const sorted = Float64Array.of(1, 2, 3, 4);
  assert.deepEqual(
    [0, 0.25, 0.5, 0.51, 0.99, 1].map((share) => percentileOf(sorted, share)),
    [1, 1, 2, 3, 4, 4],
  );
});
