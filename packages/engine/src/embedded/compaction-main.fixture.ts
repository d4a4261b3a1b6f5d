/**
 * For tests: compaction under random requests and crashes as a process of its own, of the seeds from `--seed` on, `--runs` of them, up to the
 * first in which the model finds something. Prints one line of JSON: how many runs there were, and the seed and what was found, if anything.
 */
import { parseArgs } from 'node:util';
import { SeededRandom } from '@k-lani/base';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { CompactionRun, type RunOptions } from './compaction-run.fixture.ts';

const STEPS = 200;
const ROUNDS = 3;
const COMPACTED_ONCE_IN = 40;

const POLICIES: readonly RunOptions[] = [
  { history: 'latest', archive: undefined, operationWindow: 20, checkpointBytes: 1 },
  { history: { days: 1 }, archive: undefined, operationWindow: 20, checkpointBytes: 0 },
];

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '200' } } });
const first = Number(values.seed);
const count = Number(values.runs);

let found: { seed: number; findings: { checker: string; what: string }[] } | undefined;
let runs = 0;
for (let seed = first; seed < first + count && found === undefined; seed += 1) {
  runs += 1;
  try {
    await compactAndCheck(seed);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    found = { seed, findings: [{ checker: 'compaction model', what }] };
  }
}
console.log(JSON.stringify({ runs, ...found }));

async function compactAndCheck(seed: number): Promise<void> {
  const options = POLICIES[seed % POLICIES.length] as RunOptions;
  const run = new CompactionRun(seed, new CrashingDisk(new SeededRandom(seed)), options);
  await run.open();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let step = 0; step < STEPS; step += 1) {
      await run.step();
      if (run.random.below(COMPACTED_ONCE_IN) === 0) await run.database.compact();
    }
    await run.settle();
    run.check();
    await run.database.close();
    await run.open();
    run.check();
  }
  await run.database.close();
}
