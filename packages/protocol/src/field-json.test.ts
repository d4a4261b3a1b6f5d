import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { fieldSamples } from './field-arbitraries.test.ts';
import { exactNumber, fieldValueFromJson, fieldValueFromText, fieldValueToJson } from './field-json.ts';
import type { FieldType } from './field.ts';

const fieldOf = (type: FieldType) => ({ name: 'f', type });

test('fieldValueFromJson() gives back every value, but for the sign of 0', () => {
  fc.assert(
    fc.property(
      fieldSamples.chain((sample) => fc.tuple(fc.constant(sample), sample.values)),
      ([{ type }, value]) => {
        const json: unknown = JSON.parse(JSON.stringify(fieldValueToJson(value)));
        assert.deepEqual(fieldValueFromJson(fieldOf(type), json), Object.is(value, -0) ? 0 : value);
      },
    ),
  );
  assert.equal(fieldValueToJson(null), null);
  assert.equal(fieldValueFromJson(fieldOf('uint8'), null), null);
});

test('fieldValueFromJson() refuses what is not a form of the type', () => {
  const cases: [FieldType, unknown][] = [
    ['bool', 1],
    ['uint8', '1'],
    ['float64', '1.5'],
    ['uint64', 1.5],
    ['uint64', 2 ** 53],
    ['int64', '1x'],
    ['fixed_string', 5],
    ['datetime', 'yesterday'],
    ['datetime', '2026-12-31'],
    ['datetime', '2026-12-31T20:00:00'],
    ['blob', '?'],
    ['blob', 'AQ'],
    ['date', undefined],
    ['uuid_v7', {}],
  ];
  for (const [type, json] of cases) {
    assert.throws(() => fieldValueFromJson(fieldOf(type), json), { code: 'FieldOutOfRange', message: /^Cannot accept field "f"/ });
  }
});

test('integers that a number does not hold exactly stay what they are, or are refused as they were given', () => {
  assert.equal(exactNumber('9007199254740991'), Number.MAX_SAFE_INTEGER);
  assert.equal(exactNumber('-9007199254740993'), -9_007_199_254_740_993n);
  assert.equal(exactNumber('9007199254740993.0'), 9_007_199_254_740_992);
  assert.equal(fieldValueFromJson(fieldOf('uint64'), 9_007_199_254_740_993n), 9_007_199_254_740_993n);
  assert.equal(fieldValueFromJson(fieldOf('float64'), 9_007_199_254_740_993n), 9_007_199_254_740_992);
  assert.equal(fieldValueFromText(fieldOf('uint32'), '9007199254740993'), 9_007_199_254_740_993n);
});

test('fieldValueFromText() reads what a person types', () => {
  assert.equal(fieldValueFromText(fieldOf('bool'), 'true'), true);
  assert.equal(fieldValueFromText(fieldOf('uint32'), '42'), 42);
  assert.equal(fieldValueFromText(fieldOf('float64'), '-1.5e3'), -1500);
  assert.equal(fieldValueFromText(fieldOf('int64'), '-42'), -42n);
  assert.equal(fieldValueFromText(fieldOf('fixed_string'), '42'), '42');
  assert.deepEqual(fieldValueFromText(fieldOf('datetime'), '2026-12-31T20:00:00Z'), new Date(Date.UTC(2026, 11, 31, 20)));
  for (const text of ['', ' ', '1,5', '0x10', 'Infinity']) {
    assert.throws(() => fieldValueFromText(fieldOf('uint32'), text), { code: 'FieldOutOfRange' });
  }
});
