/**
 * What a value must be for each family of field types. Each function returns what goes into the slot, or throws an error that names field,
 * value and bound.
 */
import { outOfRange, valueError } from './field-error.ts';
import { parseDate } from './field-date.ts';
import { decimalBounds, parseDecimal } from './field-decimal.ts';
import type { Field } from './field.ts';
import type { KLaniError } from './errors.ts';

/** The largest finite number of 32 bits. */
export const FLOAT32_MAX = 3.4028234663852886e38;

/** An integer from `min` to `max`. */
export function integer(field: Field, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max && Math.floor(value) === value) return value;
  if (typeof value === 'number' && !Number.isFinite(value)) throw notANumber(field, value);
  throw outOfRange(field, value, `must be an integer, ${min} to ${max}`);
}

/** A bigint from `min` to `max`. */
export function bigInteger(field: Field, value: unknown, min: bigint, max: bigint): bigint {
  if (typeof value === 'bigint' && value >= min && value <= max) return value;
  throw outOfRange(field, value, `must be a bigint, ${min} to ${max}`);
}

/** A finite number, at most `max` away from 0. */
export function float(field: Field, value: unknown, max: number): number {
  if (typeof value !== 'number') throw outOfRange(field, value, 'must be a number');
  if (!Number.isFinite(value)) throw notANumber(field, value);
  if (Math.abs(value) > max) throw outOfRange(field, value, `must be ${-max} to ${max}`);
  return value;
}

/** The days of a date. */
export function days(field: Field, value: unknown): number {
  const parsed = typeof value === 'string' ? parseDate(value) : undefined;
  if (parsed === undefined) throw outOfRange(field, value, 'must be a date, 0001-01-01 to 9999-12-31');
  return parsed;
}

/** The milliseconds of a Date. */
export function milliseconds(field: Field, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(time)) throw outOfRange(field, value, 'must be a valid Date');
  return time;
}

/** A decimal text times 10^scale: a number where that is safe, else a bigint. */
export function decimal(field: Field, value: unknown): number | bigint {
  const scaled = typeof value === 'string' ? parseDecimal(value, field.scale) : 'not_a_decimal';
  if (typeof scaled !== 'string') return scaled;
  if (scaled === 'too_many_decimals') throw outOfRange(field, value, `must have at most ${field.scale} decimals`);
  if (scaled === 'out_of_range') throw outOfRange(field, value, `must be ${decimalBounds(field.scale)}`);
  throw outOfRange(field, value, 'must be a text of decimal digits such as "-129.90"');
}

/** A well-formed text without U+0000. */
export function text(field: Field, value: unknown): string {
  if (typeof value !== 'string') throw outOfRange(field, value, 'must be a text');
  if (!value.isWellFormed()) throw valueError('InvalidUtf8', field, 'value has half of a surrogate pair, must be well-formed');
  if (value.includes('\0')) throw outOfRange(field, value, 'must not have U+0000');
  return value;
}

function notANumber(field: Field, value: number): KLaniError {
  return valueError('NotANumber', field, `value is ${value}, must be finite`);
}
