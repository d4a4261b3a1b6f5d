/** One worker: takes steps one after the other, as its workload says, until it is done or the database cannot go on. */
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import type { Chance } from '../world/chance.ts';
import { STEPS, type StepContext, type StepName } from './steps.ts';
import { WORKLOADS, type WorkloadName } from './workloads.ts';

/** Refusals that are part of the work. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'AlreadyLocked',
  'NotLocked',
  'StaleToken',
  'VersionMismatch',
  'NotFound',
  'DuplicateKey',
  'SchemaMismatch',
  'SchemaChanged',
  'OperationMismatch',
  'SnapshotExpired',
  'Truncated',
  'InvalidCursor',
  'Overloaded',
  'DiskFull',
  'OutcomeUnknown',
  'ConnectionLost',
  'TimedOut',
  'ChecksumMismatch',
]);

/** After these the worker has nothing more to do in this life of the database. */
const ENDINGS: ReadonlySet<ErrorCode> = new Set(['WriterFailed', 'Closed']);

/** How long a worker rests between two steps, milliseconds. */
const REST_MS_MAX = 2;

export interface WorkerOptions {
  readonly workload: WorkloadName;
  readonly steps: number;
  /** Called before each step. */
  readonly onStep: () => void;
  /** Goes on after what ends the database's life: the next one is awaited. */
  readonly endures?: boolean;
}

/**
 * Takes the steps. Resolves when they are done, or the database takes no more.
 *
 * @throws what is no refusal: a bug
 */
export async function work(context: StepContext, { workload, steps, onStep, endures = false }: WorkerOptions): Promise<void> {
  const choices = Object.entries(WORKLOADS[workload]).flatMap(([name, weight]) => Array<StepName>(weight).fill(name as StepName));
  for (let count = 0; count < steps; count += 1) {
    await context.process.sleep(context.chance.between(0, REST_MS_MAX));
    onStep();
    if (!(await isOver(context, choices)) || endures) continue;
    return;
  }
}

async function isOver(context: StepContext, choices: readonly StepName[]): Promise<boolean> {
  try {
    await STEPS[nextStep(context.chance, choices)](context);
    return false;
  } catch (error) {
    if (!(error instanceof KLaniError)) throw error;
    if (ENDINGS.has(error.code)) return true;
    if (!REFUSALS.has(error.code)) throw error;
    return false;
  }
}

function nextStep(chance: Chance, choices: readonly StepName[]): StepName {
  return chance.pick(choices);
}
