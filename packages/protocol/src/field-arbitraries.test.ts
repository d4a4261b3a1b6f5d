/** The values of each field type for the property tests of this folder. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { utf8SizeBytes } from './bytes-utf8.ts';
import { FLOAT32_MAX } from './field-check.ts';
import { DAYS_MAX, DAYS_MIN, formatDate } from './field-date.ts';
import { formatDecimal } from './field-decimal.ts';
import { TypeCode, type FieldType, type FieldValue, type IndexKind } from './field.ts';
import type { FieldDefinition } from './schema-types.ts';

/** A field type with its `length` or `scale`, and its values. */
export interface FieldSample {
  readonly type: FieldType;
  readonly length?: number;
  readonly scale?: number;
  readonly values: fc.Arbitrary<Exclude<FieldValue, null>>;
}

const MAX_63 = 2n ** 63n - 1n;

function integers(min: number, max: number): fc.Arbitrary<number> {
  const edges = [min, min + 1, -1, 0, 1, 255, 256, max - 1, max].filter((value) => value >= min && value <= max);
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(...edges));
}

function bigIntegers(min: bigint, max: bigint): fc.Arbitrary<bigint> {
  const edges = [min, min + 1n, -1n, 0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, max - 1n, max].filter((value) => value >= min && value <= max);
  return fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: min < 0n ? -1000n : 0n, max: 1000n }), fc.constantFrom(...edges));
}

function texts(length: number): fc.Arbitrary<string> {
  return fc
    .oneof(fc.string({ unit: 'grapheme-ascii', maxLength: length }), fc.string({ unit: 'binary', maxLength: length }))
    .filter((text) => utf8SizeBytes(text) <= length && !text.includes('\0'));
}

const uuids = fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom('8', '9', 'a', 'b')).map(([bytes, variant]) => {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
});

const plainSamples: readonly FieldSample[] = [
  { type: 'bool', values: fc.boolean() },
  { type: 'uint8', values: integers(0, 0xff) },
  { type: 'uint16', values: integers(0, 0xffff) },
  { type: 'uint32', values: integers(0, 0xffff_ffff) },
  { type: 'uint64', values: bigIntegers(0n, 2n ** 64n - 1n) },
  { type: 'int8', values: integers(-0x80, 0x7f) },
  { type: 'int16', values: integers(-0x8000, 0x7fff) },
  { type: 'int32', values: integers(-0x8000_0000, 0x7fff_ffff) },
  { type: 'int64', values: bigIntegers(-MAX_63 - 1n, MAX_63) },
  { type: 'float32', values: fc.float({ noNaN: true, noDefaultInfinity: true, min: -FLOAT32_MAX, max: FLOAT32_MAX }) },
  { type: 'float64', values: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { type: 'date', values: fc.integer({ min: DAYS_MIN, max: DAYS_MAX }).map(formatDate) },
  { type: 'datetime', values: fc.date({ noInvalidDate: true }) },
  { type: 'uuid_v7', values: uuids },
  { type: 'blob', values: fc.uint8Array({ maxLength: 20 }) },
];

/** Any field type with its values. */
export const fieldSamples: fc.Arbitrary<FieldSample> = fc.oneof(
  { weight: plainSamples.length, arbitrary: fc.constantFrom(...plainSamples) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 70 }).map((length): FieldSample => ({ type: 'fixed_string', length, values: texts(length) })),
  },
  {
    weight: 1,
    arbitrary: fc.nat(18).map((scale): FieldSample => ({
      type: 'accounting_numeric',
      scale,
      values: bigIntegers(-MAX_63 - 1n, MAX_63).map((scaled) => formatDecimal(scaled, scale)),
    })),
  },
);

/** The definition of a field for a sample. */
export function definitionOf({ type, length, scale }: FieldSample, more: { required?: boolean; index?: IndexKind }): FieldDefinition {
  const definition = { type, ...(length === undefined ? {} : { length }), ...(scale === undefined ? {} : { scale }), ...more };
  return definition as FieldDefinition;
}

test('fieldSamples reaches every field type', () => {
  const types = new Set(fc.sample(fieldSamples, { numRuns: 2000, seed: 1 }).map(({ type }) => type));
  assert.deepEqual([...types].toSorted(), Object.keys(TypeCode).toSorted());
});
