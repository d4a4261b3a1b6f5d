import assert from 'node:assert/strict';
import test from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { termsFromWords } from './term-text.ts';

const schema = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    price: { type: 'accounting_numeric', scale: 2, index: 'ordered' },
    buyer: { type: 'fixed_string', length: 64, index: 'ordered', required: false },
  },
});

test('words become terms, and two bounds of a field one range', () => {
  assert.deepEqual(termsFromWords(schema, ['rank=3']), [{ field: 'rank', eq: 3 }]);
  assert.deepEqual(termsFromWords(schema, ['price<=100', 'rank=3', 'price > 20']), [
    { field: 'rank', eq: 3 },
    { field: 'price', gt: '20', lte: '100' },
  ]);
  assert.deepEqual(termsFromWords(schema, ['price>=1', 'price<2']), [{ field: 'price', gte: '1', lt: '2' }]);
  assert.deepEqual(termsFromWords(schema, ['buyer=null']), [{ field: 'buyer', eq: null }]);
  assert.deepEqual(termsFromWords(schema, ['buyer="null"']), [{ field: 'buyer', eq: 'null' }]);
  assert.deepEqual(termsFromWords(schema, ['buyer=a<b']), [{ field: 'buyer', eq: 'a<b' }]);
  assert.deepEqual(termsFromWords(schema, []), []);
});

test('what is no term is refused', () => {
  assert.throws(() => termsFromWords(schema, ['rank']), { code: 'InvalidArgument', message: /is "rank", must be field=value/ });
  assert.throws(() => termsFromWords(schema, ['rank!=3']), { code: 'InvalidArgument' });
  assert.throws(() => termsFromWords(schema, ['row=3']), { code: 'UnknownField' });
  assert.throws(() => termsFromWords(schema, ['rank=x']), { code: 'FieldOutOfRange' });
  assert.throws(() => termsFromWords(schema, ['price<1', 'price<=2']), { code: 'InvalidArgument', message: /two upper bounds/ });
  assert.throws(() => termsFromWords(schema, ['buyer>null']), { code: 'InvalidArgument', message: /ask "buyer=null"/ });
});
