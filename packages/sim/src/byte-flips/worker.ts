/** A thread of the byte flips: takes spans off the list until there are none. */
import { parentPort, workerData } from 'node:worker_threads';
import { makeSubjects } from './subject.ts';
import { flipSpan, type Span } from './tally.ts';

/** One entry of the list. */
export interface Job extends Span {
  readonly subject: string;
}

/** What a thread is given. */
export interface WorkerTask {
  readonly jobs: readonly Job[];
  /** Word 0: the next entry. */
  readonly next: Int32Array;
}

const { jobs, next } = workerData as WorkerTask;
const subjects = new Map((await makeSubjects()).map((subject) => [subject.name, subject]));
for (let place = Atomics.add(next, 0, 1); place < jobs.length; place = Atomics.add(next, 0, 1)) {
  const job = jobs[place];
  const subject = subjects.get(job?.subject ?? '');
  if (job === undefined || subject === undefined) throw new Error('every entry names a subject');
  const { counts, wrong, flips } = await flipSpan(subject, job);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage({ place, counts, wrong, flips });
}
