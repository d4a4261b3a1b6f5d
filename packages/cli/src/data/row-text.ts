/** Rows between their stored form and what people type and read. */
import {
  type DynamicSchema,
  exactNumber,
  type Field,
  type FieldValue,
  fieldValueFromJson,
  fieldValueFromText,
  fieldValueToJson,
  type JsonFieldValue,
  KLaniError,
  type NewRowOf,
  type RowOf,
  showValue,
  type TableSchema,
} from '@k-lani/protocol';
import { plain } from '../output/plain-text.ts';

/** A row of a table whose fields are known only at run time. */
export type Row = RowOf<DynamicSchema>;

/** A row to be written. */
export type NewRow = NewRowOf<DynamicSchema>;

const TEXT_LENGTH_MAX = 120;

/**
 * The row in a line of JSON: an object with a key for each field.
 *
 * @throws {KLaniError} `InvalidArgument` when it is no JSON object, `UnknownField`, `FieldOutOfRange`
 */
export function rowFromJson(schema: TableSchema, text: string): NewRow {
  const json = parseJson(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new KLaniError('InvalidArgument', `Cannot read row: it is ${shorten(text)}, must be a JSON object such as {"rank": 1}`);
  }
  const row: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(json)) row[name] = fieldValueFromJson(fieldNamed(schema, name), value);
  return row;
}

/**
 * The row in words such as `rank=1` and `buyer=null`.
 *
 * @throws {KLaniError} `InvalidArgument`, `UnknownField`, `FieldOutOfRange`
 */
export function rowFromWords(schema: TableSchema, words: readonly string[]): NewRow {
  const row: Record<string, FieldValue> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new KLaniError('InvalidArgument', `Cannot read row: ${shorten(word)} must be field=value, or one JSON object`);
    const field = fieldNamed(schema, word.slice(0, at).trim());
    if (Object.hasOwn(row, field.name)) throw new KLaniError('InvalidArgument', `Cannot read row: field "${field.name}" is given twice`);
    row[field.name] = valueFromWord(field, word.slice(at + 1));
  }
  return row;
}

/** The row as JSON holds it. */
export function rowToJson(row: Row): Record<string, JsonFieldValue> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, fieldValueToJson(value)]));
}

/** A value for people, in one line; long ones are cut. */
export function valueText(value: FieldValue | undefined): string {
  if (value === undefined) return '';
  const json = fieldValueToJson(value);
  return json === null ? 'null' : shorten(String(json));
}

/** A value that a person typed: `null`, a text in double quotes (for the text `null`, or one that begins with a quote), or as it is. */
export function valueFromWord(field: Field, word: string): FieldValue {
  if (word === 'null') return null;
  if (!word.startsWith('"')) return fieldValueFromText(field, word);
  const text = parseJson(word);
  return fieldValueFromText(field, typeof text === 'string' ? text : word);
}

/** @throws {KLaniError} `UnknownField`, with the names that there are */
export function fieldNamed(schema: TableSchema, name: string): Field {
  const field = schema.fields.find((one) => one.name === name);
  if (field !== undefined) return field;
  const names = schema.fields.map((one) => one.name).join(', ');
  throw new KLaniError('UnknownField', `Table "${schema.table}" has no field ${showValue(name)}; its fields are ${names}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, exactly);
  } catch (cause) {
    const reason = cause instanceof Error ? plain(cause.message) : '';
    throw new KLaniError('InvalidArgument', `Cannot read JSON: ${shorten(text)}: ${reason}`, { cause });
  }
}

/** Keeps integers that a number does not hold exactly. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? exactNumber(context.source) : value;
}

function shorten(text: string): string {
  const safe = plain(text);
  return safe.length <= TEXT_LENGTH_MAX ? safe : `${safe.slice(0, TEXT_LENGTH_MAX - 1)}…`;
}
