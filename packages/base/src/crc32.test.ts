import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc32 } from './crc32.ts';
import { SeededRandom } from './random.ts';

test('crc32() gives the check value of the standard', () => {
  assert.equal(crc32(new TextEncoder().encode('123456789')), 0xcbf43926);
});

test('crc32() equals zlib over every length and start up to a record, and goes on from a seed', () => {
  const bytes = new Uint8Array(300);
  new SeededRandom(7).fill(bytes);
  for (let end = 0; end <= bytes.length; end += 1) {
    const start = end % 9;
    if (start > end) continue;
    const expected = zlibCrc32(bytes.subarray(start, end));
    assert.equal(crc32(bytes, start, end), expected);
    const middle = (start + end) >> 1;
    assert.equal(crc32(bytes, middle, end, crc32(bytes, start, middle)), expected);
  }
});
