/** Threads that carry plans out beside each other: runs know nothing of each other. */
import { Worker } from 'node:worker_threads';
import type { Verdict } from './judge.ts';
import type { Plan } from './plan.ts';

/** One thread, and whom to tell when its run is over. */
interface Thread {
  readonly worker: Worker;
  settle: { resolve: (verdict: Verdict) => void; reject: (error: Error) => void } | undefined;
}

/**
 * Carries plans out on `threads` threads.
 *
 * @param onVerdict told of each run, in the order in which they end
 * @throws when a thread dies
 */
export async function judgeAll(plans: Iterable<Plan>, threads: number, onVerdict: (verdict: Verdict) => void): Promise<void> {
  const left = plans[Symbol.iterator]();
  const pool = Array.from({ length: threads }, () => startThread());
  try {
    await Promise.all(
      pool.map(async (thread) => {
        for (let next = left.next(); next.done !== true; next = left.next()) onVerdict(await judgeOn(thread, next.value));
      }),
    );
  } finally {
    await Promise.all(pool.map(({ worker }) => worker.terminate()));
  }
}

function startThread(): Thread {
  const thread: Thread = { worker: new Worker(new URL('./pool-thread.ts', import.meta.url)), settle: undefined };
  thread.worker.on('message', (verdict: Verdict) => thread.settle?.resolve(verdict));
  thread.worker.on('error', (error) => thread.settle?.reject(error instanceof Error ? error : new Error(String(error))));
  return thread;
}

function judgeOn(thread: Thread, plan: Plan): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    thread.settle = { resolve, reject };
    thread.worker.postMessage(plan, []);
  });
}
