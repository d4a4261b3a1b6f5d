import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { BackOff } from './back-off.ts';

test('BackOff doubles its delays up to the cap, each between half and all of it, and begins anew after a success', () => {
  const backOff = new BackOff({ delayMsMin: 10, delayMsMax: 100 }, new SeededRandom(1));
  for (const capMs of [10, 20, 40, 80, 100, 100]) {
    const delayMs = backOff.nextMs();
    assert.ok(delayMs >= capMs / 2 && delayMs < capMs, `${delayMs} for ${capMs}`);
  }
  backOff.reset();
  assert.ok(backOff.nextMs() < 10);
});

test('BackOff of two clients differs', () => {
  const delays = [1, 2].map((seed) => new BackOff({ delayMsMin: 10, delayMsMax: 100 }, new SeededRandom(seed)).nextMs());
  assert.notEqual(delays[0], delays[1]);
});
