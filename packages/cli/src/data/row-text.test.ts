import assert from 'node:assert/strict';
import test from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { rowFromJson, rowFromWords, rowToJson, valueText } from './row-text.ts';

const schema = defineTable({
  table: 'things',
  fields: {
    count: { type: 'uint32' },
    total: { type: 'uint64' },
    price: { type: 'accounting_numeric', scale: 2 },
    is_sold: { type: 'bool' },
    name: { type: 'fixed_string', length: 64, required: false },
    at: { type: 'datetime', required: false },
    picture: { type: 'blob', required: false },
  },
});

const row = {
  count: 3,
  total: 18_446_744_073_709_551_615n,
  price: '12.50',
  is_sold: true,
  name: 'ada',
  at: new Date('2026-12-31T20:00:00Z'),
  picture: Uint8Array.of(1, 2, 3),
};

test('a row in words becomes values of the fields’ types', () => {
  const words = [
    'count=3',
    'total=18446744073709551615',
    'price=12.50',
    'is_sold=true',
    'name=ada',
    'at=2026-12-31T20:00:00Z',
    'picture=AQID',
  ];
  assert.deepEqual(rowFromWords(schema, words), row);
});

test('in a word null is no value, and double quotes hold any text', () => {
  assert.deepEqual(rowFromWords(schema, ['name=null']), { name: null });
  assert.deepEqual(rowFromWords(schema, ['name="null"']), { name: 'null' });
  assert.deepEqual(rowFromWords(schema, ['name="a\\"b"']), { name: 'a"b' });
  assert.deepEqual(rowFromWords(schema, ['name=a=b']), { name: 'a=b' });
  assert.deepEqual(rowFromWords(schema, ['name=']), { name: '' });
});

test('integers beyond 2^53 are taken exactly, and told exactly where they are refused', () => {
  const total = 9_007_199_254_740_993n;
  assert.deepEqual(rowFromJson(schema, `{"total": ${total}}`), { total });
  assert.deepEqual(rowFromWords(schema, [`total=${total}`]), { total });
  assert.deepEqual(rowFromJson(schema, `{"count": ${total}}`), { count: total });
  assert.throws(() => rowFromJson(schema, `{"name": ${total}}`), {
    code: 'FieldOutOfRange',
    message: /value is 9007199254740993n, must be a text/,
  });
});

test('a row comes back from its JSON', () => {
  assert.deepEqual(rowFromJson(schema, JSON.stringify(rowToJson(row))), row);
});

test('what is no row is refused, with what there is', () => {
  assert.throws(() => rowFromJson(schema, '[1]'), { code: 'InvalidArgument', message: /is \[1\], must be a JSON object/ });
  assert.throws(() => rowFromJson(schema, '{"count": 1'), { code: 'InvalidArgument', message: /Cannot read JSON: \{"count": 1/ });
  assert.throws(() => rowFromJson(schema, '{"cuont": 1}'), {
    code: 'UnknownField',
    message: /no field "cuont"; its fields are count, total/,
  });
  assert.throws(() => rowFromJson(schema, '{"count": "three"}'), { code: 'FieldOutOfRange' });
  assert.throws(() => rowFromWords(schema, ['count']), { code: 'InvalidArgument', message: /count must be field=value/ });
  assert.throws(() => rowFromWords(schema, ['count=1', 'count=2']), { code: 'InvalidArgument', message: /given twice/ });
});

test('a value for people is one line that cannot reach the terminal’s controls', () => {
  assert.equal(valueText('red\u001b[31m\nnext\r\u202e'), 'red\\u001b[31m next\\u000d\\u202e');
  assert.equal(valueText(null), 'null');
  assert.equal(valueText('x'.repeat(1000)).length, 120);
});
