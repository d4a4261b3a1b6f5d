/**
 * The rules of schemas, checked in one place for all the forms a schema comes in: a literal, JSON and YAML.
 *
 *  1. A table's name is of ASCII letters, digits, `_` and `-`, 1 to 128 bytes. Its version is 1 to 2^32 - 1.
 *  2. It has 1 to 256 fields, and their slots and null bits take at most 65,535 bytes.
 *  3. A field's name begins with an ASCII letter and goes on with letters, digits, `_` and `-`, 1 to 64 bytes; no two are equal, and
 *     none is the name of something that every JavaScript object has.
 *  4. `length` is given for `fixed_string` and only there: 1 to 4,096, indexed 1 to 256.
 *  5. `scale` is given for `accounting_numeric` and only there: 0 to 18.
 *  6. A `blob` has no index and no default.
 *  7. A default is a value of its field. A `unique` field has none.
 *  8. `ownerField` names a required field that is not a blob.
 *  9. There are no other keys.
 */
import { ByteWriter } from './bytes-writer.ts';
import { utf8SizeBytes } from './bytes-utf8.ts';
import { KLaniError } from './errors.ts';
import { showValue } from './field-error.ts';
import { SLOT_CODECS } from './field-slot.ts';
import {
  INDEX_KINDS,
  INDEXED_STRING_SIZE_BYTES_MAX,
  SCALE_MAX,
  STRING_SIZE_BYTES_MAX,
  TypeCode,
  isFieldType,
  slotSizeBytes,
  type Field,
  type FieldType,
  type IndexKind,
} from './field.ts';
import type { FieldDefinitions, TableDefinition, TableSchema } from './schema-types.ts';

/** The longest name of a table, in bytes. */
export const TABLE_NAME_SIZE_BYTES_MAX = 128;
/** The longest name of a field, in bytes. */
export const FIELD_NAME_SIZE_BYTES_MAX = 64;
/** The most fields of a table. */
export const FIELDS_MAX = 256;
/** The largest part of a row that is not blobs: null bits and slots. */
export const ROW_FIXED_SIZE_BYTES_MAX = 65_535;
/** The highest version of a schema. */
export const SCHEMA_VERSION_MAX = 0xffff_ffff;
const LABEL_SIZE_BYTES_MAX = 256;

const TABLE_NAME = /^[A-Za-z0-9_-]{1,128}$/;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const TABLE_KEYS: ReadonlySet<string> = new Set(['table', 'version', 'ownerField', 'fields']);
const FIELD_KEYS: ReadonlySet<string> = new Set(['name', 'type', 'length', 'scale', 'required', 'index', 'default', 'label']);

/** A schema of which nothing is known yet but its outer form. */
export interface RawSchema {
  readonly [key: string]: unknown;
  readonly fields: readonly RawField[];
}

/** A field of which nothing is known yet. */
export type RawField = Readonly<Record<string, unknown>>;

/** The place in a raw schema: `['fields', 2, 'length']`. */
export type SchemaPath = readonly (string | number)[];

/** Makes the error for a rule that is broken at a place; the places are those of the form that was read. */
export type SchemaProblem = (path: SchemaPath, problem: string, cause?: unknown) => KLaniError;

/**
 * Declares a table. The types of its rows and terms follow from the literal.
 *
 * ```ts
 * const seats = defineTable({
 *   table: 'seats',
 *   fields: {
 *     rank: { type: 'uint32', index: 'non_unique' },
 *     price: { type: 'accounting_numeric', scale: 2, index: 'ordered' },
 *     buyer: { type: 'fixed_string', length: 32, required: false },
 *   },
 * });
 * type Seat = RowOf<typeof seats>; // { rank: number; price: string; buyer: string | null }
 * ```
 *
 * @throws {KLaniError} `SchemaValidation` when it breaks a rule; the message names key, value and rule
 */
