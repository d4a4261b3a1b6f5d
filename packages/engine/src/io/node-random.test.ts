import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeRandom } from './node-random.ts';

test('NodeRandom.fill() overwrites all of the bytes, whatever their number, and never gives the same again', () => {
  const random = new NodeRandom();
  const seen = new Set<string>();
  for (let length = 0; length < 5000; length += 37) {
    // A byte that is zero after eight fills was most likely never written.
    const touched = new Uint8Array(length);
    for (let round = 0; round < 8; round += 1) {
      const bytes = new Uint8Array(length);
      random.fill(bytes);
      for (let index = 0; index < length; index += 1) touched[index] = (touched[index] ?? 0) | (bytes[index] ?? 0);
      if (length >= 16) seen.add(bytes.toHex());
    }
    assert.equal(touched.includes(0), false, `length ${length}`);
  }
  assert.equal(seen.size, 8 * Math.ceil((5000 - 37) / 37));
});

test('NodeRandom.uint32() uses all 32 bits', () => {
  const random = new NodeRandom();
  let ones = 0;
  let zeros = 0;
  for (let draw = 0; draw < 5000; draw += 1) {
    const value = random.uint32();
    assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
    ones |= value;
    zeros |= ~value;
  }
  assert.equal(ones, -1);
  assert.equal(zeros, -1);
});
