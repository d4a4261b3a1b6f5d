/**
 * The values of fields in JSON and as plain text, for schemas, the command line and reports. JSON holds them as follows: `bool`, floats
 * and integers up to 32 bits as they are; integers of 64 bits as decimal texts; `datetime` as an ISO 8601 text; `blob` as base64; the
 * rest as their texts.
 */
import { outOfRange } from './field-error.ts';
import type { Field, FieldType, FieldValue } from './field.ts';

/** A value of a field as JSON holds it. */
export type JsonFieldValue = boolean | number | string | null;

const INTEGER = /^-?\d{1,20}$/;
const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const ISO_DATETIME = /^[+-]?\d{4,6}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The JSON of a value; `fieldValueFromJson` gives the value back. */
export function fieldValueToJson(value: FieldValue): JsonFieldValue {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return toBase64(value);
  return value;
}

/**
 * The value that JSON holds for a field. Its form is checked, not its range: that happens when the value is written.
 *
 * @param json with a bigint for an integer that a number does not hold exactly
 * @throws {KLaniError} `FieldOutOfRange` when the JSON is not a form of the field's type
 */
export function fieldValueFromJson(field: Pick<Field, 'name' | 'type'>, json: unknown): FieldValue {
  if (json === null) return null;
  switch (FORMS[field.type]) {
    case 'boolean':
      if (typeof json === 'boolean') return json;
      break;
    case 'number':
      if (typeof json === 'number') return json;
      if (typeof json === 'bigint') return isFloat(field) ? Number(json) : json;
      break;
    case 'bigint':
      if (typeof json === 'bigint') return json;
      if (typeof json === 'string' && INTEGER.test(json)) return BigInt(json);
      if (typeof json === 'number' && Number.isSafeInteger(json)) return BigInt(json);
      break;
    case 'datetime':
      if (typeof json === 'string' && ISO_DATETIME.test(json)) return new Date(json);
      break;
    case 'blob':
      if (typeof json === 'string' && BASE64.test(json)) return fromBase64(json);
      break;
    case 'text':
      if (typeof json === 'string') return json;
      break;
  }
  throw outOfRange(field, json, `must be ${EXPECTED[FORMS[field.type]]}`);
}

/**
 * The value that a person typed for a field: as in JSON, with numbers and `true` or `false` written out.
 *
 * @throws {KLaniError} `FieldOutOfRange` when the text is not a form of the field's type
 */
export function fieldValueFromText(field: Pick<Field, 'name' | 'type'>, text: string): FieldValue {
  const form = FORMS[field.type];
  if (form === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (form === 'number' && DECIMAL.test(text)) return fieldValueFromJson(field, exactNumber(text));
  return fieldValueFromJson(field, text);
}

/** The number that a decimal text stands for: a bigint for an integer that a number does not hold exactly, so that nothing else is told of it. */
export function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

function isFloat({ type }: Pick<Field, 'type'>): boolean {
  return type === 'float32' || type === 'float64';
}

type Form = 'boolean' | 'number' | 'bigint' | 'text' | 'datetime' | 'blob';

const FORMS: Readonly<Record<FieldType, Form>> = {
  bool: 'boolean',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'bigint',
  int8: 'number',
  int16: 'number',
  int32: 'number',
  int64: 'bigint',
  float32: 'number',
  float64: 'number',
  fixed_string: 'text',
  date: 'text',
  datetime: 'datetime',
  uuid_v7: 'text',
  accounting_numeric: 'text',
  blob: 'blob',
};

const EXPECTED: Readonly<Record<Form, string>> = {
  boolean: 'true or false',
  number: 'a number',
  bigint: 'an integer, or its text',
  text: 'a text',
  datetime: 'an ISO 8601 text such as "2026-12-31T20:00:00Z"',
  blob: 'a base64 text',
};

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
