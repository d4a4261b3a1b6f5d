import assert from 'node:assert/strict';
import test from 'node:test';
import { expectIndexed, fieldLayoutAt, fieldPositionOf, rowLayoutOf } from './row-layout.ts';
import { defineTable } from './schema.ts';

const layout = rowLayoutOf(
  defineTable({
    table: 'seats',
    fields: {
      rank: { type: 'uint32', index: 'non_unique' },
      price: { type: 'uint32', index: 'ordered' },
      seat_no: { type: 'uint16', index: 'unique' },
      note: { type: 'fixed_string', length: 5, required: false },
      plan: { type: 'blob', required: false },
    },
  }),
);

test('rowLayoutOf() puts null bits first and then the slots without gaps', () => {
  assert.deepEqual(
    layout.fields.map(({ name, offset, sizeBytes, nullOffset, nullMask }) => [name, offset, sizeBytes, nullOffset, nullMask]),
    [
      ['rank', 1, 4, 0, 0],
      ['price', 5, 4, 0, 0],
      ['seat_no', 9, 2, 0, 0],
      ['note', 11, 5, 0, 1],
      ['plan', 16, 8, 0, 2],
    ],
  );
  assert.equal(layout.nullBitsSizeBytes, 1);
  assert.equal(layout.nullBitsUnusedMask, 0b1111_1100);
  assert.equal(layout.fixedSizeBytes, 24);
  assert.equal(layout.hasBlobs, true);
});

test('a ninth field that is not required takes a second byte of null bits', () => {
  const fields = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`f${index}`, { type: 'bool', required: false } as const]));
  const wide = rowLayoutOf(defineTable({ table: 't', fields }));
  assert.deepEqual([wide.nullBitsSizeBytes, wide.nullBitsUnusedMask, wide.fixedSizeBytes], [2, 0b1111_1110, 11]);
  assert.deepEqual([wide.fields[8]?.nullOffset, wide.fields[8]?.nullMask, wide.fields[0]?.offset], [1, 1, 2]);
});

test('a field that is not there is UnknownField, by name and by number', () => {
  assert.equal(fieldPositionOf(layout, 'price'), 1);
  assert.equal(fieldLayoutAt(layout, 1).name, 'price');
  assert.throws(() => fieldPositionOf(layout, 'toString'), {
    code: 'UnknownField',
    message: /field "toString" in table "seats": its fields are rank, price/,
  });
  for (const position of [-1, 5, 0.5]) {
    assert.throws(() => fieldLayoutAt(layout, position), { code: 'UnknownField', message: /must be 0 to 4/ });
  }
});

test('expectIndexed() refuses a term without an index for it, and says which index would do', () => {
  const ask = (name: string, term: 'equality' | 'range') =>
    expectIndexed(layout, fieldLayoutAt(layout, fieldPositionOf(layout, name)).field, term);
  for (const name of ['rank', 'price', 'seat_no']) ask(name, 'equality');
  for (const name of ['price', 'seat_no']) ask(name, 'range');
  assert.throws(() => ask('note', 'equality'), {
    code: 'FieldNotIndexed',
    message: 'Cannot ask field "note" of table "seats" for equality: it has no index',
  });
  assert.throws(() => ask('rank', 'range'), {
    code: 'FieldNotIndexed',
    message: /non_unique, which answers equality only: declare it as index: ordered/,
  });
});
