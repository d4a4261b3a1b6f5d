import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { backupFigures } from './backup-figures.ts';

test('backupFigures() measures the check and the backup of a small database', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-backup-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const figures = await backupFigures(directory, { rows: 5000, rounds: 1, segmentSizeBytes: 1024 * 1024 });
  assert.deepEqual(
    figures.map(({ name }) => name),
    ['verify', 'backup, as a share of cp and sync'],
  );
  for (const { value } of figures) assert.ok(value > 0 && Number.isFinite(value));
});
