/**
 * Makes a failing plan smaller: takes crashes, faults, workers, steps and units away as long as the same checker still sees a breach. What is
 * left is what a person has to understand.
 */
import type { Plan } from './plan.ts';

/** Runs that shrinking may take. */
const ATTEMPTS_MAX = 150;

/** The smaller plans to try next, those that take most away first. */
function* smaller(plan: Plan): Generator<Plan> {
  for (const place of plan.crashes.keys()) yield { ...plan, crashes: plan.crashes.toSpliced(place, 1) };
  for (const kind of Object.keys(plan.disk) as (keyof Plan['disk'])[]) {
    if (plan.disk[kind] > 0) yield { ...plan, disk: { ...plan.disk, [kind]: 0 } };
  }
  for (const kind of Object.keys(plan.network) as (keyof Plan['network'])[]) {
    if (plan.network[kind] > 0) yield { ...plan, network: { ...plan.network, [kind]: 0 } };
  }
  if (plan.checkpointBytes > 0) yield { ...plan, checkpointBytes: 0 };
  if (plan.backups > 0) yield { ...plan, backups: 0 };
  if (plan.history !== 'all') yield { ...plan, history: 'all', hasArchive: false };
  if (plan.hasArchive) yield { ...plan, hasArchive: false };
  for (const kind of ['rot', 'pauses', 'clockJumps'] as const) if (plan[kind] > 0) yield { ...plan, [kind]: 0 };
  for (const kind of ['workers', 'steps', 'units'] as const) {
    for (const value of [1, plan[kind] >> 1, plan[kind] - 1]) if (value >= 1 && value < plan[kind]) yield { ...plan, [kind]: value };
  }
  for (const [place, crash] of plan.crashes.entries()) {
    const operation = crash.operation >> 1;
    if (operation >= 1) yield { ...plan, crashes: plan.crashes.with(place, { ...crash, operation }) };
  }
}

/**
 * The smallest plan found that still fails.
 *
 * @param fails whether a plan fails in the same way
 * @param progress told after each attempt
 */
export async function shrink(
  plan: Plan,
  fails: (plan: Plan) => Promise<boolean>,
  progress: (attempts: number, attemptsMax: number) => void,
): Promise<Plan> {
  let smallest = plan;
  let attempts = 0;
  for (let isShrinking = true; isShrinking;) {
    isShrinking = false;
    for (const candidate of smaller(smallest)) {
      if (attempts === ATTEMPTS_MAX) return smallest;
      attempts += 1;
      progress(attempts, ATTEMPTS_MAX);
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      isShrinking = true;
      break;
    }
  }
  return smallest;
}
