/**
 * Runs the builder in a thread of its own, of low priority, over the real file system.
 *
 * 1. `done` is called after the thread has ended: nothing of it holds a file any more.
 * 2. Whatever happens in the thread, a bug included, is its failure alone: the caller is told and goes on.
 */
import { Worker } from 'node:worker_threads';
import { KLaniError, type ErrorCode } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import type { CheckpointFacts, CheckpointJob } from './builder.ts';
import type { CheckpointDone, CheckpointRun, CheckpointRunner } from './runner.ts';

/** What the thread is given. */
export interface WorkerTask {
  readonly path: string;
  readonly job: CheckpointJob;
  /** Word 0 is 1 once the work is no longer wanted. */
  readonly cancelled: SharedArrayBuffer;
}

/** What the thread says before it ends. */
export type WorkerResult =
  | { readonly facts: CheckpointFacts; readonly fault?: undefined }
  | { readonly fault: { readonly code: ErrorCode; readonly message: string } };

/** The file that the thread begins with, in the form in which this package is installed. */
const ENTRY = new URL(import.meta.resolve('#checkpoint-worker'));

export class WorkerRunner implements CheckpointRunner {
  run({ path }: Directory, job: CheckpointJob, done: CheckpointDone): CheckpointRun {
    const cancelled = new SharedArrayBuffer(4);
    const task: WorkerTask = { path, job, cancelled };
    const worker = new Worker(ENTRY, { workerData: task, execArgv: [], name: 'k-lani checkpoint' });
    let result: CheckpointFacts | KLaniError | undefined;
    worker.on('message', (said: WorkerResult) => {
      result = said.fault === undefined ? said.facts : new KLaniError(said.fault.code, said.fault.message);
    });
    worker.on('error', (cause) => {
      result = new KLaniError('Io', `Cannot build a checkpoint: its thread failed: ${String(cause)}`, { cause });
    });
    worker.on('exit', (code) => done(result ?? new KLaniError('Io', `Cannot build a checkpoint: its thread ended with ${code}`)));
    // A process that has nothing else to do may end; the next one begins this work again.
    worker.unref();
    return {
      cancel: () => {
        Atomics.store(new Int32Array(cancelled), 0, 1);
        worker.ref();
      },
    };
  }
}
