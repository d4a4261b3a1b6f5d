/** Rows between their TypeScript form and the bytes that `row-layout.ts` describes. */
import { assert } from '@k-lani/base';
import type { ByteWriter } from './bytes-writer.ts';
import { KLaniError } from './errors.ts';
import { outOfRange, showValue, valueError } from './field-error.ts';
import { BLOB_SIZE_BYTES_MAX, type Field, type FieldValue } from './field.ts';
import { fieldLayoutAt, isNullField, type FieldLayout, type RowLayout } from './row-layout.ts';
import type { NewRowOf, RowOf, TableSchema } from './schema-types.ts';

type Values = Record<string, FieldValue>;

/**
 * Appends a row to the writer, from a value that nobody has checked. A field that is left out or `undefined` gets its default, or null.
 *
 * @throws {KLaniError} `FieldRequired`, `FieldCountMismatch`, `FieldOutOfRange`, `NotANumber`, `FieldOverflow`, `InvalidUtf8`, or
 * `FrameTooLarge` at the writer's limit; the writer is then as it was
 */
export function encodeRow<S extends TableSchema>(layout: RowLayout<S>, row: NewRowOf<S> | RowOf<S>, writer: ByteWriter): void {
  const start = writer.length;
  try {
    encodeFields(layout, row, writer);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

/**
 * The row in `bytes[offset, offset + length)`, which must have been written by `encodeRow` or passed `validateRow`. Its values are copies.
 *
 * @param view over the same memory as `bytes`, index for index
 */
export function decodeRow<S extends TableSchema>(
  layout: RowLayout<S>,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
): RowOf<S> {
  assert(length >= layout.fixedSizeBytes, 'decodeRow(): the row is shorter than its layout');
  const { fields } = layout;
  const row: Values = {};
  readFirstFields(row, fields, bytes, view, offset);
  if (fields.length > 4) readNextFields(row, fields, bytes, view, offset);
  return row;
}

/**
 * The first four fields, written out: a store or call with a place of its own in the code is remembered with its name, shape and target,
 * which makes it several times as fast as one in a loop for as long as the process decodes one table. More than four places in one function
 * and the compiler gives up inlining the readers.
 */
function readFirstFields(row: Values, fields: readonly FieldLayout[], bytes: Uint8Array, view: DataView, offset: number): void {
  const count = fields.length;
  let field = fields[0] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  if (count === 1) return;
  field = fields[1] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  if (count === 2) return;
  field = fields[2] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  if (count === 3) return;
  field = fields[3] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
}

/** The fields from the fifth on, the next three written out as well. */
function readNextFields(row: Values, fields: readonly FieldLayout[], bytes: Uint8Array, view: DataView, offset: number): void {
  const count = fields.length;
  let field = fields[4] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  if (count === 5) return;
  field = fields[5] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  if (count === 6) return;
  field = fields[6] as FieldLayout;
  row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  for (let position = 7; position < count; position += 1) {
    field = fields[position] as FieldLayout;
    row[field.name] = isNullField(field, bytes, offset) ? null : field.read(field.field, bytes, view, offset + field.offset, offset);
  }
}

/**
 * One field of the row that begins at `rowOffset`; the row as for `decodeRow`.
 *
 * @param position of the field in the schema
 */
export function decodeField(layout: RowLayout, position: number, bytes: Uint8Array, view: DataView, rowOffset: number): FieldValue {
  const field = fieldLayoutAt(layout, position);
  return isNullField(field, bytes, rowOffset) ? null : field.read(field.field, bytes, view, rowOffset + field.offset, rowOffset);
}

/**
 * Checks that `bytes[offset, offset + length)`, which came from a network or a disk, is a row of this layout, to the last bit.
 *
 * @param view over the same memory as `bytes`, index for index
 * @throws {KLaniError} `FieldCountMismatch`, `FieldRequired`, `FieldOutOfRange`, `NotANumber`, `FieldOverflow` or `InvalidUtf8`
 */
export function validateRow(layout: RowLayout, bytes: Uint8Array, view: DataView, offset: number, length: number): void {
  assert(offset >= 0 && length >= 0 && offset + length <= bytes.length, 'validateRow(): the row is not in the bytes');
  const { fixedSizeBytes, fieldsToValidate } = layout;
  if (length < fixedSizeBytes || (length > fixedSizeBytes && !layout.hasBlobs)) throw sizeError(layout, length, fixedSizeBytes);
  if (layout.nullBitsUnusedMask !== 0) validateUnusedBits(layout, bytes, offset);
  let heapEnd = fixedSizeBytes;
  for (let index = 0; index < fieldsToValidate.length; index += 1) {
    const field = fieldsToValidate[index] as FieldLayout;
    const slot = offset + field.offset;
    if (isNullField(field, bytes, offset)) validateNullSlot(field, bytes, slot);
    else if (field.isBlob) heapEnd = validateBlob(field.field, view, slot, heapEnd, length);
    else field.codec.validate?.(field.field, bytes, view, slot);
  }
  if (heapEnd !== length) throw sizeError(layout, length, heapEnd);
}

function encodeFields(layout: RowLayout, row: Readonly<Record<string, unknown>>, writer: ByteWriter): void {
  if (typeof row !== 'object' || row === null) {
    throw new KLaniError('FieldCountMismatch', `${cannotEncode(layout)}: it is ${showValue(row)}, must be an object`);
  }
  const start = writer.reserve(layout.fixedSizeBytes);
  for (let index = 0; index < layout.nullBitsSizeBytes; index += 1) writer.bytes[start + index] = 0;
  for (let position = 0; position < layout.fields.length; position += 1) {
    const field = layout.fields[position] as FieldLayout;
    let value = row[field.name];
    if (value === undefined) value = field.field.default;
    if (value === undefined || value === null) writeNull(field, writer, start);
    else if (field.isBlob) writeBlob(field, value, writer, start);
    else field.codec.write(field.field, value, writer.bytes, writer.view, start + field.offset);
  }
  for (const name in row) if (!layout.positions.has(name)) throw otherFieldError(layout, name);
}

/** Sets a field of a row under construction to null. */
export function writeNull({ field, nullOffset, nullMask, offset, sizeBytes }: FieldLayout, writer: ByteWriter, rowOffset: number): void {
  if (nullMask === 0) throw valueError('FieldRequired', field, 'value is null or missing, must be given');
  const { bytes } = writer;
  bytes[rowOffset + nullOffset] = (bytes[rowOffset + nullOffset] as number) | nullMask;
  bytes.fill(0, rowOffset + offset, rowOffset + offset + sizeBytes);
}

/** Appends a blob to the heap of a row under construction, and points its slot to it. */
export function writeBlob({ field, offset }: FieldLayout, value: unknown, writer: ByteWriter, rowOffset: number): void {
  if (!(value instanceof Uint8Array)) throw outOfRange(field, value, 'must be a Uint8Array');
  if (value.length > BLOB_SIZE_BYTES_MAX) {
    throw valueError('FieldOverflow', field, `size is ${value.length} bytes, must be <= ${BLOB_SIZE_BYTES_MAX}`);
  }
  const heapOffset = writer.length - rowOffset;
  writer.append(value);
  writer.view.setUint32(rowOffset + offset, heapOffset, true);
  writer.view.setUint32(rowOffset + offset + 4, value.length, true);
}

function validateBlob(field: Field, view: DataView, slot: number, heapEnd: number, length: number): number {
  const start = view.getUint32(slot, true);
  const sizeBytes = view.getUint32(slot + 4, true);
  if (start !== heapEnd) throw valueError('FieldOutOfRange', field, `its offset is ${start}, must be ${heapEnd}`);
  if (sizeBytes > BLOB_SIZE_BYTES_MAX)
    throw valueError('FieldOverflow', field, `size is ${sizeBytes} bytes, must be <= ${BLOB_SIZE_BYTES_MAX}`);
  if (start + sizeBytes > length) throw valueError('FieldOutOfRange', field, `it ends at ${start + sizeBytes}, must be <= ${length}`);
  return start + sizeBytes;
}

function validateNullSlot({ field, sizeBytes }: FieldLayout, bytes: Uint8Array, slot: number): void {
  for (let index = 0; index < sizeBytes; index += 1) {
    if (bytes[slot + index] !== 0) throw valueError('FieldOutOfRange', field, `it is null and byte ${index} of its slot is not, must be 0`);
  }
}

function validateUnusedBits(layout: RowLayout, bytes: Uint8Array, offset: number): void {
  const last = bytes[offset + layout.nullBitsSizeBytes - 1] as number;
  if ((last & layout.nullBitsUnusedMask) === 0) return;
  throw new KLaniError('FieldCountMismatch', `Cannot accept row of table "${layout.schema.table}": a null bit of no field is 1, must be 0`);
}

function sizeError(layout: RowLayout, sizeBytes: number, expectedBytes: number): KLaniError {
  const rule = `must be ${expectedBytes} for its ${layout.fields.length} fields`;
  return new KLaniError('FieldCountMismatch', `Cannot accept row of table "${layout.schema.table}": size is ${sizeBytes} bytes, ${rule}`);
}

function otherFieldError(layout: RowLayout, name: string): KLaniError {
  const names = layout.fields.map((field) => field.name).join(', ');
  return new KLaniError('FieldCountMismatch', `${cannotEncode(layout)}: it has ${showValue(name)}, must have only ${names}`);
}

function cannotEncode(layout: RowLayout): string {
  return `Cannot encode row of table "${layout.schema.table}"`;
}
