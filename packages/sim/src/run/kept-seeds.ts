import { type Plan, planOf } from './plan.ts';

interface KeptSeed {
  readonly seed: number;
  /** What its plan did not have yet when it showed the fault. */
  readonly but?: Partial<Plan>;
  readonly found: string;
}

/** Seeds that once showed a fault, with what it was: they are run again for good. */
export const KEPT_SEEDS: readonly KeptSeed[] = [
  { seed: 4, found: 'a backup took what a torn write had left in an earlier segment for a damaged batch' },
  { seed: 14, found: 'a backup left out a first segment whose only batch was torn, and could not be restored' },
  { seed: 69_105_249, found: 'a damaged segment header behind a torn segment was reported as damage in the torn one' },
  { seed: 88_000_033, but: { rot: 0 }, found: 'nothing in the database: two backups at a time went into one directory, which is locked' },
  {
    seed: 777_033,
    but: { backups: 0 },
    found: 'a checkpoint was begun of a log before whose newest segment two were torn in their first writes',
  },
  {
    seed: 259_940_814,
    found: 'nothing in the database: the checker of guards had forgotten locks that are asked for again of the next server',
  },
];

/** The plan with which a kept seed showed its fault. */
export function keptPlan({ seed, but }: KeptSeed): Plan {
  return { ...planOf(seed), ...but };
}
