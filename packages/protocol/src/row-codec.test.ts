import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter } from './bytes-writer.ts';
import type { ErrorCode } from './errors.ts';
import { decodeField, decodeRow, encodeRow, validateRow } from './row-codec.ts';
import { rowLayoutOf } from './row-layout.ts';
import { defineTable } from './schema.ts';

const layout = rowLayoutOf(
  defineTable({
    table: 'seats',
    fields: {
      rank: { type: 'uint16' },
      buyer: { type: 'fixed_string', length: 3, required: false },
      plan: { type: 'blob', required: false },
      price: { type: 'uint8', default: 9 },
      photo: { type: 'blob' },
    },
  }),
);

function hexOf(writer: ByteWriter): string {
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');
}

/** Hexadecimal digits that are grouped for the eye. */
function plain(grouped: string): string {
  return grouped.replaceAll(' ', '');
}

function validate(hex: string): void {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  validateRow(layout, bytes, new DataView(bytes.buffer), 0, bytes.length);
}

test('encodeRow() writes null bits, slots and heap over whatever the buffer held', () => {
  const writer = new ByteWriter({ capacityBytes: 200 });
  writer.bytes.fill(0xee);
  encodeRow(layout, { rank: 258, photo: Uint8Array.of(7) }, writer);
  assert.equal(hexOf(writer), plain('03 0201 000000 0000000000000000 09 1700000001000000 07'));
  writer.reset();
  writer.bytes.fill(0xee);
  encodeRow(layout, { rank: 1, buyer: 'é', plan: Uint8Array.of(5, 6), price: 0, photo: new Uint8Array() }, writer);
  assert.equal(hexOf(writer), plain('00 0100 c3a900 1700000002000000 00 1900000000000000 0506'));
  validate(hexOf(writer));
});

test('decodeRow() gives plain objects with the fields in schema order, and decodeField() one of them', () => {
  const writer = new ByteWriter();
  writer.u8(1);
  encodeRow(layout, { photo: Uint8Array.of(1), price: 4, rank: 3 }, writer);
  const row = decodeRow(layout, writer.bytes, writer.view, 1, writer.length - 1);
  assert.deepStrictEqual(row, { rank: 3, buyer: null, plan: null, price: 4, photo: Uint8Array.of(1) });
  assert.deepEqual(Object.keys(row), ['rank', 'buyer', 'plan', 'price', 'photo']);
  assert.equal(decodeField(layout, 3, writer.bytes, writer.view, 1), 4);
  assert.equal(decodeField(layout, 1, writer.bytes, writer.view, 1), null);
  assert.deepEqual(decodeField(layout, 4, writer.bytes, writer.view, 1), Uint8Array.of(1));
});

test('encodeRow() takes what decodeRow() gave', () => {
  const first = new ByteWriter();
  encodeRow(layout, { rank: 3, photo: Uint8Array.of(1) }, first);
  const second = new ByteWriter();
  encodeRow(layout, decodeRow(layout, first.bytes, first.view, 0, first.length), second);
  assert.equal(hexOf(second), hexOf(first));
});

test('encodeRow() refuses a row with other fields than the schema, and leaves the writer as it was', () => {
  const writer = new ByteWriter();
  writer.u8(1);
  const photo = new Uint8Array();
  const cases: [unknown, ErrorCode, RegExp][] = [
    [
      { rank: 1, photo, colour: 1 },
      'FieldCountMismatch',
      /Cannot encode row of table "seats": it has "colour", must have only rank, buyer/,
    ],
    [{ rank: 1, photo, colour: undefined }, 'FieldCountMismatch', /colour/],
    [{ rank: 1, photo, '': 1 }, 'FieldCountMismatch', /it has ""/],
    [{ rank: 1 }, 'FieldRequired', /field "photo"/],
    [{ photo }, 'FieldRequired', /field "rank"/],
    [{ rank: 1, photo, price: null }, 'FieldRequired', /field "price"/],
    [{ rank: 1, photo, buyer: 'long' }, 'FieldOverflow', /field "buyer"/],
    [null, 'FieldCountMismatch', /it is null, must be an object/],
    ['row', 'FieldCountMismatch', /it is "row"/],
  ];
  for (const [row, code, message] of cases) {
    assert.throws(() => encodeRow(layout, row as { rank: number; photo: Uint8Array }, writer), { code, message });
    assert.equal(writer.length, 1);
  }
  encodeRow(layout, { rank: 1, photo, buyer: undefined }, writer);
});

test('validateRow() refuses bytes that are not the one form of a row', () => {
  const valid = plain('02 0201 610000 0000000000000000 09 1700000001000000 07');
  validate(valid);
  const changed = (byte: number, hex: string) => valid.slice(0, byte * 2) + hex + valid.slice(byte * 2 + hex.length);
  const cases: [string, ErrorCode, RegExp][] = [
    ['', 'FieldCountMismatch', /size is 0 bytes, must be 23 for its 5 fields/],
    [valid.slice(0, 44), 'FieldCountMismatch', /size is 22 bytes/],
    [`${valid}00`, 'FieldCountMismatch', /size is 25 bytes, must be 24/],
    [valid.slice(0, -2), 'FieldOutOfRange', /field "photo" \(blob\): it ends at 24, must be <= 23/],
    [changed(0, '06'), 'FieldCountMismatch', /a null bit of no field is 1/],
    [changed(0, '03'), 'FieldOutOfRange', /field "buyer".*: it is null and byte 0 of its slot is not/],
    [changed(0, '00'), 'FieldOutOfRange', /field "plan" \(blob\): its offset is 0, must be 23/],
    [changed(4, '0061'), 'FieldOutOfRange', /byte 2 follows a zero/],
    [changed(3, 'ff'), 'InvalidUtf8', /field "buyer"/],
    [changed(15, '18'), 'FieldOutOfRange', /its offset is 24, must be 23/],
  ];
  for (const [hex, code, message] of cases) assert.throws(() => validate(hex), { code, message }, hex);
});

test('validateRow() and decodeRow() assert that the caller stays inside of the bytes', () => {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  assert.throws(() => validateRow(layout, bytes, view, 5, 6), { name: 'AssertionError' });
  assert.throws(() => decodeRow(layout, bytes, view, 0, 10), { name: 'AssertionError' });
});
