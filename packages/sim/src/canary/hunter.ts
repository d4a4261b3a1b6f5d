/**
 * A process of the simulator that runs seed after seed, from `--seed` on, `--runs` of them, up to the first in which a checker finds something.
 * Prints one line of JSON: how many runs there were, and the seed and what was found, if anything.
 */
import { parseArgs } from 'node:util';
import { judge } from '../run/judge.ts';
import { planOf } from '../run/plan.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '200' } } });
const first = Number(values.seed);
const count = Number(values.runs);

let runs = 0;
let found: { seed: number; findings: Awaited<ReturnType<typeof judge>>['problems'] } | undefined;
for (let seed = first; seed < first + count && found === undefined; seed += 1) {
  const { problems } = await judge(planOf(seed));
  runs += 1;
  if (problems.length > 0) found = { seed, findings: problems };
}
console.log(JSON.stringify({ runs, ...found }));
