/**
 * One field's value outside a row: the values of terms and assignments.
 *
 * | offset | size | meaning |
 * | --- | --- | --- |
 * | 0 | 1 | 0: null; 1: the slot follows |
 * | 1 | the slot's | the slot as in a row; left out for null |
 *
 * 1. Null is only for fields that are not required.
 * 2. A blob has no such form.
 */
import { assert } from '@k-lani/base';
import type { ByteWriter } from './bytes-writer.ts';
import { KLaniError } from './errors.ts';
import { valueError } from './field-error.ts';
import type { Field, FieldValue } from './field.ts';
import { fieldLayoutAt, type FieldLayout, type RowLayout } from './row-layout.ts';

/**
 * Appends a field's value to the writer.
 *
 * @param position of the field in the schema
 * @throws {KLaniError} `UnknownField`, `Unsupported` for a blob, `FieldRequired`, `FieldOutOfRange`, `NotANumber`, `FieldOverflow` or
 * `InvalidUtf8`; the writer is then as it was
 */
export function encodeFieldSlot(layout: RowLayout, position: number, value: unknown, writer: ByteWriter): void {
  const { field, codec } = slotFieldAt(layout, position);
  const start = writer.length;
  if (value === null || value === undefined) {
    expectNullable(field);
    writer.u8(0);
    return;
  }
  const slot = writer.reserve(1 + field.sizeBytes) + 1;
  writer.bytes[start] = 1;
  try {
    codec.write(field, value, writer.bytes, writer.view, slot);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

/**
 * Checks a field's value that came from a network.
 *
 * @param offset of its first byte; it must end at `end` or before
 * @returns the index after its last byte
 * @throws {KLaniError} `UnknownField`, `Unsupported` for a blob, `Protocol` when it is cut short, `FieldRequired`, `FieldOutOfRange`,
 * `NotANumber` or `InvalidUtf8`
 */
export function validateFieldSlot(
  layout: RowLayout,
  position: number,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  end: number,
): number {
  const { field, codec } = slotFieldAt(layout, position);
  const present = offset < end ? view.getUint8(offset) : -1;
  if (present === 0) {
    expectNullable(field);
    return offset + 1;
  }
  if (present > 1) throw valueError('Protocol', field, `byte before its slot is ${present}, must be 0 or 1`);
  const slotEnd = offset + 1 + field.sizeBytes;
  if (present === -1 || slotEnd > end) {
    throw valueError('Protocol', field, `it is cut short: needs ${slotEnd - offset} bytes, ${end - offset} are left`);
  }
  codec.validate?.(field, bytes, view, offset + 1);
  return slotEnd;
}

/** The value at `offset`, written by `encodeFieldSlot` or passed by `validateFieldSlot`. */
export function decodeFieldSlot(layout: RowLayout, position: number, bytes: Uint8Array, view: DataView, offset: number): FieldValue {
  const { field, codec } = slotFieldAt(layout, position);
  return bytes[offset] === 0 ? null : codec.read(field, bytes, view, offset + 1, offset);
}

/**
 * Sets a field of the row that begins at `rowOffset` of `row` to the value at `offset` of `source`, written by `encodeFieldSlot` or passed
 * by `validateFieldSlot`. The row keeps its size.
 */
export function assignFieldSlot(
  layout: RowLayout,
  position: number,
  source: Uint8Array,
  offset: number,
  row: Uint8Array,
  rowOffset: number,
): void {
  const { field, offset: slotOffset, nullOffset, nullMask } = slotFieldAt(layout, position);
  const slot = rowOffset + slotOffset;
  const isNull = source[offset] === 0;
  assert(!isNull || nullMask !== 0, 'assignFieldSlot(): null for a required field');
  if (isNull) row.fill(0, slot, slot + field.sizeBytes);
  else for (let index = 0; index < field.sizeBytes; index += 1) row[slot + index] = source[offset + 1 + index] as number;
  if (nullMask === 0) return;
  const bits = row[rowOffset + nullOffset] as number;
  row[rowOffset + nullOffset] = isNull ? bits | nullMask : bits & ~nullMask;
}

function slotFieldAt(layout: RowLayout, position: number): FieldLayout {
  const slot = fieldLayoutAt(layout, position);
  if (!slot.isBlob) return slot;
  throw new KLaniError('Unsupported', `Cannot use field "${slot.name}" in a term or assignment: its type is blob`);
}

function expectNullable(field: Field): void {
  if (field.required) throw valueError('FieldRequired', field, 'value is null or missing, must be given');
}
