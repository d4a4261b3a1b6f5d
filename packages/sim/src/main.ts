/**
 * The simulator's command:
 *
 * ```sh
 * npm run sim -- --seed 1 --runs 1000      # seeds 1 to 1,000
 * npm run sim -- --seed 7 --runs 1 --trace # one run, event by event
 * npm run sim -- --kept                    # the seeds that once showed a fault, before the others
 * npm run sim -- --plan '{…}' --trace      # a plan as a failing run prints it
 * ```
 *
 * Ends with 1 when a checker saw a breach, or never had anything to check.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { judge, type Verdict } from './run/judge.ts';
import { KEPT_SEEDS, keptPlan } from './run/kept-seeds.ts';
import { type Plan, planOf } from './run/plan.ts';
import { judgeAll } from './run/pool.ts';
import { shrink } from './run/shrink.ts';
import { Summary } from './run/summary.ts';

const RUNS = 100;
const SEED_MAX = 2 ** 31;
const RUNS_MAX = 10_000_000;
const BAR_COLUMNS = 24;
const DRAWN_MS = 100;

/** Failing runs that are told of. */
const TOLD_MAX = 5;

/** Seeds to run: so many from `seed` on, after those that once showed a fault if they are wanted too. */
interface Wanted {
  readonly kept: boolean;
  readonly seed: number;
  readonly runs: number;
}

/** Draws how far it has come on a terminal; nothing elsewhere. */
class Progress {
  #drawnMs = -Infinity;

  update(done: number, total: number, note: string): void {
    const nowMs = performance.now();
    if (!process.stderr.isTTY || nowMs - this.#drawnMs < DRAWN_MS) return;
    this.#drawnMs = nowMs;
    const full = Math.floor((done / total) * BAR_COLUMNS);
    process.stderr.write(`\r\u001b[K${'━'.repeat(full)}${'─'.repeat(BAR_COLUMNS - full)} ${done}/${total} ${note}`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: String(RUNS) },
      trace: { type: 'boolean', default: false },
      kept: { type: 'boolean', default: false },
      plan: { type: 'string' },
    },
  });
  const seed = integer('seed', values.seed, 0, SEED_MAX);
  const runs = integer('runs', values.runs, 1, RUNS_MAX);
  if (values.plan !== undefined) return runOne(JSON.parse(values.plan) as Plan, values.trace);
  if (values.trace) return runOne(planOf(seed), true);
  return runMany({ kept: values.kept, seed, runs });
}

/** One run, with every event told. */
async function runOne(plan: Plan, isTraced: boolean): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const verdict = await judge(plan, isTraced ? { trace: write } : {});
  write(`plan: ${JSON.stringify(plan)}`);
  write(`fingerprint ${verdict.fingerprint}, ${verdict.operations} operations, ${verdict.counts.events} events`);
  tell(verdict, write);
  return verdict.problems.length === 0 ? 0 : 1;
}

async function runMany(wanted: Wanted): Promise<number> {
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const { kept, seed } = wanted;
  const runs = wanted.runs + (kept ? KEPT_SEEDS.length : 0);
  write(`seeds ${seed} to ${seed + wanted.runs - 1}${kept ? ', and those kept' : ''}, ${runs} runs, commit ${commit()}`);
  const summary = new Summary();
  const progress = new Progress();
  const startMs = performance.now();
  await judgeAll(plansOf(wanted), Math.min(runs, availableParallelism()), (verdict) => {
    summary.add(verdict);
    progress.update(summary.runs, runs, `${summary.operations} operations, ${summary.failed.length} failed`);
  });
  progress.end();
  for (const line of summary.lines(performance.now() - startMs)) write(line);
  for (const verdict of summary.failed.slice(0, TOLD_MAX)) {
    write(`\nseed ${verdict.plan.seed} failed, commit ${commit()}; again: npm run sim -- --seed ${verdict.plan.seed} --runs 1 --trace`);
    tell(verdict, write);
  }
  if (summary.failed.length > 0)
    write(`\n${summary.failed.length} runs failed: seeds ${summary.failed.map(({ plan }) => plan.seed).join(', ')}`);
  for (const name of summary.idleCheckers) write(`checker "${name}" never had anything to check`);
  const [first] = summary.failed;
  if (first !== undefined) await tellSmallest(first, progress, write);
  const isGood = summary.failed.length === 0 && summary.idleCheckers.length === 0;
  if (isGood) write('clean');
  return isGood ? 0 : 1;
}

function* plansOf({ kept, seed, runs }: Wanted): Generator<Plan> {
  if (kept) for (const one of KEPT_SEEDS) yield keptPlan(one);
  for (let count = 0; count < runs; count += 1) yield planOf(seed + count);
}

function tell({ problems }: Verdict, write: (line: string) => void): void {
  for (const { checker, what } of problems) write(`  ${checker}: ${what}`);
}

async function tellSmallest({ plan, problems }: Verdict, progress: Progress, write: (line: string) => void): Promise<void> {
  const checker = problems[0]?.checker;
  const fails = async (candidate: Plan): Promise<boolean> =>
    (await judge(candidate)).problems.some((problem) => problem.checker === checker);
  const smallest = await shrink(plan, fails, (attempts, attemptsMax) => progress.update(attempts, attemptsMax, 'shrinking'));
  progress.end();
  const verdict = await judge(smallest);
  write(`\nsmallest of seed ${plan.seed}: ${verdict.operations} operations, ${verdict.counts.events} events; again:`);
  write(`npm run sim -- --trace --plan '${JSON.stringify(smallest)}'`);
  tell(verdict, write);
}

/** The commit that runs, with `-dirty` where files differ from it. */
function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`Cannot run: --${name} is ${text}, must be an integer, ${min} to ${max}`);
}

process.exitCode = await main();
