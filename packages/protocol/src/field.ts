/**
 * The types of fields: what a value is in TypeScript and what its slot holds in a row. Slots are little-endian and not aligned.
 *
 * | type | value | slot bytes | slot |
 * | --- | --- | --- | --- |
 * | `bool` | boolean | 1 | 0 or 1 |
 * | `uint8` `uint16` `uint32` | number | 1, 2, 4 | unsigned |
 * | `int8` `int16` `int32` | number | 1, 2, 4 | two's complement |
 * | `uint64` `int64` | bigint | 8 | unsigned, two's complement |
 * | `float32` `float64` | number | 4, 8 | IEEE 754, finite |
 * | `fixed_string` | string | `length` | UTF-8 without U+0000, filled up with zeros |
 * | `date` | `'2026-12-31'` | 4 | int32, days since 1970-01-01; years 1 to 9999 |
 * | `datetime` | Date | 8 | int64, milliseconds since 1970-01-01T00:00:00Z; what a Date can hold |
 * | `uuid_v7` | `'0198…'`, lower case | 16 | the bytes in the order they are written |
 * | `accounting_numeric` | `'129.90'` | 8 | int64, the value × 10^`scale` |
 * | `blob` | Uint8Array | 8 | u32 offset from the start of the row, u32 length; the bytes are in the row's heap |
 */

/** The numbers of the field types. A number is never given to another type. */
export const TypeCode = {
  bool: 1,
  uint8: 2,
  uint16: 3,
  uint32: 4,
  uint64: 5,
  int8: 6,
  int16: 7,
  int32: 8,
  int64: 9,
  float32: 10,
  float64: 11,
  fixed_string: 12,
  date: 13,
  datetime: 14,
  uuid_v7: 15,
  accounting_numeric: 16,
  blob: 17,
} as const;

/** The name of a field type. */
export type FieldType = keyof typeof TypeCode;

/** The TypeScript value of each field type. */
export interface FieldValues {
  bool: boolean;
  uint8: number;
  uint16: number;
  uint32: number;
  uint64: bigint;
  int8: number;
  int16: number;
  int32: number;
  int64: bigint;
  float32: number;
  float64: number;
  fixed_string: string;
  date: string;
  datetime: Date;
  uuid_v7: string;
  accounting_numeric: string;
  blob: Uint8Array;
}

/** The value of any field; `null` is no value, in fields that are not required. */
export type FieldValue = FieldValues[FieldType] | null;

/** `unique` and `ordered` answer equality and ranges, `non_unique` equality with few distinct values. */
export type IndexKind = 'unique' | 'non_unique' | 'ordered';

export const INDEX_KINDS: readonly IndexKind[] = ['unique', 'non_unique', 'ordered'];

/** The longest `fixed_string`, in bytes of UTF-8. */
export const STRING_SIZE_BYTES_MAX = 4096;
/** The longest `fixed_string` that can be indexed, in bytes of UTF-8. */
export const INDEXED_STRING_SIZE_BYTES_MAX = 256;
/** The longest `blob`, 1 MiB. */
export const BLOB_SIZE_BYTES_MAX = 1024 * 1024;
/** The most decimals of an `accounting_numeric`. */
export const SCALE_MAX = 18;

/** One field of a table as the schema defines it, checked and complete. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly typeCode: (typeof TypeCode)[FieldType];
  /** Bytes of the slot. */
  readonly sizeBytes: number;
  /** Decimals of an `accounting_numeric`, otherwise 0. */
  readonly scale: number;
  /** Whether every row has a value. */
  readonly required: boolean;
  readonly index: IndexKind | undefined;
  /** The value of a new row that gives none. Not to be changed. */
  readonly default: FieldValues[FieldType] | undefined;
  /** What people call it. */
  readonly label: string | undefined;
}

const SLOT_SIZE_BYTES: Readonly<Record<FieldType, number>> = {
  bool: 1,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
  fixed_string: 0,
  date: 4,
  datetime: 8,
  uuid_v7: 16,
  accounting_numeric: 8,
  blob: 8,
};

/** Bytes of a type's slot; a `fixed_string`'s is its length. */
export function slotSizeBytes(type: FieldType, length: number): number {
  return type === 'fixed_string' ? length : SLOT_SIZE_BYTES[type];
}

/** Whether a string names a field type. */
export function isFieldType(name: string): name is FieldType {
  return Object.hasOwn(TypeCode, name);
}
