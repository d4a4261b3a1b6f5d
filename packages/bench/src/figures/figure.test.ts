import assert from 'node:assert/strict';
import test from 'node:test';
import { formatFigure, isKept, medianOf, type Figure } from './figure.ts';

const figure: Figure = { name: 'point read', value: 1.2, unit: '× raw', bound: 1.25, direction: 'atMost', detail: '' };

test('isKept() looks at the bound from the right side, and misses show in the line', () => {
  assert.ok(isKept(figure));
  assert.ok(!isKept({ ...figure, value: 1.3 }));
  assert.ok(!isKept({ ...figure, direction: 'atLeast' }));
  assert.match(formatFigure({ ...figure, value: 1.3 }), /^MISSED .*1\.30 × raw/);
});

test('medianOf() takes the value in the middle', () => {
  assert.equal(medianOf([1, 2, 9]), 2);
});
