/** What a run is: all that its seed decides before it begins, and all that shrinking may take away. */
import type { HistoryPolicy } from '@k-lani/engine';
import type { DiskFaultRates } from '../disk/disk-faults.ts';
import type { NetworkFaultRates } from '../network/network-faults.ts';
import { Chance } from '../world/chance.ts';
import { WORKLOADS, type WorkloadName } from '../workload/workloads.ts';

/** How one life of the database ends before its work is done. */
export interface PlannedCrash {
  readonly kind: 'power cut' | 'kill';
  /** In which disk operation of that life. */
  readonly operation: number;
}

export interface Plan {
  readonly seed: number;
  /** Workers in the process of the database, or clients of a server. */
  readonly mode: 'embedded' | 'server';
  readonly workload: WorkloadName;
  readonly workers: number;
  /** Calls of each worker in each life. */
  readonly steps: number;
  /** Seats, and rooms. */
  readonly units: number;
  readonly crashes: readonly PlannedCrash[];
  readonly hasMappings: boolean;
  readonly operationWindow: number;
  /** Bytes of log between two checkpoints, 0 for none. */
  readonly checkpointBytes: number;
  readonly history: HistoryPolicy;
  /** That segments which are given up go into an archive. */
  readonly hasArchive: boolean;
  /** That a backup is taken in a life. */
  readonly backups: number;
  readonly disk: DiskFaultRates;
  readonly network: NetworkFaultRates;
  /** That a bit of the log is rotten for a while, at each step of a worker. */
  readonly rot: number;
  /** That the process stands still for a while, at each step of a worker. */
  readonly pauses: number;
  /** That the wall clock jumps, at each step of a worker. */
  readonly clockJumps: number;
}

/** Every so many seeds the workers are clients of a server. */
const SERVER_ONE_OF = 3;

/** The share of runs that write much. */
const CHURN_SHARE = 0.15;
const CHURN_WINDOW = 64;
/** Over a connection a scan of all that is many events. */
const SERVER_CHURN_STEPS_MAX = 15;
/** So many that no run forgets any. */
export const OPERATION_WINDOW = 1_048_576;
/** Days of history, and how often the clock jumps where it is kept by days: far enough for some of it to be old. */
const DAYS_MAX = 3;
const DAYS_CLOCK_JUMPS = 0.02;

const WORKLOAD_NAMES = Object.keys(WORKLOADS).filter((name) => name !== 'churn') as WorkloadName[];

/** Crashes of a run at most. */
const CRASHES_MAX = 4;

/** The share of runs with bit rot while the database runs, and how often it comes. */
const ROT_SHARE = 0.25;
const ROT_RATE = 0.04;

/** None, at every segment, only when somebody asks. */
const CHECKPOINT_BYTES = [0, 1, 1, 64 * 1024 * 1024];

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const chance = Chance.of(seed, 'plan');
  const workload = chance.pick(WORKLOAD_NAMES);
  const rate = (share: number, most: number): number => (chance.happens(share) ? most * chance.fraction() : 0);
  const plan: Plan = {
    seed,
    workload,
    mode: seed % SERVER_ONE_OF === 0 ? 'server' : 'embedded',
    workers: 1 + chance.below(8),
    steps: 5 + chance.below(40),
    units: 4 + chance.below(60),
    crashes: Array.from({ length: chance.below(CRASHES_MAX + 1) }, () => ({
      kind: chance.happens(0.6) ? 'power cut' : 'kill',
      operation: 1 + chance.below(chance.happens(0.3) ? 12 : 150),
    })),
    hasMappings: chance.happens(0.7),
    operationWindow: chance.happens(0.3) ? 256 : OPERATION_WINDOW,
    history: 'all',
    hasArchive: false,
    backups: Chance.of(seed, 'backups').pick([0, 0, 0.7]),
    checkpointBytes: Chance.of(seed, 'checkpoints').pick(CHECKPOINT_BYTES),
    disk: {
      syncFails: rate(0.15, 0.02),
      writeFails: rate(0.1, 0.01),
      isFull: rate(0.2, 0.3),
      isSlow: rate(0.4, 0.1),
    },
    rot: Chance.of(seed, 'rot').happens(ROT_SHARE) ? ROT_RATE : 0,
    pauses: rate(0.3, 0.01),
    clockJumps: rate(0.3, 0.02),
    network: { resets: rate(0.5, 0.02), halfOpens: rate(0.2, 0.004), delays: rate(0.4, 0.05) },
  };
  const whole = { ...plan, ...churnOf(plan, Chance.of(seed, 'churn'), Chance.of(seed, 'history')) };
  // What rots between the compactor's check of a segment and its copy is archived as it is: docs/durability.md says so.
  return whole.hasArchive ? { ...whole, rot: 0 } : whole;
}

/** What makes some runs write so much that segments are given up. */
function churnOf({ mode, steps }: Plan, chance: Chance, history: Chance): Partial<Plan> {
  if (!chance.happens(CHURN_SHARE)) return {};
  const churn = {
    workload: 'churn',
    operationWindow: CHURN_WINDOW,
    steps: mode === 'server' ? Math.min(steps, SERVER_CHURN_STEPS_MAX) : steps,
  } as const;
  if (!chance.happens(0.8)) return { ...churn, history: 'all' };
  const hasArchive = history.happens(0.5);
  if (history.happens(0.6)) return { ...churn, history: 'latest', hasArchive };
  return { ...churn, history: { days: 1 + history.below(DAYS_MAX) }, hasArchive, clockJumps: DAYS_CLOCK_JUMPS };
}
