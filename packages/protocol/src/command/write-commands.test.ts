import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import {
  decodeChangeAnswer,
  decodeLockRequest,
  decodeReplaceRequest,
  encodeChangeAnswer,
  encodeLockRequest,
  encodeReplaceRequest,
  encodeUnlockRequest,
  type RowTarget,
} from './write-commands.ts';

const OPERATION_ID = Uint8Array.from({ length: 16 }, (_, index) => 16 + index);
const TARGET: RowTarget = { handle: 5, rowId: 6, tokenLow: 7, tokenHigh: 8, ifVersion: 9 };
const NO_U32: readonly number[] = [-1, 1.5, 2 ** 32, Number.NaN];

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

function readerOf(writer: ByteWriter): ByteReader {
  return new ByteReader(writer.bytes, writer.view, 0, writer.length, 'payload');
}

test('decodeReplaceRequest() gives the places of handle, operation id and row', () => {
  const writer = new ByteWriter();
  encodeReplaceRequest(writer, OPERATION_ID, TARGET, true);
  writer.append(Uint8Array.of(1, 2, 3));
  assert.deepEqual(decodeReplaceRequest(readerOf(writer)), {
    ...TARGET,
    handleOffset: 0,
    operationIdOffset: 4,
    unlock: true,
    rowStart: 37,
    rowEnd: 40,
  });
  assert.deepEqual(writer.bytes.slice(4, 20), OPERATION_ID);
});

test('decodeReplaceRequest() refuses unknown flags', () => {
  const writer = new ByteWriter();
  encodeReplaceRequest(writer, OPERATION_ID, TARGET, false);
  writer.bytes[36] = 2;
  assert.throws(() => decodeReplaceRequest(readerOf(writer)), refusal('Protocol', /flags are 2, must be 0 or 1/));
});

test('requests refuse row ids, versions and leases that would wrap around', () => {
  const writer = new ByteWriter();
  for (const wrong of NO_U32) {
    assert.throws(() => encodeLockRequest(writer, 1, wrong, 0), refusal('InvalidArgument', /row id is .* 0 to 4294967295/));
    assert.throws(() => encodeLockRequest(writer, 1, 1, wrong), refusal('InvalidArgument', /leaseMs is /));
    assert.throws(() => encodeUnlockRequest(writer, { ...TARGET, rowId: wrong }), refusal('InvalidArgument', /row id is /));
    const target = { ...TARGET, ifVersion: wrong };
    assert.throws(() => encodeReplaceRequest(writer, OPERATION_ID, target, true), refusal('InvalidArgument', /ifVersion is /));
  }
});

test('decodeLockRequest() refuses a payload that is cut short or too long', () => {
  const writer = new ByteWriter();
  encodeLockRequest(writer, 1, 2, 3);
  writer.u8(0);
  assert.throws(() => decodeLockRequest(readerOf(writer)), refusal('Protocol', /1 bytes are left after its end, must be 0/));
  writer.length = 11;
  assert.throws(() => decodeLockRequest(readerOf(writer)), refusal('Protocol', /needs 12 bytes, 11 are left/));
});

test('an lsn above 32 bits passes, and one above 2^53 is refused', () => {
  const writer = new ByteWriter();
  encodeChangeAnswer(writer, 1, 2, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(decodeChangeAnswer(readerOf(writer)), { rowId: 1, version: 2, lsn: Number.MAX_SAFE_INTEGER });
  writer.bytes[14] = 0x20;
  assert.throws(() => decodeChangeAnswer(readerOf(writer)), refusal('Protocol', /must be <= 9007199254740991/));
});
