import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { InterleavedRuns } from './interleaved-runs.fixture.ts';

const SEEDS = 40;

test('LeftRight gives a reader in another thread whole snapshots that are visible, wherever the writer comes between', async (context) => {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-left-right-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  const runs = await InterleavedRuns.begin(path);
  context.after(() => runs.end());
  let reads = 0;
  let revoked = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const report = runs.run(seed);
    assert.equal(report.torn, undefined, `seed ${seed}: ${report.torn}`);
    reads += report.reads;
    revoked += report.revoked;
  }
  assert.ok(reads > SEEDS && revoked > SEEDS, `${reads} reads, ${revoked} sides taken away`);
});