export function defineTable<const F extends FieldDefinitions>(definition: TableDefinition<F>): TableSchema<F> {
  const fields = Object.entries(definition.fields).map(([name, field]): RawField => ({ name, ...field }));
  const schema = checkSchema({ ...definition, fields }, (_path, problem, cause) => schemaError(definition.table, problem, cause));
  return schema as TableSchema<F>;
}

/** The error for a schema that breaks a rule. */
export function schemaError(table: unknown, problem: string, cause?: unknown): KLaniError {
  const name = typeof table === 'string' ? ` ${showValue(table)}` : '';
  return new KLaniError('SchemaValidation', `Cannot define table${name}: ${problem}`, { cause });
}

/** The schema of a raw one that keeps the rules. */
export function checkSchema(raw: RawSchema, problemAt: SchemaProblem): TableSchema {
  for (const key of Object.keys(raw)) {
    if (!TABLE_KEYS.has(key)) throw problemAt([key], `key ${showValue(key)} is unknown`);
  }
  const { table, version = 1, ownerField } = raw;
  if (typeof table !== 'string' || !TABLE_NAME.test(table)) {
    throw problemAt(['table'], `name is ${showValue(table)}, must be 1 to 128 ASCII letters, digits, "_" or "-"`);
  }
  if (!isInteger(version, 1, SCHEMA_VERSION_MAX)) {
    throw problemAt(['version'], `version is ${showValue(version)}, must be an integer, 1 to ${SCHEMA_VERSION_MAX}`);
  }
  if (raw.fields.length === 0 || raw.fields.length > FIELDS_MAX) {
    throw problemAt(['fields'], `number of fields is ${raw.fields.length}, must be 1 to ${FIELDS_MAX}`);
  }
  const fields = raw.fields.map((field, index) => checkField(field, index, problemAt));
  checkNames(fields, problemAt);
  const sizeBytes = rowFixedSizeBytes(fields);
  if (sizeBytes > ROW_FIXED_SIZE_BYTES_MAX) {
    throw problemAt(['fields'], `size of a row without blobs is ${sizeBytes} bytes, must be <= ${ROW_FIXED_SIZE_BYTES_MAX}`);
  }
  const schema = { table, version, ownerField: checkOwner(ownerField, fields, problemAt), fields: Object.freeze(fields) };
  return Object.freeze(schema);
}

/** Bytes of the null bits: one for every eight fields that are not required, rounded up. */
export function nullBitsSizeBytes(fields: readonly Field[]): number {
  return Math.ceil(fields.filter((field) => !field.required).length / 8);
}

function rowFixedSizeBytes(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + field.sizeBytes, nullBitsSizeBytes(fields));
}

function checkNames(fields: readonly Field[], problemAt: SchemaProblem): void {
  const names = new Set<string>();
  for (const [index, { name }] of fields.entries()) {
    if (names.has(name)) throw problemAt(['fields', index, 'name'], `field "${name}" is defined twice`);
    names.add(name);
  }
}

function checkOwner(owner: unknown, fields: readonly Field[], problemAt: SchemaProblem): string | undefined {
  if (owner === undefined) return undefined;
  const field = fields.find(({ name }) => name === owner);
  if (field === undefined) throw problemAt(['ownerField'], `owner field is ${showValue(owner)}, must be the name of a field`);
  if (!field.required || field.type === 'blob') {
    throw problemAt(['ownerField'], `owner field is "${field.name}", must be a required field that is not a blob`);
  }
  return field.name;
}

