import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from '../bytes-reader.ts';
import { ByteWriter } from '../bytes-writer.ts';
import { KLaniError, type ErrorCode } from '../errors.ts';
import { beginPage, decodePageAnswer, endPage } from './cursor-commands.ts';
import { decodeOperationStatusAnswer, encodeOperationStatusAnswer } from './operation-status.ts';
import { decodeFetchRequest, decodeRowIds, encodeFetchRequest, encodeRowIds, encodeSeekRequest } from './read-commands.ts';
import { decodeErrorAnswer, encodeErrorAnswer } from './system-commands.ts';
import { decodeRows, decodeSeekAnswer, encodeVersionedRow } from './versioned-row.ts';

function refusal(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KLaniError && error.code === code && message.test(error.message);
}

function readerOf(writer: ByteWriter): ByteReader {
  return new ByteReader(writer.bytes, writer.view, 0, writer.length, 'payload');
}

test('encodeSeekRequest() refuses row ids that would wrap around and name another row', () => {
  for (const rowId of [-1, 1.5, 2 ** 32, Number.NaN]) {
    assert.throws(() => encodeSeekRequest(new ByteWriter(), 1, rowId), refusal('InvalidArgument', /row id is /));
  }
});

test('encodeFetchRequest() refuses one wrong id among many before it writes any', () => {
  const writer = new ByteWriter();
  assert.throws(() => encodeFetchRequest(writer, 1, [1, 2, -3]), refusal('InvalidArgument', /row id is -3/));
  assert.equal(writer.length, 0);
});

test('decodeFetchRequest() and decodeRowIds() refuse a count that the frame cannot hold before reading on', () => {
  const writer = new ByteWriter();
  encodeFetchRequest(writer, 1, [1, 2]);
  writer.view.setUint32(4, 0xffff_ffff, true);
  assert.throws(() => decodeFetchRequest(readerOf(writer)), refusal('Protocol', /count is 4294967295, must be <= 2 for the 8 bytes left/));
  writer.reset();
  encodeRowIds(writer, [1, 2, 3], 2);
  writer.view.setUint32(0, 3, true);
  assert.throws(() => decodeRowIds(readerOf(writer)), refusal('Protocol', /count is 3, must be <= 2/));
});

test('decodeRows() refuses a count that the frame cannot hold before reading on', () => {
  const writer = new ByteWriter();
  writer.u32(1_000_000);
  assert.throws(() => decodeRows(readerOf(writer)), refusal('Protocol', /count is 1000000, must be <= 0 for the 0 bytes left/));
});

test('decodeSeekAnswer() refuses an lsn above 2^53', () => {
  const writer = new ByteWriter();
  encodeVersionedRow(writer, { rowId: 1, version: 1, lsn: 5, bytes: new Uint8Array(4), start: 1, end: 3 });
  assert.deepEqual(decodeSeekAnswer(readerOf(writer)), { rowId: 1, version: 1, lsn: 5, rowStart: 20, rowEnd: 22 });
  writer.bytes[15] = 1;
  assert.throws(() => decodeSeekAnswer(readerOf(writer)), refusal('Protocol', /lsn is \d+, must be < 2\^53/));
});

test('decodePageAnswer() refuses a page that is done and has a cursor', () => {
  const writer = new ByteWriter();
  endPage(writer, beginPage(writer, 9), 0, 0);
  assert.deepEqual(decodePageAnswer(readerOf(writer)), { cursor: 0, lsn: 9, done: true, rows: [] });
  writer.bytes[0] = 3;
  assert.throws(() => decodePageAnswer(readerOf(writer)), refusal('Protocol', /done is 1 and the cursor 3/));
});

test('decodeOperationStatusAnswer() refuses a state that is none', () => {
  const writer = new ByteWriter();
  encodeOperationStatusAnswer(writer, { state: 'unknown' });
  assert.deepEqual(decodeOperationStatusAnswer(readerOf(writer)), { state: 'unknown' });
  writer.bytes[0] = 2;
  assert.throws(() => decodeOperationStatusAnswer(readerOf(writer)), refusal('Protocol', /state is 2/));
});

test('decodeErrorAnswer() makes the error of a number, and names one that it does not know', () => {
  const writer = new ByteWriter();
  encodeErrorAnswer(writer, 'Cannot lock row 7: it is locked\ud800');
  const known = decodeErrorAnswer(readerOf(writer), 2, 250);
  assert.equal(known.code, 'AlreadyLocked');
  assert.equal(known.retryAfterMs, 250);
  assert.equal(known.message, 'Cannot lock row 7: it is locked\ufffd');
  const unknown = decodeErrorAnswer(readerOf(writer), 65_000, 0);
  assert.equal(unknown.code, 'Protocol');
  assert.equal(unknown.retryAfterMs, undefined);
  assert.match(unknown.message, /error number is 65000, .*: Cannot lock row 7/);
});
