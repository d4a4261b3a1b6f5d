/**
 * One run: lives of a database, one after the other on one disk, each but the last ended by a crash or in good order, and the workers in it.
 *
 * 1. Everything follows from the plan: the same plan gives the same run, event by event.
 * 2. In the last life nothing goes wrong any more: what can still be sold is sold, the database is closed, and its log checked.
 */
import type { Evidence } from '../record/evidence.ts';
import { Horizon, Model } from '../record/model.ts';
import { ADDED_FIELDS } from '../workload/tables.ts';
import { damageCopies } from './damage.ts';
import { liveEmbedded } from './embedded-lives.ts';
import { lookAtFiles } from './files.ts';
import type { Plan } from './plan.ts';
import { liveRemotely } from './remote-lives.ts';
import { describe, type RunOptions, Stage } from './stage.ts';

/** Bounds of a run: beyond them it is stuck. */
const EVENTS_MAX = 400_000;
const TIME_MS_MAX = 3_600_000;

/** What a run came to, before it is judged. */
export interface RunOutcome {
  readonly evidence: Evidence;
  /** What kept the run from going on as it should, if anything did. */
  readonly failures: readonly string[];
  readonly counts: RunCounts;
  readonly fingerprint: string;
}

export interface RunCounts {
  readonly events: number;
  readonly simulatedMs: number;
  /** Crashes and faults, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

/** Carries a plan out. */
export async function simulate(plan: Plan, options: RunOptions = {}): Promise<RunOutcome> {
  const stage = new Stage(plan, options);
  const { timeline, failures } = stage;
  let isDone = false;
  const lives = plan.mode === 'embedded' ? liveEmbedded(stage) : liveRemotely(stage);
  const played = lives.then(() => {
    lookAtFiles(stage);
    return damageCopies(stage);
  });
  played.then(
    () => (isDone = true),
    (error: unknown) => stage.fail(`the run ended with ${describe(error)}`),
  );
  const isOver = (): boolean => isDone || failures.length > 0 || timeline.order > EVENTS_MAX || timeline.nowMs > TIME_MS_MAX;
  if (!(await timeline.run(isOver))) stage.fail('nothing was left to happen, and the work was not done');
  else if (!isDone && failures.length === 0) {
    stage.fail(`the work was not done after ${timeline.order} events and ${Math.floor(timeline.nowMs)} ms`);
  }
  return {
    evidence: {
      calls: stage.recorder.calls,
      truth: stage.truth,
      model: new Model(stage.truth, ADDED_FIELDS),
      horizon: new Horizon(stage.recorder.calls),
      snapshots: stage.snapshots,
      verifications: stage.verifications,
      leftovers: stage.leftovers,
      damages: stage.damages,
      rots: stage.rotting.rots,
      backups: stage.backups,
      restored: stage.restored,
      operationWindow: plan.operationWindow,
      kept: stage.kept,
      lives: stage.lives,
      losses: stage.losses,
      calmOrder: stage.calmOrder,
    },
    failures,
    counts: { events: timeline.order, simulatedMs: timeline.nowMs, faults: stage.faults },
    fingerprint: timeline.fingerprint,
  };
}
