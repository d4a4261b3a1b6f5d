import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import { rowLayoutOf, type RowLayout } from '../row-layout.ts';
import type { DynamicSchema, TermOf } from '../schema-types.ts';
import { defineTable } from '../schema.ts';
import { decodeTerm, decodeTerms, encodeTerm, encodeTerms, NO_SLOT, TermForm } from './term.ts';

const LAYOUT: RowLayout = rowLayoutOf(
  defineTable({
    table: 'rooms',
    fields: {
      price: { type: 'uint32', index: 'ordered', required: false },
      hotel: { type: 'uint8', index: 'non_unique' },
      picture: { type: 'blob', required: false },
    },
  }),
);

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

/** The bytes of a term from what a program in JavaScript may give, types or not. */
function encoded(term: unknown): number[] {
  const writer = new ByteWriter();
  encodeTerm(writer, LAYOUT, term as TermOf<DynamicSchema>);
  return [...writer.bytes.subarray(0, writer.length)];
}

function readerOf(...bytes: readonly number[]): ByteReader {
  const array = Uint8Array.from(bytes);
  return new ByteReader(array, new DataView(array.buffer), 0, array.length, 'payload');
}

test('encodeTerm() writes each condition as its form and slots', () => {
  assert.deepEqual(encoded({ field: 'hotel', eq: 5 }), [1, 0, TermForm.equal, 1, 5]);
  assert.deepEqual(encoded({ field: 'price', eq: null }), [0, 0, TermForm.equal, 0]);
  assert.deepEqual(encoded({ field: 'price', gte: 1 }), [0, 0, TermForm.low, 1, 1, 0, 0, 0]);
  assert.deepEqual(encoded({ field: 'price', gt: 1 }), [0, 0, TermForm.low | TermForm.lowExclusive, 1, 1, 0, 0, 0]);
  assert.deepEqual(encoded({ field: 'price', lte: 2 }), [0, 0, TermForm.high, 1, 2, 0, 0, 0]);
  assert.deepEqual(encoded({ field: 'price', gte: 1, lt: 2 }), [0, 0, 13, 1, 1, 0, 0, 0, 1, 2, 0, 0, 0]);
});

test('decodeTerm() gives the place of each slot, checked', () => {
  assert.deepEqual(decodeTerm(readerOf(1, 0, 0, 1, 5), LAYOUT), { field: 1, form: 0, lowOffset: 3, highOffset: NO_SLOT });
  const range = decodeTerm(readerOf(0, 0, 13, 1, 1, 0, 0, 0, 1, 2, 0, 0, 0), LAYOUT);
  assert.deepEqual(range, { field: 0, form: 13, lowOffset: 3, highOffset: 8 });
  const upper = decodeTerm(readerOf(0, 0, 4, 1, 2, 0, 0, 0), LAYOUT);
  assert.deepEqual(upper, { field: 0, form: 4, lowOffset: NO_SLOT, highOffset: 3 });
});

test('encodeTerm() refuses terms without exactly one meaning', () => {
  assert.throws(() => encoded({ field: 'price' }), refusal('InvalidArgument', /"price": it has no condition/));
  assert.throws(() => encoded({ field: 'price', eq: undefined }), refusal('InvalidArgument', /it has no condition/));
  assert.throws(() => encoded({ field: 'price', eq: 1, lt: 2 }), refusal('InvalidArgument', /it has eq and a bound/));
  assert.throws(() => encoded({ field: 'price', gt: 1, gte: 2 }), refusal('InvalidArgument', /two bounds on one side/));
  assert.throws(() => encoded({ field: 'price', lt: 1, lte: 2 }), refusal('InvalidArgument', /two bounds on one side/));
});

test('a bound that is null is refused by both sides', () => {
  assert.throws(() => encoded({ field: 'price', lt: null }), refusal('InvalidArgument', /"price": a bound is null/));
  assert.throws(() => decodeTerm(readerOf(0, 0, TermForm.high, 0), LAYOUT), refusal('InvalidArgument', /"price": a bound is null/));
});

test('a field that is unknown, a blob or of another type is refused by both sides', () => {
  assert.throws(() => encoded({ field: 'stars', eq: 5 }), refusal('UnknownField', /"stars"/));
  assert.throws(() => encoded({ field: 'picture', eq: null }), refusal('Unsupported', /"picture"/));
  assert.throws(() => encoded({ field: 'hotel', eq: 256 }), refusal('FieldOutOfRange', /256/));
  assert.throws(() => encoded({ field: 'hotel', eq: null }), refusal('FieldRequired', /"hotel"/));
  assert.throws(() => decodeTerm(readerOf(3, 0, 0, 0), LAYOUT), refusal('UnknownField', /field number is 3, must be 0 to 2/));
  assert.throws(() => decodeTerm(readerOf(2, 0, 0, 0), LAYOUT), refusal('Unsupported', /"picture"/));
  assert.throws(() => decodeTerm(readerOf(1, 0, 0, 0), LAYOUT), refusal('FieldRequired', /"hotel"/));
});

test('decodeTerm() refuses forms that rule 1 does not allow', () => {
  for (let form = 0; form < 256; form += 1) {
    const low = (form & TermForm.low) === 0 ? [] : [1, 1, 0, 0, 0];
    const high = (form & TermForm.high) === 0 ? [] : [1, 2, 0, 0, 0];
    const reader = readerOf(0, 0, form, ...low, ...high);
    if ([1, 3, 4, 12, 5, 7, 13, 15].includes(form)) assert.equal(decodeTerm(reader, LAYOUT).form, form);
    else assert.throws(() => decodeTerm(reader, LAYOUT), refusal('Protocol', form === 0 ? /cut short/ : new RegExp(`form is ${form}`)));
  }
});

test('more than 16 terms are refused by both sides', () => {
  const terms = Array.from({ length: 17 }, () => ({ field: 'hotel', eq: 1 }));
  assert.throws(() => encodeTerms(new ByteWriter(), LAYOUT, terms), refusal('InvalidArgument', /count of terms is 17, .* 0 to 16/));
  assert.throws(() => decodeTerms(readerOf(17), LAYOUT), refusal('InvalidArgument', /count of terms is 17/));
});
