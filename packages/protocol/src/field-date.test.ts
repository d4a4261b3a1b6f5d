import assert from 'node:assert/strict';
import test from 'node:test';
import { DAYS_MAX, DAYS_MIN, formatDate, parseDate } from './field-date.ts';

test('parseDate() and formatDate() agree with the platform from year 1 to 9999', () => {
  let wrong = 0;
  // 23 and the 146,097 days of the calendar's cycle have no common divisor, so every kind of month and year is met.
  for (let days = DAYS_MIN; days <= DAYS_MAX; days += 23) {
    const text = formatDate(days);
    if (parseDate(text) !== days || text !== new Date(days * 86_400_000).toISOString().slice(0, 10)) wrong += 1;
  }
  assert.equal(wrong, 0);
  assert.deepEqual([formatDate(DAYS_MIN), formatDate(0), formatDate(DAYS_MAX)], ['0001-01-01', '1970-01-01', '9999-12-31']);
});

test('parseDate() refuses what is not a date of the calendar', () => {
  const refused = [
    '2026-02-29',
    '2026-04-31',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '0000-12-31',
    '2026-1-1',
    '20260101',
    '',
    '2026-01-01T00:00:00Z',
    ' 2026-01-01',
  ];
  for (const text of refused) assert.equal(parseDate(text), undefined, text);
  for (const text of ['2024-02-29', '2000-02-29']) assert.notEqual(parseDate(text), undefined, text);
});
