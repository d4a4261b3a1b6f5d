import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { openingFigures } from './opening.ts';

test('openingFigures() opens the same seats from a checkpoint and from the log alone', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-opening-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const options = { rows: 50_000, tailBytes: 500_000, rounds: 1, segmentSizeBytes: 4 * 1024 * 1024 };
  const figures = await openingFigures(join(directory, 'database'), options);
  assert.equal(figures.length, 4);
  for (const { name, value } of figures) assert.ok(value > 0, name);
});
