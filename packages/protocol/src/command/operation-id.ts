import { KLaniError } from '../errors.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';

/** An operation id is 16 bytes on the wire and in records, and 32 lower-case hexadecimal digits in the public API. */
const FORM = /^[0-9a-f]{32}$/;

const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The 32 digits of the operation id at `bytes[offset]`. */
export function formatOperationId(bytes: Uint8Array, offset = 0): string {
  let digits = '';
  for (let index = offset; index < offset + OPERATION_ID_SIZE; index += 1) digits += HEX_OF_BYTE[bytes[index] as number];
  return digits;
}

/**
 * The 16 bytes of an operation id.
 *
 * @throws {KLaniError} `InvalidArgument` when it is not 32 lower-case hexadecimal digits
 */
export function parseOperationId(digits: string): Uint8Array {
  if (typeof digits !== 'string' || !FORM.test(digits)) {
    throw new KLaniError('InvalidArgument', `Cannot use operation id: value is "${digits}", must be 32 lower-case hexadecimal digits`);
  }
  const bytes = new Uint8Array(OPERATION_ID_SIZE);
  for (let index = 0; index < OPERATION_ID_SIZE; index += 1) bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  return bytes;
}
