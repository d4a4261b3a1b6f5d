import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { formatIndexFigures, formatIndexMemory, indexFigures, timesOf } from './index-figures.ts';
import { ROWS_MIN } from './stock.ts';

test('indexFigures() asks every query of every table, and the answers are of the size that is said', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-indexes-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const rows = [ROWS_MIN, ROWS_MIN * 2];
  const { figures, memory } = await indexFigures(directory, { rows, samples: 3 });
  for (const { name, answer, answers, micros } of figures) {
    assert.equal(micros.length, rows.length, name);
    if (typeof answer === 'number') assert.deepEqual(answers, [answer, answer], name);
    else
      assert.ok(
        answers.every((size) => size > 0),
        name,
      );
  }
  assert.match(formatIndexFigures(figures, rows), /^(kept {2}|MISSED) {2}unique value +1 /m);
  assert.deepEqual(
    memory.map(({ indexes }) => indexes.length),
    [5, 5],
  );
  for (const { indexes } of memory) assert.ok(indexes.every(({ sizeBytes }) => sizeBytes > 0));
  assert.match(formatIndexMemory(memory), /50,000 rows: [\d.]+ bytes a row/);
});

test('timesOf() is how many times as long a query takes in the largest table', () => {
  const figure = { name: '', answer: 1, answers: [1, 1, 1], firstMicros: [9, 9, 9], boundTimes: 3 };
  assert.equal(timesOf({ ...figure, micros: [2, 3, 8] }), 4);
  assert.match(formatIndexFigures([{ ...figure, micros: [2, 3, 8] }], [1, 10, 100]), /^MISSED/m);
  assert.match(formatIndexFigures([{ ...figure, micros: [2, 3, 6] }], [1, 10, 100]), /^kept/m);
});
