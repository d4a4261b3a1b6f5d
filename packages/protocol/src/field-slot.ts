/**
 * Writing, reading and checking one slot (the table is in `field.ts`), type by type. A value that the type does not hold is refused in all
 * directions, so a slot always holds the canonical form of one value: equal values have equal bytes, but for 0 and -0 of floats.
 */
import { assert } from '@k-lani/base';
import { decodeUtf8, encodeUtf8, isUtf8, utf8SizeBytes } from './bytes-utf8.ts';
import { FLOAT32_MAX, bigInteger, days, decimal, float, integer, milliseconds, text } from './field-check.ts';
import { DAYS_MAX, DAYS_MIN, formatDate } from './field-date.ts';
import { formatDecimal } from './field-decimal.ts';
import { outOfRange, valueError } from './field-error.ts';
import { areUuidV7Bytes, decodeUuid, encodeUuid, isUuidV7 } from './field-uuid.ts';
import type { Field, FieldType, FieldValue } from './field.ts';

/** How the slots of one type are written, read and checked. `slot` is the index of the slot's first byte in `bytes` and `view`. */
export interface SlotCodec {
  /**
   * Writes all bytes of the slot, whatever they hold.
   *
   * @throws {KLaniError} `FieldOutOfRange`, `NotANumber`, `FieldOverflow` or `InvalidUtf8`, naming field, value and bound
   */
  readonly write: (field: Field, value: unknown, bytes: Uint8Array, view: DataView, slot: number) => void;
  /** The value of a slot that `write` wrote or `validate` passed; `rowOffset` is the start of the row around it. */
  readonly read: SlotReader;
  /**
   * Checks bytes that came from a network or a disk; left out where every pattern of bits is a value.
   *
   * @throws {KLaniError} `FieldOutOfRange`, `NotANumber` or `InvalidUtf8`, naming field, value and bound
   */
  readonly validate?: (field: Field, bytes: Uint8Array, view: DataView, slot: number) => void;
}

export type SlotReader = (field: Field, bytes: Uint8Array, view: DataView, slot: number, rowOffset: number) => FieldValue;

/** The furthest that a JavaScript Date goes from 1970, in both directions. */
const DATETIME_MS_MAX = 8.64e15;
const U32_RANGE = 0x1_0000_0000;

