import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from './bytes-reader.ts';

function readerOf(bytes: readonly number[], start = 0, end = bytes.length): ByteReader {
  const array = Uint8Array.from(bytes);
  return new ByteReader(array, new DataView(array.buffer), start, end, 'payload');
}

test('ByteReader refuses every read past the end of its range, though there are bytes, and stays where it is', () => {
  const reads: ((reader: ByteReader) => unknown)[] = [
    (reader) => reader.u16(),
    (reader) => reader.u32(),
    (reader) => reader.f64(),
    (reader) => reader.u64(),
    (reader) => reader.u64Safe(),
    (reader) => reader.take(2),
    (reader) => reader.copy(2),
  ];
  for (const read of reads) {
    const reader = readerOf(
      Array.from({ length: 20 }, () => 0),
      3,
      4,
    );
    assert.throws(() => read(reader), { code: 'Protocol', message: /^Cannot read payload: it is cut short: needs \d bytes, 1 are left$/ });
    assert.equal(reader.offset, 3);
    assert.equal(reader.u8(), 0);
    assert.throws(() => reader.u8(), { code: 'Protocol' });
  }
});

test('ByteReader refuses a text that is cut short or not UTF-8', () => {
  assert.throws(() => readerOf([3, 0, 0x61, 0x62]).str(), { code: 'Protocol', message: /needs 3 bytes, 2 are left/ });
  assert.throws(() => readerOf([0xff, 0xff, 0xff, 0xff, 0x61]).text(), { code: 'Protocol', message: /needs 4294967295 bytes/ });
  assert.throws(() => readerOf([2, 0, 0xc3, 0x28]).str(), { code: 'InvalidUtf8' });
});

test('ByteReader.u64Safe() refuses an integer above 2^53 - 1', () => {
  assert.equal(readerOf([255, 255, 255, 255, 255, 255, 31, 0]).u64Safe(), Number.MAX_SAFE_INTEGER);
  assert.throws(() => readerOf([0, 0, 0, 0, 0, 0, 32, 0]).u64Safe(), { code: 'Protocol', message: /is 9007199254740992, must be/ });
});

test('ByteReader.expectEnd() refuses bytes that nobody read', () => {
  const reader = readerOf([1, 2]);
  reader.u8();
  assert.equal(reader.leftBytes, 1);
  assert.throws(() => reader.expectEnd(), { code: 'Protocol', message: 'Cannot read payload: 1 bytes are left after its end, must be 0' });
});

test('ByteReader asserts that its range lies in the bytes', () => {
  assert.throws(() => readerOf([1, 2], 0, 3), { name: 'AssertionError' });
  assert.throws(() => readerOf([1, 2], 2, 1), { name: 'AssertionError' });
});
