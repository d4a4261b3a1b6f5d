import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError } from '../errors.ts';
import { fencingToken, fencingTokenHigh, fencingTokenLow } from './fencing-token.ts';
import { formatOperationId, parseOperationId } from './operation-id.ts';

function isInvalidArgument(error: unknown): boolean {
  return error instanceof KLaniError && error.code === 'InvalidArgument';
}

test('formatOperationId() and parseOperationId() are each other’s inverse', () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, index) => index * 17);
  const digits = formatOperationId(bytes, 2);
  assert.equal(digits, '2233445566778899aabbccddeeff1021');
  assert.deepEqual(parseOperationId(digits), bytes.slice(2, 18));
});

test('parseOperationId() refuses what is not 32 lower-case hexadecimal digits', () => {
  for (const digits of ['', 'a'.repeat(31), 'a'.repeat(33), 'A'.repeat(32), 'g'.repeat(32), `${'a'.repeat(32)}\n`]) {
    assert.throws(() => parseOperationId(digits), isInvalidArgument);
  }
});

test('a fencing token keeps all 64 bits in its halves', () => {
  for (const token of [0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 3n * 2n ** 42n + 17n, 2n ** 64n - 1n]) {
    assert.equal(fencingToken(fencingTokenLow(token), fencingTokenHigh(token)), token);
  }
  assert.throws(() => fencingTokenHigh(2n ** 64n), isInvalidArgument);
  assert.throws(() => fencingTokenHigh(-1n), isInvalidArgument);
});