/** The codec of each type. That of blobs reads only: their bytes are outside of the slot, in the row's heap. */
export const SLOT_CODECS: Readonly<Record<FieldType, SlotCodec>> = {
  bool: {
    write(field, value, bytes, _view, slot) {
      if (typeof value !== 'boolean') throw outOfRange(field, value, 'must be true or false');
      bytes[slot] = value ? 1 : 0;
    },
    read: (_field, bytes, _view, slot) => bytes[slot] === 1,
    validate(field, bytes, _view, slot) {
      const byte = bytes[slot] as number;
      if (byte > 1) throw outOfRange(field, byte, 'its byte must be 0 or 1');
    },
  },
  uint8: {
    write: (field, value, _bytes, view, slot) => view.setUint8(slot, integer(field, value, 0, 0xff)),
    read: (_field, _bytes, view, slot) => view.getUint8(slot),
  },
  uint16: {
    write: (field, value, _bytes, view, slot) => view.setUint16(slot, integer(field, value, 0, 0xffff), true),
    read: (_field, _bytes, view, slot) => view.getUint16(slot, true),
  },
  uint32: {
    write: (field, value, _bytes, view, slot) => view.setUint32(slot, integer(field, value, 0, 0xffff_ffff), true),
    read: (_field, _bytes, view, slot) => view.getUint32(slot, true),
  },
  uint64: {
    write: (field, value, _bytes, view, slot) => view.setBigUint64(slot, bigInteger(field, value, 0n, 0xffff_ffff_ffff_ffffn), true),
    read: (_field, _bytes, view, slot) => view.getBigUint64(slot, true),
  },
  int8: {
    write: (field, value, _bytes, view, slot) => view.setInt8(slot, integer(field, value, -0x80, 0x7f)),
    read: (_field, _bytes, view, slot) => view.getInt8(slot),
  },
  int16: {
    write: (field, value, _bytes, view, slot) => view.setInt16(slot, integer(field, value, -0x8000, 0x7fff), true),
    read: (_field, _bytes, view, slot) => view.getInt16(slot, true),
  },
  int32: {
    write: (field, value, _bytes, view, slot) => view.setInt32(slot, integer(field, value, -0x8000_0000, 0x7fff_ffff), true),
    read: (_field, _bytes, view, slot) => view.getInt32(slot, true),
  },
  int64: {
    write: (field, value, _bytes, view, slot) =>
      view.setBigInt64(slot, bigInteger(field, value, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn), true),
    read: (_field, _bytes, view, slot) => view.getBigInt64(slot, true),
  },
  float32: {
    write: (field, value, _bytes, view, slot) => view.setFloat32(slot, float(field, value, FLOAT32_MAX), true),
    read: (_field, _bytes, view, slot) => view.getFloat32(slot, true),
    validate: (field, _bytes, view, slot) => void float(field, view.getFloat32(slot, true), FLOAT32_MAX),
  },
  float64: {
    write: (field, value, _bytes, view, slot) => view.setFloat64(slot, float(field, value, Number.MAX_VALUE), true),
    read: (_field, _bytes, view, slot) => view.getFloat64(slot, true),
    validate: (field, _bytes, view, slot) => void float(field, view.getFloat64(slot, true), Number.MAX_VALUE),
  },
  fixed_string: {
    write: writeText,
    read: (field, bytes, _view, slot) => decodeUtf8(bytes, slot, textEnd(bytes, slot, slot + field.sizeBytes)),
    validate: validateText,
  },
  date: {
    write: (field, value, _bytes, view, slot) => view.setInt32(slot, days(field, value), true),
    read: (_field, _bytes, view, slot) => formatDate(view.getInt32(slot, true)),
    validate(field, _bytes, view, slot) {
      const stored = view.getInt32(slot, true);
      if (stored < DAYS_MIN || stored > DAYS_MAX) throw outOfRange(field, stored, `its days must be ${DAYS_MIN} to ${DAYS_MAX}`);
    },
  },
  datetime: {
    write: (field, value, _bytes, view, slot) => writeInt64(view, slot, milliseconds(field, value)),
    read: (_field, _bytes, view, slot) => new Date(readInt64(view, slot)),
    validate(field, _bytes, view, slot) {
      const stored = readInt64(view, slot);
      if (Math.abs(stored) <= DATETIME_MS_MAX) return;
      throw outOfRange(field, stored, `its milliseconds must be ${-DATETIME_MS_MAX} to ${DATETIME_MS_MAX}`);
    },
  },
  uuid_v7: {
    write(field, value, bytes, _view, slot) {
      if (typeof value !== 'string' || !isUuidV7(value)) throw outOfRange(field, value, 'must be a version 7 UUID');
      encodeUuid(value, bytes, slot);
    },
    read: (_field, bytes, _view, slot) => decodeUuid(bytes, slot),
    validate(field, bytes, _view, slot) {
      if (!areUuidV7Bytes(bytes, slot)) throw outOfRange(field, decodeUuid(bytes, slot), 'must be a version 7 UUID');
    },
  },
  accounting_numeric: {
    write(field, value, _bytes, view, slot) {
      const scaled = decimal(field, value);
      if (typeof scaled === 'number') writeInt64(view, slot, scaled);
      else view.setBigInt64(slot, scaled, true);
    },
    read(field, _bytes, view, slot) {
      const scaled = readInt64(view, slot);
      return formatDecimal(Number.isSafeInteger(scaled) ? scaled : view.getBigInt64(slot, true), field.scale);
    },
  },
  blob: {
    write: () => assert(false, 'SLOT_CODECS: the bytes of a blob are not in its slot'),
    read: readBlob,
    validate: () => assert(false, 'SLOT_CODECS: the bytes of a blob are not in its slot'),
  },
};

function writeText(field: Field, value: unknown, bytes: Uint8Array, _view: DataView, slot: number): void {
  const slotEnd = slot + field.sizeBytes;
  const accepted = text(field, value);
  const end = encodeUtf8(accepted, bytes, slot, slotEnd);
  if (end === -1) throw valueError('FieldOverflow', field, `size is ${utf8SizeBytes(accepted)} bytes, must be <= ${field.sizeBytes}`);
  for (let index = end; index < slotEnd; index += 1) bytes[index] = 0;
}

function validateText(field: Field, bytes: Uint8Array, _view: DataView, slot: number): void {
  const slotEnd = slot + field.sizeBytes;
  const end = textEnd(bytes, slot, slotEnd);
  for (let index = end; index < slotEnd; index += 1) {
    if (bytes[index] !== 0) throw valueError('FieldOutOfRange', field, `byte ${index - slot} follows a zero, must be 0`);
  }
  if (!isUtf8(bytes, slot, end)) throw valueError('InvalidUtf8', field, `its ${end - slot} bytes are not valid UTF-8`);
}

function textEnd(bytes: Uint8Array, start: number, slotEnd: number): number {
  let end = start;
  while (end < slotEnd && bytes[end] !== 0) end += 1;
  return end;
}

function readBlob(_field: Field, bytes: Uint8Array, view: DataView, slot: number, rowOffset: number): Uint8Array {
  const start = rowOffset + view.getUint32(slot, true);
  const blob = new Uint8Array(view.getUint32(slot + 4, true));
  blob.set(bytes.subarray(start, start + blob.length));
  return blob;
}

/** Writes a safe integer as 64 bits. */
function writeInt64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / U32_RANGE);
  view.setUint32(offset, value - high * U32_RANGE, true);
  view.setInt32(offset + 4, high, true);
}

/** Exact for safe integers; the others come out as numbers that are not safe integers either. */
function readInt64(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * U32_RANGE + view.getUint32(offset, true);
}
