/** Who runs the builder of checkpoints, so that neither the writer nor a client notices. Passed in, like the clock. */
import type { Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { buildCheckpoint, type CheckpointFacts, type CheckpointJob } from './builder.ts';

/** Called once, never before the call that was given it has returned. */
export type CheckpointDone = (result: CheckpointFacts | KLaniError) => void;

/** A builder that runs. */
export interface CheckpointRun {
  /** Asks it to end before its work is done; it then says `Closed`, soon. */
  cancel(): void;
}

/** Runs one builder at a time. */
export interface CheckpointRunner {
  /** Begins to build a checkpoint of the log in `directory`; `done` gets what came of it. */
  run(directory: Directory, job: CheckpointJob, done: CheckpointDone): CheckpointRun;
}

/** Runs the builder in turns of this thread, one step in each: deterministic, and the only way where the directory cannot be reached otherwise. */
export class TurnRunner implements CheckpointRunner {
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  run(directory: Directory, job: CheckpointJob, done: CheckpointDone): CheckpointRun {
    let isCancelled = false;
    const expectWanted = (): void => {
      if (isCancelled) throw cancelled();
    };
    const steps = buildCheckpoint(directory, job, expectWanted);
    const step = (): void => {
      const result = attempt(() => {
        const { done: isDone, value } = isCancelled ? steps.throw(cancelled()) : steps.next();
        return isDone === true ? value : undefined;
      });
      if (result === undefined) this.#scheduler.defer(step);
      else done(result);
    };
    this.#scheduler.defer(step);
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  }
}

/** What ends a builder that nobody waits for any more. */
export function cancelled(): KLaniError {
  return new KLaniError('Closed', 'Cannot build a checkpoint: the database is being closed');
}

/** Runs what may fail with a coded error; anything else is a bug and is thrown. */
export function attempt<T>(run: () => T): T | KLaniError {
  try {
    return run();
  } catch (error) {
    if (error instanceof KLaniError) return error;
    throw error;
  }
}
