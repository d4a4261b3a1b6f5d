import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from './random.ts';
import { xxHash32 } from './xx-hash32.ts';

function hashOf(bytes: Uint8Array): number {
  return xxHash32(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
}

test('xxHash32() gives the published values for texts of every kind of length', () => {
  const encoder = new TextEncoder();
  assert.equal(hashOf(encoder.encode('')), 0x02cc5d05);
  assert.equal(hashOf(encoder.encode('a')), 0x550d7456);
  assert.equal(hashOf(encoder.encode('abc')), 0x32d153ff);
  assert.equal(hashOf(encoder.encode('Nobody inspects the spammish repetition')), 0xe2293b2f);
});

test('xxHash32() notices every flipped bit of a record, wherever the record lies', () => {
  const bytes = new Uint8Array(160);
  new SeededRandom(5).fill(bytes);
  const view = new DataView(bytes.buffer);
  const start = 8;
  const end = 8 + 131;
  const whole = xxHash32(view, start, end);
  for (let bit = start * 8; bit < end * 8; bit += 1) {
    const offset = bit >>> 3;
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << (bit & 7));
    assert.notEqual(xxHash32(view, start, end), whole);
    bytes[offset] = (bytes[offset] ?? 0) ^ (1 << (bit & 7));
  }
  assert.equal(xxHash32(view, start, end), whole);
});
