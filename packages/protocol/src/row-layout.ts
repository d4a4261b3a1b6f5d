/**
 * Where everything is in a row. Little-endian, nothing is aligned; offsets count from the first byte of the row.
 *
 * | part | size | meaning |
 * | --- | --- | --- |
 * | null bits | fields that are not required ÷ 8, rounded up | one bit for each of them in schema order, the lowest bit of the first byte first; 1: null |
 * | slots | the sum of the slots | one for each field in schema order, as `field.ts` says |
 * | heap | the sum of the blobs | the bytes of the blobs that are not null, in schema order without gaps |
 *
 * 1. Null bits that belong to no field are 0. The slot of a null field is all zeros.
 * 2. The slot of a blob holds the offset of its first byte and its length: the first blob begins where the slots end, each next one where
 *    the one before ended, and the row ends where the last one does. An empty blob has the offset where its bytes would be.
 * 3. Equal rows have equal bytes (but for 0 and -0 of floats), so rows can be compared without decoding them.
 */
import { KLaniError } from './errors.ts';
import { showValue } from './field-error.ts';
import { SLOT_CODECS, type SlotCodec, type SlotReader } from './field-slot.ts';
import { TypeCode, type Field } from './field.ts';
import type { TableSchema } from './schema-types.ts';
import { nullBitsSizeBytes } from './schema.ts';

/** Where one field is in a row. */
export interface FieldLayout {
  readonly field: Field;
  readonly name: string;
  readonly isBlob: boolean;
  readonly codec: SlotCodec;
  /** That of the codec, one step nearer to the loop that reads rows. */
  readonly read: SlotReader;
  /** Of the slot, from the start of the row. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** Of the byte with the field's null bit. */
  readonly nullOffset: number;
  /** The null bit in that byte; 0 for a required field. */
  readonly nullMask: number;
}

/** Where everything is in the rows of one version of a schema. Immutable; made once and kept. */
export interface RowLayout<S extends TableSchema = TableSchema> {
  readonly schema: S;
  readonly fields: readonly FieldLayout[];
  /** Positions of the fields by name. */
  readonly positions: ReadonlyMap<string, number>;
  readonly nullBitsSizeBytes: number;
  /** In the last byte of the null bits, those that belong to no field. */
  readonly nullBitsUnusedMask: number;
  /** Null bits and slots: the size of a row whose blobs are empty. */
  readonly fixedSizeBytes: number;
  readonly hasBlobs: boolean;
  /** The fields whose bits can be wrong; in the others every pattern is a value. */
  readonly fieldsToValidate: readonly FieldLayout[];
}

/** The layout of a schema's rows. */
export function rowLayoutOf<S extends TableSchema>(schema: S): RowLayout<S> {
  const nullBytes = nullBitsSizeBytes(schema.fields);
  let offset = nullBytes;
  let nullBit = 0;
  const fields = schema.fields.map((field): FieldLayout => {
    const { name, sizeBytes, required } = field;
    const place = { offset, nullOffset: required ? 0 : nullBit >> 3, nullMask: required ? 0 : 1 << (nullBit & 7) };
    offset += sizeBytes;
    if (!required) nullBit += 1;
    const codec = SLOT_CODECS[field.type];
    return Object.freeze({ field, name, isBlob: field.typeCode === TypeCode.blob, codec, read: codec.read, sizeBytes, ...place });
  });
  return Object.freeze({
    schema,
    fields: Object.freeze(fields),
    positions: new Map(fields.map(({ name }, position) => [name, position])),
    nullBitsSizeBytes: nullBytes,
    nullBitsUnusedMask: nullBit % 8 === 0 ? 0 : (0xff << (nullBit % 8)) & 0xff,
    fixedSizeBytes: offset,
    hasBlobs: fields.some(({ isBlob }) => isBlob),
    fieldsToValidate: Object.freeze(fields.filter(({ field }) => !field.required || SLOT_CODECS[field.type].validate !== undefined)),
  });
}

/**
 * The layout of a field by its position in the schema.
 *
 * @throws {KLaniError} `UnknownField`
 */
export function fieldLayoutAt(layout: RowLayout, position: number): FieldLayout {
  const field = layout.fields[position];
  if (field !== undefined) return field;
  const problem = `field number is ${position}, must be 0 to ${layout.fields.length - 1}`;
  throw new KLaniError('UnknownField', `Cannot find field in table "${layout.schema.table}": ${problem}`);
}

/**
 * The position of a field in the schema.
 *
 * @throws {KLaniError} `UnknownField`
 */
export function fieldPositionOf(layout: RowLayout, name: string): number {
  const position = layout.positions.get(name);
  if (position !== undefined) return position;
  const names = layout.fields.map((field) => field.name).join(', ');
  throw new KLaniError('UnknownField', `Cannot find field ${showValue(name)} in table "${layout.schema.table}": its fields are ${names}`);
}

/**
 * Refuses a term that the field's index cannot answer.
 *
 * @throws {KLaniError} `FieldNotIndexed`
 */
export function expectIndexed({ schema }: RowLayout, { name, index }: Field, term: 'equality' | 'range'): void {
  if (index === 'unique' || index === 'ordered' || (index === 'non_unique' && term === 'equality')) return;
  const problem =
    index === undefined ? 'it has no index' : 'its index is non_unique, which answers equality only: declare it as index: ordered';
  throw new KLaniError('FieldNotIndexed', `Cannot ask field "${name}" of table "${schema.table}" for ${term}: ${problem}`);
}

/** Whether the field of the row that begins at `rowOffset` is null. */
export function isNullField(field: FieldLayout, bytes: Uint8Array, rowOffset: number): boolean {
  return field.nullMask !== 0 && ((bytes[rowOffset + field.nullOffset] as number) & field.nullMask) !== 0;
}
