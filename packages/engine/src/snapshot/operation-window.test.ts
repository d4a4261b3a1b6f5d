import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { OperationWindow } from './operation-window.ts';

function idOf(number: number): Uint8Array {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, number, true);
  return id;
}

/** A window over operations whose number is their position. */
function windowOf(sizeMax: number): OperationWindow {
  return new OperationWindow(sizeMax, (position, id) => new DataView(id.buffer).getUint32(0, true) === position);
}

test('OperationWindow finds exactly the last operations, over growth and wrap-around', () => {
  for (const sizeMax of [1, 2, 3, 1000, 1024, 1500, 5000]) {
    const window = windowOf(sizeMax);
    for (let number = 1; number <= 12_000; number += 1) window.add(idOf(number), number);
    assert.equal(window.size, sizeMax);
    for (let number = 1; number <= 12_000; number += 1) {
      assert.equal(window.find(idOf(number)), number > 12_000 - sizeMax ? number : 0, `window of ${sizeMax}, operation ${number}`);
    }
  }
});

test('OperationWindow equals a plain list over random ids with few hashes', () => {
  const seed = 42;
  const random = new SeededRandom(seed);
  const window = new OperationWindow(64, (position, id) => model.get(position)?.every((byte, index) => byte === id[index]) ?? false);
  const model = new Map<number, Uint8Array>();
  const ids: Uint8Array[] = [];
  for (let position = 1; position <= 3000; position += 1) {
    const id = new Uint8Array(16);
    random.fill(id);
    ids.push(id);
    model.set(position, id);
    window.add(id, position);
    const asked = 1 + random.below(position);
    const askedId = ids[asked - 1];
    assert.ok(askedId);
    assert.equal(window.find(askedId), asked > position - 64 ? asked : 0, `seed ${seed}, position ${position}`);
  }
});
