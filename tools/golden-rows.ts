import { ByteReader, ByteWriter, decodeSchema, type FieldType, type JsonFieldValue, type RowLayout, rowLayoutOf } from '@k-lani/protocol';
import { encodeJsonRow, fromHex, jsonRow, type JsonRow, toHex } from './wire-form.ts';

/** One row of `golden/rows.json`, with the schema that it is of. */
export interface GoldenRow {
  readonly name: string;
  readonly schema: JsonSchema;
  /** The whole row. Of a table with one required field it is the slot, for a blob followed by the bytes. */
  readonly hex: string;
  readonly value: JsonRow;
}

interface JsonField {
  readonly name: string;
  readonly type: FieldType;
  readonly length?: number;
  readonly scale?: number;
  readonly required?: boolean;
}

interface JsonSchema {
  readonly table: string;
  readonly version: number;
  readonly fields: readonly JsonField[];
}

/** Values of each type that show its bounds, signs and byte order. */
const SLOTS: readonly (Omit<JsonField, 'name'> & { readonly values: readonly JsonFieldValue[] })[] = [
  { type: 'bool', values: [false, true] },
  { type: 'uint8', values: [0, 255] },
  { type: 'uint16', values: [258, 65_535] },
  { type: 'uint32', values: [16_909_060, 4_294_967_295] },
  { type: 'uint64', values: ['72623859790382856', '18446744073709551615'] },
  { type: 'int8', values: [-128, -1, 127] },
  { type: 'int16', values: [-32_768, -2, 258] },
  { type: 'int32', values: [-2_147_483_648, -2, 16_909_060] },
  { type: 'int64', values: ['-9223372036854775808', '-2', '72623859790382856'] },
  { type: 'float32', values: [1.5, -0.25, 3.4028234663852886e38] },
  { type: 'float64', values: [0.1, -1e300] },
  { type: 'fixed_string', length: 8, values: ['', 'Zoë', '12345678'] },
  { type: 'date', values: ['0001-01-01', '1970-01-01', '2026-12-31', '9999-12-31'] },
  { type: 'datetime', values: ['1969-12-31T23:59:59.999Z', '2026-12-31T20:00:00.000Z'] },
  { type: 'uuid_v7', values: ['0198c5f2-7a5b-7c3d-8e9f-0a1b2c3d4e5f'] },
  { type: 'accounting_numeric', scale: 2, values: ['0.00', '129.90', '-0.01', '92233720368547758.07'] },
  { type: 'accounting_numeric', scale: 0, values: ['-7'] },
  { type: 'blob', values: ['', 'AQID'] },
];

const ALL_TYPES: readonly JsonField[] = SLOTS.filter(({ scale }) => scale !== 0).map((slot) => {
  const { values, ...field } = slot;
  return { name: `a_${field.type}`, ...field, required: values.length === 0 };
});

/** Every row, made by this code. */
export function goldenRows(): readonly GoldenRow[] {
  const slots = SLOTS.flatMap(({ values, ...field }) => {
    const scale = field.scale === undefined ? '' : ` of scale ${field.scale}`;
    const schema = { table: 'one_field', version: 1, fields: [{ name: 'value', ...field }] };
    return values.map((value) => goldenRow(`${field.type}${scale} ${JSON.stringify(value)}`, schema, { value }));
  });
  const schema = { table: 'all_types', version: 1, fields: ALL_TYPES };
  const last = (type: FieldType): JsonFieldValue => SLOTS.find((slot) => slot.type === type)?.values.at(-1) ?? null;
  const rowOf = (value: (field: JsonField, index: number) => JsonFieldValue): JsonRow =>
    Object.fromEntries(ALL_TYPES.map((field, index) => [field.name, value(field, index)]));
  const blobs: JsonSchema = {
    table: 'two_blobs',
    version: 1,
    fields: [
      { name: 'first', type: 'blob', required: false },
      { name: 'number', type: 'uint16' },
      { name: 'second', type: 'blob' },
    ],
  };
  return [
    ...slots,
    goldenRow(
      'all types, none null',
      schema,
      rowOf(({ type }) => last(type)),
    ),
    goldenRow(
      'all types, every second null',
      schema,
      rowOf(({ type }, index) => (index % 2 === 0 ? null : last(type))),
    ),
    goldenRow(
      'all types, all null',
      schema,
      rowOf(() => null),
    ),
    goldenRow('two blobs', blobs, { first: 'AQID', number: 258, second: 'BAU=' }),
    goldenRow('two blobs, the first null', blobs, { first: null, number: 258, second: 'BAU=' }),
  ];
}

/** The bytes of a row. */
export function rowHex(schema: JsonSchema, value: JsonRow): string {
  const writer = new ByteWriter();
  encodeJsonRow(writer, value, layoutOf(schema));
  return toHex(writer.bytes, 0, writer.length);
}

/** The row that bytes hold, checked. */
export function readRow({ schema, hex }: GoldenRow): JsonRow {
  const bytes = fromHex(hex);
  const reader = new ByteReader(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return jsonRow(reader, 0, bytes.length, layoutOf(schema));
}

function goldenRow(name: string, schema: JsonSchema, value: JsonRow): GoldenRow {
  return { name, schema, hex: rowHex(schema, value), value };
}

function layoutOf(schema: JsonSchema): RowLayout {
  return rowLayoutOf(decodeSchema(schema));
}
