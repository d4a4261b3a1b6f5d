/**
 * A fencing token is 64 bits: a bigint in the public API, and its two halves of 32 bits wherever a bigint would be garbage. Later locks
 * have larger tokens; 0 is no token.
 */
import { KLaniError } from '../errors.ts';

const HALF_BITS = 32n;
const HALF_MASK = 0xffff_ffffn;
const TOKEN_MAX = 0xffff_ffff_ffff_ffffn;

/** The token of two halves. */
export function fencingToken(low: number, high: number): bigint {
  return (BigInt(high) << HALF_BITS) | BigInt(low);
}

/** The lower 32 bits of a token. */
export function fencingTokenLow(token: bigint): number {
  return Number(token & HALF_MASK);
}

/**
 * The upper 32 bits of a token.
 *
 * @throws {KLaniError} `InvalidArgument` when it is not 0 to 2^64 - 1
 */
export function fencingTokenHigh(token: bigint): number {
  if (token < 0n || token > TOKEN_MAX) {
    throw new KLaniError('InvalidArgument', `Cannot use fencing token: value is ${token}, must be 0 to ${TOKEN_MAX}`);
  }
  return Number(token >> HALF_BITS);
}
