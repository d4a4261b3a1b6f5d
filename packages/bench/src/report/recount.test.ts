import assert from 'node:assert/strict';
import test from 'node:test';
import { type AcknowledgedSale, recount, type StoredRow } from './recount.ts';

/** Rows 1 to 4: buyers 11, 12 and 13 have the first three, the fourth is free. */
const ROWS: readonly StoredRow[] = [
  { rowId: 1, isBooked: true, buyer: 11 },
  { rowId: 2, isBooked: true, buyer: 12 },
  { rowId: 3, isBooked: true, buyer: 13 },
  { rowId: 4, isBooked: false, buyer: 0 },
];
const SALES: readonly AcknowledgedSale[] = [
  { buyer: 11, rowId: 1 },
  { buyer: 12, rowId: 2 },
  { buyer: 13, rowId: 3 },
];

const withRow = (changed: StoredRow): StoredRow[] => ROWS.map((row) => (row.rowId === changed.rowId ? changed : row));

test('recount() finds every acknowledged sale, and nothing else, where all is well', () => {
  assert.deepEqual(recount(SALES, [], ROWS), { verifiedSold: 3, doubleSold: 0, lost: 0, unknownSold: 0, free: 1 });
  assert.deepEqual(recount([], [], []), { verifiedSold: 0, doubleSold: 0, lost: 0, unknownSold: 0, free: 0 });
});

test('recount() notices a row that was acknowledged to two buyers (rule 2)', () => {
  const counted = recount([...SALES, { buyer: 14, rowId: 2 }], [], ROWS);
  assert.deepEqual(counted, { verifiedSold: 3, doubleSold: 1, lost: 0, unknownSold: 0, free: 1 });
  const overwritten = recount([...SALES, { buyer: 14, rowId: 2 }], [], withRow({ rowId: 2, isBooked: true, buyer: 14 }));
  assert.deepEqual(overwritten, { verifiedSold: 3, doubleSold: 1, lost: 0, unknownSold: 0, free: 1 });
});

test('recount() notices a sale whose row is free again, gone, or booked by somebody else (rule 1)', () => {
  const freed = recount(SALES, [], withRow({ rowId: 2, isBooked: false, buyer: 0 }));
  assert.deepEqual(freed, { verifiedSold: 2, doubleSold: 0, lost: 1, unknownSold: 0, free: 2 });
  const gone = recount(SALES, [], ROWS.slice(1));
  assert.deepEqual(gone, { verifiedSold: 2, doubleSold: 0, lost: 1, unknownSold: 0, free: 1 });
  const taken = recount(SALES, [], withRow({ rowId: 2, isBooked: true, buyer: 99 }));
  assert.deepEqual(taken, { verifiedSold: 2, doubleSold: 1, lost: 1, unknownSold: 0, free: 1 });
});

test('recount() notices a row booked by a buyer whom nobody knows (rule 3)', () => {
  const counted = recount(SALES, [], withRow({ rowId: 4, isBooked: true, buyer: 99 }));
  assert.deepEqual(counted, { verifiedSold: 3, doubleSold: 1, lost: 0, unknownSold: 0, free: 0 });
});

test('recount() notices a buyer who bought one row and has two (rule 3)', () => {
  const counted = recount(SALES, [], withRow({ rowId: 4, isBooked: true, buyer: 11 }));
  assert.deepEqual(counted, { verifiedSold: 3, doubleSold: 1, lost: 0, unknownSold: 0, free: 0 });
});

test('recount() lets an outcome that was never learned explain one row, the one asked for or any (rules 3 and 4)', () => {
  const booked = withRow({ rowId: 4, isBooked: true, buyer: 14 });
  const explained = { verifiedSold: 3, doubleSold: 0, lost: 0, unknownSold: 1, free: 0 };
  assert.deepEqual(recount(SALES, [{ buyer: 14, rowId: 4 }], booked), explained);
  assert.deepEqual(recount(SALES, [{ buyer: 14, rowId: 0 }], booked), explained);
  assert.equal(recount(SALES, [{ buyer: 14, rowId: 3 }], booked).doubleSold, 1);
  const twice = [...booked, { rowId: 5, isBooked: true, buyer: 14 }];
  const counted = recount(SALES, [{ buyer: 14, rowId: 0 }], twice);
  assert.deepEqual(counted, { ...explained, doubleSold: 1 });
});

test('recount() leaves an outcome that was never learned alone where nothing was written', () => {
  assert.deepEqual(recount(SALES, [{ buyer: 14, rowId: 4 }], ROWS), recount(SALES, [], ROWS));
});

test('recount() notices a row that the scan gives twice', () => {
  assert.equal(recount(SALES, [], [...ROWS, ...ROWS.slice(0, 1)]).doubleSold, 1);
});
