/** Numbers of requests, held to what their place in the frame carries: a number that wrapped around would name another row. */
import { KLaniError } from '../errors.ts';

const U32_MAX = 0xffff_ffff;

/** @throws {KLaniError} `InvalidArgument` when `value` is not an integer, 0 to 2^32 - 1 */
export function checkU32(name: string, value: number): void {
  if (value >>> 0 !== value) refuse(name, value, 0, U32_MAX);
}

/** @throws {KLaniError} `InvalidArgument` when `value` is not an integer, `min` to `max` */
export function checkCount(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) refuse(name, value, min, max);
}

function refuse(name: string, value: number, min: number, max: number): never {
  throw new KLaniError('InvalidArgument', `Cannot make or take request: ${name} is ${value}, must be an integer, ${min} to ${max}`);
}
