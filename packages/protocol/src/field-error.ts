import { KLaniError, type ErrorCode } from './errors.ts';
import type { Field } from './field.ts';

const VALUE_SHOWN_LENGTH_MAX = 40;

/** An error about the value of a field. */
export function valueError(code: ErrorCode, field: Pick<Field, 'name' | 'type'>, problem: string): KLaniError {
  return new KLaniError(code, `Cannot accept field "${field.name}" (${field.type}): ${problem}`);
}

/** An error about a value that its field's type does not have. */
export function outOfRange(field: Pick<Field, 'name' | 'type'>, value: unknown, rule: string): KLaniError {
  return valueError('FieldOutOfRange', field, `value is ${showValue(value)}, ${rule}`);
}

/** A value as messages show it: short, and on one line. */
export function showValue(value: unknown): string {
  const shown = typeof value === 'string' ? JSON.stringify(value) : nameOf(value);
  return shown.length <= VALUE_SHOWN_LENGTH_MAX ? shown : `${shown.slice(0, VALUE_SHOWN_LENGTH_MAX)}…`;
}

function nameOf(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  if (typeof value === 'object' && value !== null) return 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}
