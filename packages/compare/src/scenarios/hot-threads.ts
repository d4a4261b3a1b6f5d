/**
 * 32 writers that want 16 rows, each in a worker thread of its own with the database open or attached there.
 *
 * 1. The threads begin together, when all of them have opened it. A writer waits for each answer.
 * 2. The recount is that of `hot-rows.ts`: holders are numbered so that no two threads use the same number.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Session, ThreadEntry } from '../systems/system.ts';
import { countRows, SLOTS } from './hot-rows.ts';
import type { ThreadPlan, ThreadResult } from './hot-thread.ts';
import { latencyFigures } from './percentiles.ts';
import type { Measurement, Recount, Scenario, SizeName, Task } from './scenario.ts';

const THREADS: Readonly<Record<SizeName, number>> = { published: 32, trial: 32, small: 3 };
const DURATION_MS: Readonly<Record<SizeName, number>> = { published: 2500, trial: 1000, small: 60 };
const PROGRAM = new URL('hot-thread.ts', import.meta.url);

export const HOT_THREADS: Scenario = {
  name: 'embedded-hot-threads',
  title: 'Embedded, 32 writers on 16 hot rows in worker threads',
  what: '32 worker threads of one process, each a writer that waits for its answers; transactions a second',
  kinds: ['embedded'],
  use: 'hot-threads',
  isRepeated: false,
  connections: () => [1],
  measure,
  recount: async (session, task, told) => {
    const opened = await session.openHotRows(task.run, task.way);
    try {
      return countRows(await opened.readAll(), told as Uint8Array) satisfies Recount;
    } finally {
      await opened.close();
    }
  },
};

async function measure(session: Session, task: Task): Promise<Measurement> {
  await createRows(session, task);
  const entry = await session.hotThread?.(task.run, task.way);
  if (entry === undefined) throw new Error('Cannot write from threads: the system cannot be shared by them');
  try {
    const { results, seconds } = await runThreads(entry, task);
    const { p50, p99 } = latencyFigures(Float64Array.from(results.flatMap(({ timesMs }) => [...timesMs])));
    const taken = results.reduce((sum, { slots }) => sum + slots.length, 0);
    const conflicts = results.reduce((sum, result) => sum + result.conflicts, 0);
    return {
      figures: { rate: { value: taken / seconds, unit: '1/s', better: 'higher' }, p50, p99 },
      counts: { taken, conflicts },
      told: toldBy(results),
    };
  } finally {
    await entry.close();
  }
}

async function createRows(session: Session, { run, way }: Task): Promise<void> {
  const opened = await session.openHotRows(run, way);
  try {
    await opened.create(SLOTS);
  } finally {
    await opened.close();
  }
}

async function runThreads({ module, data }: ThreadEntry, { size, seed }: Task): Promise<{ results: ThreadResult[]; seconds: number }> {
  const threads = THREADS[size];
  const workers = Array.from({ length: threads }, (_, writer) => {
    const plan: ThreadPlan = { module, data, writer, writers: threads, slots: SLOTS, seed: seed + writer };
    return new Worker(PROGRAM, { workerData: plan });
  });
  const ended = workers.map((worker) => once(worker, 'exit'));
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    const startedMs = performance.now();
    const answers = workers.map((worker) => once(worker, 'message'));
    for (const worker of workers) worker.postMessage(DURATION_MS[size], []);
    const results = (await Promise.all(answers)).map(([result]) => result as ThreadResult);
    const seconds = (Math.max(...results.map(({ endedMs }) => endedMs)) - performance.timeOrigin - startedMs) / 1000;
    await Promise.all(ended);
    return { results, seconds };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** For each holder, from 1: the slot that it was told it has; 0 for numbers that no thread came to. */
function toldBy(results: readonly ThreadResult[]): Uint8Array {
  const most = Math.max(...results.map(({ slots }) => slots.length));
  const told = new Uint8Array(most * results.length);
  for (const [writer, { slots }] of results.entries())
    for (const [index, slot] of slots.entries()) told[index * results.length + writer] = slot;
  return told;
}
