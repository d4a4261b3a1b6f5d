/**
 * `npm run canaries`: plants each canary into a process of its own and runs seed after seed until a checker finds it, and the same seeds
 * without it. Prints the table, and exits 1 when a canary was not found, or something was found where none was.
 *
 * `--seed` the first seed, 1 · `--runs` most seeds for each canary, 200 · names of canaries, all of them unless given
 */
import { parseArgs } from 'node:util';
import { CANARIES, type Canary, canaryNamed } from './canaries.ts';
import { type Hunted, canaryTable, checkersOf, isFound } from './canary-table.ts';
import { type Hunt, hunt, inParallel } from './hunt.ts';

/** Characters of what was found that are told while the hunt goes on. */
const LINE_LENGTH_MAX = 120;

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '200' } },
  allowPositionals: true,
});
const first = Number(values.seed);
const runsMax = Number(values.runs);
const canaries = positionals.length === 0 ? CANARIES : positionals.map(canaryNamed);

const hunted = await inParallel(canaries, async (canary): Promise<Hunted> => {
  const result = await hunt(canary.foundBy, { seed: first, runs: runsMax }, canary);
  console.error(`${canary.name}: ${describe(result)}`);
  return { canary, hunt: result };
});
const kinds = [...new Set(canaries.map(({ foundBy }) => foundBy))];
const cleanRuns: Record<Canary['foundBy'], number | undefined> = { simulation: undefined, interleaving: undefined, compaction: undefined };
await inParallel(kinds, async (kind) => {
  const runs = Math.max(...hunted.filter(({ canary }) => canary.foundBy === kind).map((one) => one.hunt.runs));
  const result = await hunt(kind, { seed: first, runs }, undefined);
  console.error(`without a canary, ${kind}: ${describe(result)}`);
  if (result.findings === undefined && result.failure === undefined) cleanRuns[kind] = result.runs;
});
console.log(canaryTable(hunted, cleanRuns));
const missed = hunted.filter((one) => !isFound(one)).length;
const isClean = kinds.every((kind) => cleanRuns[kind] !== undefined);
console.log(`\n${hunted.length} canaries, ${hunted.length - missed} found, seeds from ${first}, at most ${runsMax} runs each`);
if (missed > 0 || !isClean) process.exitCode = 1;

function describe(result: Hunt): string {
  if (result.failure !== undefined) return `did not end: ${result.failure}`;
  if (result.findings === undefined) return `nothing found in ${result.runs} runs`;
  return `found by ${checkersOf(result).join(', ')} with seed ${result.seed}: ${firstLine(result.findings[0]?.what ?? '')}`;
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length <= LINE_LENGTH_MAX ? line : `${line.slice(0, LINE_LENGTH_MAX)}…`;
}
