/**
 * For tests: interleaved runs as a process of their own, of the seeds from `--seed` on, `--runs` of them, up to the first that finds something.
 * Prints one line of JSON: how many runs there were, and the seed and what was found, if anything.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InterleavedRuns } from './interleaved-runs.fixture.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '200' } } });
const first = Number(values.seed);
const count = Number(values.runs);

const path = mkdtempSync(join(tmpdir(), 'k-lani-interleaved-'));
const runs = await InterleavedRuns.begin(path);
let found: { seed: number; findings: { checker: string; what: string }[] } | undefined;
let done = 0;
for (let seed = first; seed < first + count && found === undefined; seed += 1) {
  const { torn } = runs.run(seed);
  done += 1;
  if (torn !== undefined) found = { seed, findings: [{ checker: 'whole snapshots', what: torn }] };
}
await runs.end();
rmSync(path, { recursive: true, force: true });
console.log(JSON.stringify({ runs: done, ...found }));
