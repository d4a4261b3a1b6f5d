import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { formatDecimal, parseDecimal } from './field-decimal.ts';

const INT64_MAX = 2n ** 63n - 1n;

test('formatDecimal() and parseDecimal() are exact over 64 bits, for numbers and bigints alike', () => {
  const scaledValue = fc.oneof(fc.bigInt({ min: -INT64_MAX - 1n, max: INT64_MAX }), fc.bigInt({ min: -1000n, max: 1000n }));
  fc.assert(
    fc.property(scaledValue, fc.nat(18), (scaled, scale) => {
      const text = formatDecimal(scaled, scale);
      const parsed = parseDecimal(text, scale);
      assert.ok(typeof parsed !== 'string', String(parsed));
      assert.equal(BigInt(parsed), scaled);
      if (BigInt(Number(scaled)) === scaled && Number.isSafeInteger(Number(scaled)))
        assert.equal(formatDecimal(Number(scaled), scale), text);
      assert.equal(text.split('.')[1]?.length ?? 0, scale);
    }),
  );
});

test('parseDecimal() pads missing decimals and takes no sign for zero', () => {
  assert.equal(parseDecimal('129.9', 2), 12_990);
  assert.equal(parseDecimal('129', 2), 12_900);
  assert.equal(parseDecimal('-0.00', 2), 0);
  assert.ok(Object.is(parseDecimal('-0.00', 2), 0));
  assert.equal(formatDecimal(-5, 2), '-0.05');
  assert.equal(formatDecimal(0, 0), '0');
});

test('parseDecimal() says what is wrong with a text', () => {
  for (const text of [
    '',
    '-',
    '.',
    '1.',
    '.5',
    '1e3',
    '+1',
    ' 1',
    '1 ',
    '0x1',
    '1,5',
    '1.2.3',
    '--1',
    'NaN',
    '1.-5',
    '-.5',
    '1'.repeat(50),
  ]) {
    assert.equal(parseDecimal(text, 2), 'not_a_decimal', text);
  }
  assert.equal(parseDecimal('1.234', 2), 'too_many_decimals');
  assert.equal(parseDecimal('1.0', 0), 'too_many_decimals');
  assert.equal(parseDecimal('92233720368547758.08', 2), 'out_of_range');
  assert.equal(parseDecimal('-92233720368547758.08', 2), -(2n ** 63n));
});
