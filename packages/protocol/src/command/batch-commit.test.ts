import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import {
  BATCH_CHANGE_HANDLE_OFFSET,
  beginBatchChange,
  beginBatchCommit,
  decodeBatchCommitRequest,
  endBatchChange,
  type BatchChange,
} from './batch-commit.ts';
import { ChangeKind } from './change-kind.ts';
import { endCount } from './list.ts';

const CHANGE: BatchChange = { change: ChangeKind.replace, handle: 5, rowId: 6, tokenLow: 0, tokenHigh: 0, ifVersion: 1 };

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

/** A batch of changes that each have a row of the given bytes. */
function batch(changes: readonly BatchChange[], rowSizeBytes = 3, count = changes.length): ByteReader {
  const writer = new ByteWriter();
  const countOffset = beginBatchCommit(writer, new Uint8Array(16));
  for (const change of changes) {
    const start = beginBatchChange(writer, change);
    writer.append(new Uint8Array(rowSizeBytes).fill(7));
    endBatchChange(writer, start);
  }
  endCount(writer, countOffset, count);
  return new ByteReader(writer.bytes, writer.view, 0, writer.length, 'payload');
}

test('decodeBatchCommitRequest() gives the place of each handle and row', () => {
  const reader = batch([CHANGE, { ...CHANGE, handle: 8 }]);
  const { changes } = decodeBatchCommitRequest(reader);
  assert.deepEqual(
    changes.map(({ handleOffset, rowStart, rowEnd }) => [handleOffset, rowStart, rowEnd]),
    [
      [20 + BATCH_CHANGE_HANDLE_OFFSET, 45, 48],
      [48 + BATCH_CHANGE_HANDLE_OFFSET, 73, 76],
    ],
  );
  for (const { handle, handleOffset } of changes) assert.equal(reader.view.getUint32(handleOffset, true), handle);
});

test('decodeBatchCommitRequest() refuses an empty batch, and a count that the frame cannot hold before reading on', () => {
  assert.throws(() => decodeBatchCommitRequest(batch([])), refusal('InvalidArgument', /count of changes is 0, must be >= 1/));
  const reader = batch([CHANGE], 3, 0xffff_ffff);
  assert.throws(() => decodeBatchCommitRequest(reader), refusal('Protocol', /count is 4294967295, must be <= 1 for the 28 bytes left/));
});

test('decodeBatchCommitRequest() refuses changes that say what their kind has no use for', () => {
  const append: BatchChange = { change: ChangeKind.append, handle: 5, rowId: 0, tokenLow: 0, tokenHigh: 0, ifVersion: 0 };
  assert.equal(decodeBatchCommitRequest(batch([append])).changes.length, 1);
  assert.throws(() => decodeBatchCommitRequest(batch([{ ...append, rowId: 4 }])), refusal('InvalidArgument', /row id 4, must be 0/));
  assert.throws(
    () => decodeBatchCommitRequest(batch([{ ...append, ifVersion: 4 }])),
    refusal('InvalidArgument', /version or fencing token/),
  );
  assert.throws(
    () => decodeBatchCommitRequest(batch([{ ...append, tokenHigh: 4 }])),
    refusal('InvalidArgument', /version or fencing token/),
  );
  const remove = { ...CHANGE, change: ChangeKind.delete };
  assert.throws(() => decodeBatchCommitRequest(batch([remove])), refusal('InvalidArgument', /row 6 has 3 bytes of a row, must have 0/));
  assert.equal(decodeBatchCommitRequest(batch([remove], 0)).changes.length, 1);
});

test('decodeBatchCommitRequest() refuses a kind of change that is none', () => {
  const reader = batch([CHANGE]);
  reader.bytes[20] = 4;
  assert.throws(() => decodeBatchCommitRequest(reader), refusal('Protocol', /kind is 4, must be 1 to 3/));
});

test('beginBatchChange() refuses numbers that would wrap around', () => {
  for (const rowId of [-1, 1.5, 2 ** 32, Number.NaN]) {
    assert.throws(() => batch([{ ...CHANGE, rowId }]), refusal('InvalidArgument', /row id is .*, must be an integer, 0 to 4294967295/));
  }
});
