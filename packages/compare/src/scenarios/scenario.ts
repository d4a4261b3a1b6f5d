/**
 * What is measured: one scenario a file, the same for every system.
 *
 * 1. A scenario runs in a driver, against a `Session`. It makes its own data under the name of the run, and does not measure making it.
 * 2. What it was told (`told`) leaves the driver with the figures, because the driver of an embedded system is killed; the recount holds it
 *    against what is stored, after the measurement and again after a kill.
 * 3. Before the rounds, each way of a system is tried once at the trial size; the one whose first figure is best goes into the rounds.
 */
import type { Session, System, Use, Way } from '../systems/system.ts';

/** One thing that was measured. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

/** What to measure. */
export interface Task {
  /** Names the data. */
  readonly run: string;
  readonly size: SizeName;
  readonly seed: number;
  readonly way: Way;
  /** How often things that are repeated within a round are. */
  readonly repeats: number;
}

export type SizeName = 'published' | 'trial' | 'small';

/** What a measurement came to. */
export interface Measurement {
  /** By name; the first is the one that ways are chosen by and that tables show. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** What happened, as conflicts and refusals. */
  readonly counts: Readonly<Record<string, number>>;
  /** What was acknowledged, for the recount; plain data. */
  readonly told: unknown;
}

/** What is stored, held against what was acknowledged. */
export interface Recount {
  readonly acknowledged: number;
  /** Acknowledged and stored. */
  readonly verified: number;
  /** Acknowledged and not stored. */
  readonly lost: number;
  /** Stored twice or given to two, or stored and never asked for. */
  readonly wrong: number;
}

export interface Scenario {
  /** As in `--scenarios` and in raw logs: `concert-loop-128`. */
  readonly name: string;
  /** One question, for people. */
  readonly title: string;
  /** What is done at the published size, for people. */
  readonly what: string;
  readonly kinds: readonly System['kind'][];
  readonly use: Use;
  /** The connections to try on a system. */
  connections(system: System): readonly number[];
  /** Whether the rounds share `repeats` among them. */
  readonly isRepeated: boolean;
  /** Whether the way that was chosen is tried once more at the full size before the rounds that count. */
  readonly isRehearsed?: boolean;
  /** Whether the system is stopped, started, measured again, and then weighed from outside; the first of its ways is used, without trials. */
  readonly isWeighed?: boolean;
  measure(session: Session, task: Task): Promise<Measurement>;
  /** Reads everything that `task` stored. Left out where nothing is written. */
  recount?(session: Session, task: Task, told: unknown): Promise<Recount>;
}

/** Whether everything acknowledged is stored, once. */
export function isExact({ acknowledged, verified, lost, wrong }: Recount): boolean {
  return lost === 0 && wrong === 0 && verified === acknowledged;
}
