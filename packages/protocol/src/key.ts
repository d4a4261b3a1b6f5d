/**
 * Keys of indexes: the value of a field as unsigned words of 32 bits, the most significant first, so that the order of the words as
 * numbers is the order of the values. An index compares keys and knows nothing of types.
 *
 * | type | words | made of |
 * | --- | --- | --- |
 * | `bool`, `uint8`, `uint16`, `uint32` | 1 | the value |
 * | `int8`, `int16`, `int32`, `date` | 1 | the value with its sign bit turned over |
 * | `uint64` | 2 | the value |
 * | `int64`, `datetime`, `accounting_numeric` | 2 | the value with its sign bit turned over |
 * | `float32`, `float64` | 1, 2 | the bits: sign bit turned over from 0 up, all turned over below 0; -0 is 0 |
 * | `fixed_string` | length ÷ 4, rounded up | the bytes, zeros behind them: the order of the UTF-8 bytes, which is that of the code points |
 * | `uuid_v7` | 4 | the bytes |
 *
 * 1. The key of a field that is not required has one word more in front: 0 for null, all other words 0 then too, and 1 for a value.
 * 2. Equal keys are equal values, and the other way round.
 * 3. Words are big-endian where they come from bytes, whatever the byte order of slots.
 */
import { assert } from '@k-lani/base';
import { TypeCode, type Field } from './field.ts';
import { isNullField, type FieldLayout, type RowLayout } from './row-layout.ts';

const SIGN = 0x8000_0000;
const WORD_MAX = 0xffff_ffff;

/** How many words the keys of a field have. */
export function keyWordsOf(field: Field): number {
  return (field.required ? 0 : 1) + valueWordsOf(field);
}

/**
 * Writes the key of a field of the row that begins at `rowOffset` to `out` from `outOffset`.
 *
 * @param position of the field in the schema
 */
export function keyFromRow(
  layout: RowLayout,
  position: number,
  bytes: Uint8Array,
  view: DataView,
  rowOffset: number,
  out: Uint32Array,
  outOffset: number,
): void {
  const field = layout.fields[position] as FieldLayout;
  keyFromSlot(field.field, view, rowOffset + field.offset, !isNullField(field, bytes, rowOffset), out, outOffset);
}

/**
 * Writes the key of the value in a slot to `out` from `outOffset`.
 *
 * @param present whether there is a value; the slot is not read without one
 */
export function keyFromSlot(field: Field, view: DataView, offset: number, present: boolean, out: Uint32Array, outOffset: number): void {
  let first = outOffset;
  if (!field.required) {
    out[first] = present ? 1 : 0;
    first += 1;
  }
  if (present) valueKey(field, view, offset, out, first);
  else {
    assert(!field.required, 'keyFromSlot(): a required field has no value');
    out.fill(0, first, first + valueWordsOf(field));
  }
}

/** Writes the lowest key that a value of the field can have, null aside: the bound of a range without a lower one. */
export function lowestKey(field: Field, out: Uint32Array, outOffset: number): void {
  out.fill(0, outOffset, outOffset + keyWordsOf(field));
  if (!field.required) out[outOffset] = 1;
}

/** Writes the highest key that a value of the field can have: the bound of a range without an upper one. */
export function highestKey(field: Field, out: Uint32Array, outOffset: number): void {
  out.fill(WORD_MAX, outOffset, outOffset + keyWordsOf(field));
  if (!field.required) out[outOffset] = 1;
}

/**
 * Turns a key into the next one, which makes an exclusive lower bound an inclusive one.
 *
 * @returns false when there is none: the key was the last, and is unchanged
 */
export function incrementKey(out: Uint32Array, offset: number, words: number): boolean {
  let index = offset + words - 1;
  while (index >= offset && out[index] === WORD_MAX) index -= 1;
  if (index < offset) return false;
  out[index] = (out[index] as number) + 1;
  out.fill(0, index + 1, offset + words);
  return true;
}

/**
 * Turns a key into the one before, which makes an exclusive upper bound an inclusive one.
 *
 * @returns false when there is none: the key was the first, and is unchanged
 */
export function decrementKey(out: Uint32Array, offset: number, words: number): boolean {
  let index = offset + words - 1;
  while (index >= offset && out[index] === 0) index -= 1;
  if (index < offset) return false;
  out[index] = (out[index] as number) - 1;
  out.fill(WORD_MAX, index + 1, offset + words);
  return true;
}

/** Negative, 0 or positive as the key at `aOffset` of `a` is below, equal to or above the one at `bOffset` of `b`. */
export function compareKeys(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number, words: number): number {
  for (let index = 0; index < words; index += 1) {
    const difference = (a[aOffset + index] as number) - (b[bOffset + index] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function valueWordsOf(field: Field): number {
  return Math.ceil(field.sizeBytes / 4);
}

function valueKey(field: Field, view: DataView, offset: number, out: Uint32Array, first: number): void {
  switch (field.typeCode) {
    case TypeCode.bool:
    case TypeCode.uint8:
      out[first] = view.getUint8(offset);
      return;
    case TypeCode.uint16:
      out[first] = view.getUint16(offset, true);
      return;
    case TypeCode.uint32:
      out[first] = view.getUint32(offset, true);
      return;
    case TypeCode.int8:
      out[first] = view.getInt8(offset) ^ SIGN;
      return;
    case TypeCode.int16:
      out[first] = view.getInt16(offset, true) ^ SIGN;
      return;
    case TypeCode.int32:
    case TypeCode.date:
      out[first] = view.getInt32(offset, true) ^ SIGN;
      return;
    case TypeCode.uint64:
      out[first] = view.getUint32(offset + 4, true);
      out[first + 1] = view.getUint32(offset, true);
      return;
    case TypeCode.int64:
    case TypeCode.datetime:
    case TypeCode.accounting_numeric:
      out[first] = view.getUint32(offset + 4, true) ^ SIGN;
      out[first + 1] = view.getUint32(offset, true);
      return;
    case TypeCode.float32:
      float32Key(view.getUint32(offset, true), out, first);
      return;
    case TypeCode.float64:
      float64Key(view.getUint32(offset + 4, true), view.getUint32(offset, true), out, first);
      return;
    case TypeCode.fixed_string:
    case TypeCode.uuid_v7:
      bytesKey(field.sizeBytes, view, offset, out, first);
      return;
    default:
      assert(false, `valueKey(): a ${field.type} has no key`);
  }
}

function float32Key(bits: number, out: Uint32Array, first: number): void {
  out[first] = bits > SIGN ? ~bits : bits | SIGN;
}

function float64Key(high: number, low: number, out: Uint32Array, first: number): void {
  const isNegative = high >= SIGN && (high !== SIGN || low !== 0);
  out[first] = isNegative ? ~high : high | SIGN;
  out[first + 1] = isNegative ? ~low : low;
}

function bytesKey(sizeBytes: number, view: DataView, offset: number, out: Uint32Array, first: number): void {
  let word = first;
  let index = 0;
  for (; index + 4 <= sizeBytes; index += 4, word += 1) out[word] = view.getUint32(offset + index, false);
  if (index === sizeBytes) return;
  let last = 0;
  for (let shift = 24; index < sizeBytes; index += 1, shift -= 8) last |= view.getUint8(offset + index) << shift;
  out[word] = last;
}
