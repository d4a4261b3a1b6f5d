import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ByteWriter } from './bytes-writer.ts';
import { definitionOf, fieldSamples } from './field-arbitraries.test.ts';
import type { FieldType, FieldValue } from './field.ts';
import { compareKeys, decrementKey, incrementKey, keyFromSlot, keyWordsOf } from './key.ts';
import { encodeFieldSlot } from './row-field-slot.ts';
import { fieldLayoutAt, rowLayoutOf, type RowLayout } from './row-layout.ts';
import { defineTable } from './schema.ts';

/** The order of values as people see it: nulls first, numbers by size, texts by code points. */
function compareValues(a: FieldValue, b: FieldValue, type: FieldType, scale: number): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (type === 'accounting_numeric') return order(scaledOf(String(a), scale), scaledOf(String(b), scale));
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Date && b instanceof Date) return order(a.getTime(), b.getTime());
  if (typeof a === 'number' && typeof b === 'number') return type === 'float32' ? order(Math.fround(a), Math.fround(b)) : order(a, b);
  if (typeof a === 'bigint' && typeof b === 'bigint') return order(a, b);
  return order(Number(a), Number(b));
}

function order(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function scaledOf(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const magnitude = BigInt(whole + fraction.padEnd(scale, '0'));
  return text.startsWith('-') ? -magnitude : magnitude;
}

function keyOf(layout: RowLayout, value: FieldValue): Uint32Array {
  const { field } = fieldLayoutAt(layout, 0);
  const slot = new ByteWriter();
  encodeFieldSlot(layout, 0, value, slot);
  const key = new Uint32Array(keyWordsOf(field));
  keyFromSlot(field, slot.view, 1, slot.bytes[0] === 1, key, 0);
  return key;
}

test('the order of keys is the order of the values, for every type, and equal values have equal keys', () => {
  const pairs = fieldSamples
    .filter(({ type }) => type !== 'blob')
    .chain((sample) =>
      fc.boolean().chain((required) => {
        const values = required ? sample.values : fc.option(sample.values);
        return fc.record({ sample: fc.constant(sample), required: fc.constant(required), a: values, b: fc.oneof(values, values) });
      }),
    );
  fc.assert(
    fc.property(pairs, ({ sample, required, a, b }) => {
      const layout = rowLayoutOf(defineTable({ table: 't', fields: { f: definitionOf(sample, { required }) } }));
      const [keyA, keyB] = [keyOf(layout, a), keyOf(layout, b)];
      const byKey = Math.sign(compareKeys(keyA, 0, keyB, 0, keyA.length));
      assert.equal(byKey, compareValues(a, b, sample.type, sample.scale ?? 0));
      assert.equal(compareKeys(keyA, 0, keyOf(layout, a), 0, keyA.length), 0);
    }),
    { numRuns: 3000 },
  );
});

test('incrementKey() gives the next key and decrementKey() takes it back', () => {
  const words = fc.array(fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, 0xffff_fffe, 0xffff_ffff)), { minLength: 1, maxLength: 4 });
  const numberOf = (key: Uint32Array) => key.reduce((sum, word) => sum * 2n ** 32n + BigInt(word), 0n);
  fc.assert(
    fc.property(words, (start) => {
      const key = Uint32Array.from(start);
      const before = numberOf(key);
      const isLast = before === 2n ** (32n * BigInt(key.length)) - 1n;
      assert.equal(incrementKey(key, 0, key.length), !isLast);
      assert.equal(numberOf(key), isLast ? before : before + 1n);
      if (!isLast) assert.ok(decrementKey(key, 0, key.length));
      assert.equal(numberOf(key), before);
    }),
    { numRuns: 500 },
  );
});