function checkField(raw: RawField, position: number, problemAt: SchemaProblem): Field {
  const at = (key: string): SchemaPath => ['fields', position, key];
  const { name, type, required = true, label } = raw;
  if (typeof name !== 'string' || !FIELD_NAME.test(name) || name in Object.prototype) {
    const rule = 'must be an ASCII letter, then at most 63 letters, digits, "_" or "-", and no name that every object has';
    throw problemAt(at('name'), `name of field ${position} is ${showValue(name)}, ${rule}`);
  }
  const problem = (key: string, text: string): KLaniError => problemAt(at(key), `field "${name}": ${text}`);
  for (const key of Object.keys(raw)) {
    if (!FIELD_KEYS.has(key)) throw problem(key, `key ${showValue(key)} is unknown`);
  }
  if (typeof type !== 'string' || !isFieldType(type)) {
    throw problem('type', `type is ${showValue(type)}, must be one of ${Object.keys(TypeCode).join(', ')}`);
  }
  if (typeof required !== 'boolean') throw problem('required', `required is ${showValue(required)}, must be true or false`);
  if (label !== undefined && (typeof label !== 'string' || !label.isWellFormed() || utf8SizeBytes(label) > LABEL_SIZE_BYTES_MAX)) {
    throw problem('label', `label is ${showValue(label)}, must be a text of at most ${LABEL_SIZE_BYTES_MAX} bytes`);
  }
  const index = checkIndex(raw, type, problem);
  const field: Field = {
    name,
    type,
    typeCode: TypeCode[type],
    sizeBytes: slotSizeBytes(type, checkLength(raw, type, problem)),
    scale: checkScale(raw, type, problem),
    required,
    index,
    default: undefined,
    label,
  };
  return Object.freeze({ ...field, default: checkDefault(raw, field, at('default'), problemAt) });
}

type FieldProblem = (key: string, text: string) => KLaniError;

function checkIndex(raw: RawField, type: FieldType, problem: FieldProblem): IndexKind | undefined {
  if (raw['index'] === undefined) return undefined;
  const index = INDEX_KINDS.find((kind) => kind === raw['index']);
  if (index === undefined) throw problem('index', `index is ${showValue(raw['index'])}, must be one of ${INDEX_KINDS.join(', ')}`);
  if (type === 'blob') throw problem('index', `index is ${index}, must be left out: a blob cannot be indexed`);
  return index;
}

function checkLength({ length, index }: RawField, type: FieldType, problem: FieldProblem): number {
  if (type !== 'fixed_string') {
    if (length !== undefined) throw problem('length', `length is ${showValue(length)}, must be left out for ${type}`);
    return 0;
  }
  const max = index === undefined ? STRING_SIZE_BYTES_MAX : INDEXED_STRING_SIZE_BYTES_MAX;
  const kind = index === undefined ? '' : ' for an indexed field';
  if (!isInteger(length, 1, max)) throw problem('length', `length is ${showValue(length)}, must be an integer, 1 to ${max}${kind}`);
  return length;
}

function checkScale({ scale }: RawField, type: FieldType, problem: FieldProblem): number {
  if (type !== 'accounting_numeric') {
    if (scale !== undefined) throw problem('scale', `scale is ${showValue(scale)}, must be left out for ${type}`);
    return 0;
  }
  if (!isInteger(scale, 0, SCALE_MAX)) throw problem('scale', `scale is ${showValue(scale)}, must be an integer, 0 to ${SCALE_MAX}`);
  return scale;
}

function checkDefault(raw: RawField, field: Field, path: SchemaPath, problemAt: SchemaProblem): Field['default'] {
  const value = raw['default'];
  if (value === undefined) return undefined;
  const broken = `field "${field.name}": default is ${showValue(value)}`;
  if (field.type === 'blob') throw problemAt(path, `${broken}, must be left out for blob`);
  if (field.index === 'unique') throw problemAt(path, `${broken}, must be left out for a unique field`);
  const slot = new ByteWriter({ capacityBytes: field.sizeBytes });
  const offset = slot.reserve(field.sizeBytes);
  try {
    SLOT_CODECS[field.type].write(field, value, slot.bytes, slot.view, offset);
  } catch (cause) {
    throw problemAt(path, `${broken}: ${cause instanceof Error ? cause.message : ''}`, cause);
  }
  // Read back, it is the canonical form, and no object that the caller still holds.
  return SLOT_CODECS[field.type].read(field, slot.bytes, slot.view, offset, 0) ?? undefined;
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}
