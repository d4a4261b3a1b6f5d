import assert from 'node:assert/strict';
import test from 'node:test';
import type { ErrorCode } from './errors.ts';
import { ByteWriter } from './bytes-writer.ts';
import type { FieldValue } from './field.ts';
import { decodeRow, encodeRow, validateRow } from './row-codec.ts';
import { rowLayoutOf } from './row-layout.ts';
import type { FieldDefinition } from './schema-types.ts';
import { defineTable } from './schema.ts';

/** A table of one field. */
function layoutOf(definition: FieldDefinition) {
  return rowLayoutOf(defineTable({ table: 't', fields: { f: definition } }));
}

function encoded(definition: FieldDefinition, value: unknown): string {
  const writer = new ByteWriter();
  encodeRow(layoutOf(definition), { f: value as FieldValue }, writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');
}

function decoded(definition: FieldDefinition, hex: string): FieldValue | undefined {
  const bytes = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const view = new DataView(bytes.buffer);
  const layout = layoutOf(definition);
  validateRow(layout, bytes, view, 0, bytes.length);
  return decodeRow(layout, bytes, view, 0, bytes.length).f;
}

test('a slot of each type has the bytes of the table in field.ts', () => {
  const cases: [FieldDefinition, FieldValue, string][] = [
    [{ type: 'bool' }, true, '01'],
    [{ type: 'uint8' }, 200, 'c8'],
    [{ type: 'uint16' }, 0x0102, '0201'],
    [{ type: 'uint32' }, 0xfffe_fdfc, 'fcfdfeff'],
    [{ type: 'uint64' }, 2n ** 64n - 2n, 'feffffffffffffff'],
    [{ type: 'int8' }, -2, 'fe'],
    [{ type: 'int16' }, -2, 'feff'],
    [{ type: 'int32' }, -2, 'feffffff'],
    [{ type: 'int64' }, -2n, 'feffffffffffffff'],
    [{ type: 'float32' }, 1.5, '0000c03f'],
    [{ type: 'float64' }, -0, '0000000000000080'],
    [{ type: 'fixed_string', length: 5 }, 'né', '6ec3a90000'],
    [{ type: 'date' }, '1970-01-02', '01000000'],
    [{ type: 'date' }, '1969-12-31', 'ffffffff'],
    [{ type: 'datetime' }, new Date(-1), 'ffffffffffffffff'],
    [{ type: 'datetime' }, new Date(2 ** 32 + 7), '0700000001000000'],
    [{ type: 'uuid_v7' }, '01980000-0001-7002-8003-00000000abcd', '0198000000017002800300000000abcd'],
    [{ type: 'accounting_numeric', scale: 2 }, '-1.29', '7fffffffffffffff'],
    [{ type: 'accounting_numeric', scale: 0 }, '9223372036854775807', 'ffffffffffffff7f'],
    [{ type: 'blob' }, Uint8Array.of(1, 2), '0800000002000000 0102'],
  ];
  for (const [definition, value, hex] of cases) {
    assert.equal(encoded(definition, value), hex.replaceAll(' ', ''), definition.type);
    assert.deepEqual(decoded(definition, hex), value, definition.type);
  }
});

test('a value outside of its type is refused with the code of what is wrong, naming field, value and bound', () => {
  const cases: [FieldDefinition, unknown, ErrorCode, RegExp][] = [
    [{ type: 'bool' }, 1, 'FieldOutOfRange', /field "f" \(bool\): value is 1, must be true or false/],
    [{ type: 'uint8' }, 256, 'FieldOutOfRange', /value is 256, must be an integer, 0 to 255/],
    [{ type: 'uint8' }, -1, 'FieldOutOfRange', /value is -1/],
    [{ type: 'uint16' }, 1.5, 'FieldOutOfRange', /value is 1.5, must be an integer/],
    [{ type: 'uint32' }, '7', 'FieldOutOfRange', /value is "7"/],
    [{ type: 'uint32' }, Number.NaN, 'NotANumber', /value is NaN, must be finite/],
    [{ type: 'int8' }, 128, 'FieldOutOfRange', /-128 to 127/],
    [{ type: 'int32' }, -(2 ** 31) - 1, 'FieldOutOfRange', /-2147483648 to 2147483647/],
    [{ type: 'uint64' }, 5, 'FieldOutOfRange', /value is 5, must be a bigint/],
    [{ type: 'uint64' }, -1n, 'FieldOutOfRange', /value is -1n/],
    [{ type: 'int64' }, 2n ** 63n, 'FieldOutOfRange', /9223372036854775807/],
    [{ type: 'float32' }, 1e39, 'FieldOutOfRange', /value is 1e\+39/],
    [{ type: 'float32' }, Number.POSITIVE_INFINITY, 'NotANumber', /Infinity/],
    [{ type: 'float64' }, Number.NaN, 'NotANumber', /NaN/],
    [{ type: 'float64' }, '1', 'FieldOutOfRange', /must be a number/],
    [{ type: 'fixed_string', length: 3 }, 'abcd', 'FieldOverflow', /size is 4 bytes, must be <= 3/],
    [{ type: 'fixed_string', length: 3 }, 'éé', 'FieldOverflow', /size is 4 bytes, must be <= 3/],
    [{ type: 'fixed_string', length: 9 }, '\ud83c', 'InvalidUtf8', /half of a surrogate pair/],
    [{ type: 'fixed_string', length: 9 }, 'a\0b', 'FieldOutOfRange', /U\+0000/],
    [{ type: 'fixed_string', length: 9 }, 7, 'FieldOutOfRange', /must be a text/],
    [{ type: 'date' }, '2026-02-30', 'FieldOutOfRange', /"2026-02-30", must be a date/],
    [{ type: 'date' }, new Date(0), 'FieldOutOfRange', /must be a date/],
    [{ type: 'datetime' }, new Date(Number.NaN), 'FieldOutOfRange', /an invalid Date, must be a valid Date/],
    [{ type: 'datetime' }, '2026-01-01', 'FieldOutOfRange', /must be a valid Date/],
    [{ type: 'uuid_v7' }, '01980000-0001-4002-8003-00000000abcd', 'FieldOutOfRange', /version 7 UUID/],
    [{ type: 'accounting_numeric', scale: 2 }, 1.5, 'FieldOutOfRange', /value is 1.5, must be a text of decimal digits/],
    [{ type: 'accounting_numeric', scale: 2 }, '1.555', 'FieldOutOfRange', /at most 2 decimals/],
    [{ type: 'accounting_numeric', scale: 2 }, `1${'0'.repeat(18)}`, 'FieldOutOfRange', /-92233720368547758.08 to 92233720368547758.07/],
    [{ type: 'blob' }, [1], 'FieldOutOfRange', /value is an array, must be a Uint8Array/],
    [{ type: 'blob' }, new Uint8Array(2 ** 20 + 1), 'FieldOverflow', /size is 1048577 bytes, must be <= 1048576/],
    [{ type: 'uint8' }, null, 'FieldRequired', /null or missing/],
    [{ type: 'uint8' }, undefined, 'FieldRequired', /null or missing/],
  ];
  for (const [definition, value, code, message] of cases) {
    assert.throws(() => encoded(definition, value), { name: 'KLaniError', code, message });
  }
});

test('a slot from outside that holds no value of its type is refused', () => {
  const cases: [FieldDefinition, string, ErrorCode, RegExp][] = [
    [{ type: 'bool' }, '02', 'FieldOutOfRange', /byte must be 0 or 1/],
    [{ type: 'float32' }, '0000c07f', 'NotANumber', /NaN/],
    [{ type: 'float32' }, '000080ff', 'NotANumber', /-Infinity/],
    [{ type: 'float64' }, '000000000000f07f', 'NotANumber', /Infinity/],
    [{ type: 'fixed_string', length: 4 }, '61006200', 'FieldOutOfRange', /byte 2 follows a zero/],
    [{ type: 'fixed_string', length: 4 }, '61c32800', 'InvalidUtf8', /3 bytes are not valid UTF-8/],
    [{ type: 'fixed_string', length: 2 }, 'e282', 'InvalidUtf8', /not valid/],
    [{ type: 'date' }, 'a1c02c00', 'FieldOutOfRange', /value is 2932897, its days must be -719162 to 2932896/],
    [{ type: 'date' }, '00000080', 'FieldOutOfRange', /-2147483648/],
    [{ type: 'datetime' }, 'ffffffffffffff7f', 'FieldOutOfRange', /milliseconds must be/],
    [{ type: 'datetime' }, '0100dcc208b21e00', 'FieldOutOfRange', /8640000000000001/],
    [{ type: 'uuid_v7' }, '00'.repeat(16), 'FieldOutOfRange', /version 7/],
    [{ type: 'blob' }, '0900000001000000 01', 'FieldOutOfRange', /offset is 9, must be 8/],
    [{ type: 'blob' }, '0800000002000000 01', 'FieldOutOfRange', /ends at 10, must be <= 9/],
    [{ type: 'blob' }, '0800000000000000 01', 'FieldCountMismatch', /size is 9 bytes, must be 8/],
    [{ type: 'blob' }, '08000000ffffffff', 'FieldOverflow', /4294967295 bytes, must be <= 1048576/],
  ];
  for (const [definition, hex, code, message] of cases) {
    assert.throws(() => decoded(definition, hex), { name: 'KLaniError', code, message }, `${definition.type} ${hex}`);
  }
});

test('the edges of dates and times are values', () => {
  for (const date of ['0001-01-01', '9999-12-31']) assert.equal(decoded({ type: 'date' }, encoded({ type: 'date' }, date)), date);
  for (const ms of [-8.64e15, 8.64e15, 0, -(2 ** 32)]) {
    assert.deepEqual(decoded({ type: 'datetime' }, encoded({ type: 'datetime' }, new Date(ms))), new Date(ms));
  }
});

test('a UUID in upper case is the same value as in lower case', () => {
  const upper = '01980000-0001-7ABC-8DEF-00000000ABCD';
  assert.equal(decoded({ type: 'uuid_v7' }, encoded({ type: 'uuid_v7' }, upper)), upper.toLowerCase());
});

test('a blob that is read is a copy', () => {
  const bytes = Buffer.from('08000000020000000102', 'hex');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { f: blob } = decodeRow(layoutOf({ type: 'blob' }), bytes, view, 0, bytes.length);
  bytes[8] = 9;
  assert.deepEqual(blob, Uint8Array.of(1, 2));
});
