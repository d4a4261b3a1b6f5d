import assert from 'node:assert/strict';
import test from 'node:test';
import { nearestName } from './nearest-name.ts';

test('nearestName() finds what was mistyped, and nothing for a word that is another one', () => {
  const names = ['seats', 'rooms', 'room_nights'];
  for (const [given, meant] of [
    ['seat', 'seats'],
    ['SEATS', 'seats'],
    ['saets', 'seats'],
    ['room', 'rooms'],
    ['roomnights', 'room_nights'],
    ['customers', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(nearestName(given, names), meant, given);
  }
  assert.equal(nearestName('seats', []), undefined);
});
