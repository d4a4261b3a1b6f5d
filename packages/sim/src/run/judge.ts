/** Carries a plan out and lets every checker look at it. */
import { CHECKERS } from '../checkers/all.ts';
import type { Plan } from './plan.ts';
import { type RunCounts, simulate } from './simulation.ts';
import type { RunOptions } from './stage.ts';

/** What a checker saw, or `run` when the run itself did not go on as it should. */
interface Problem {
  readonly checker: string;
  readonly what: string;
}

export interface Verdict {
  readonly plan: Plan;
  readonly problems: readonly Problem[];
  readonly counts: RunCounts;
  /** Calls of clients. */
  readonly operations: number;
  /** Checks made, by checker. */
  readonly checks: Readonly<Record<string, number>>;
  readonly fingerprint: string;
}

/** Problems of one checker that are told at most. */
const PROBLEMS_MAX = 5;

/** Carries a plan out, and judges the run. */
export async function judge(plan: Plan, options: RunOptions = {}): Promise<Verdict> {
  const { evidence, failures, counts, fingerprint } = await simulate(plan, options);
  const problems: Problem[] = failures.slice(0, PROBLEMS_MAX).map((what) => ({ checker: 'run', what }));
  const checks: Record<string, number> = {};
  for (const checker of CHECKERS) {
    const { name } = checker;
    let told = 0;
    checks[name] = checker.check(evidence, (what) => {
      told += 1;
      if (told <= PROBLEMS_MAX) problems.push({ checker: name, what });
    });
  }
  return { plan, problems, counts, operations: evidence.calls.length, checks, fingerprint };
}
