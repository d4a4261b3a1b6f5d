/** A worker thread of `hot-threads.ts`: opens the hot rows, says so, and takes rows for as many milliseconds as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { SeededRandom } from '@k-lani/base';
import type { HotLane, OpenHotRows } from '../systems/system.ts';
import { LatencyList } from './latency-list.ts';

/** What a thread is started with. */
export interface ThreadPlan {
  /** See `ThreadEntry`. */
  readonly module: string;
  readonly data: unknown;
  /** Its number, from 0, of so many. */
  readonly writer: number;
  readonly writers: number;
  readonly slots: number;
  readonly seed: number;
}

/** What a thread has done. */
export interface ThreadResult {
  /** The slot of each time that it took one; the holder of the n-th, from 0, is n × writers + writer + 1. */
  readonly slots: Uint8Array;
  readonly timesMs: Float64Array;
  readonly conflicts: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly endedMs: number;
}

interface ThreadModule {
  openHotThread(data: unknown): Promise<OpenHotRows>;
}

const plan = workerData as ThreadPlan;
const port = parentPort;
if (port === null) throw new Error('Cannot take rows: this is no worker thread');
// The listener stays: it keeps the thread alive while it waits for answers.
const { promise: told, resolve: tell } = Promise.withResolvers<number>();
port.on('message', tell);
const module = (await import(plan.module)) as ThreadModule;
const opened = await module.openHotThread(plan.data);
const [lane] = opened.lanes;
if (lane === undefined) throw new Error('Cannot take rows: the system opened no lane');
port.postMessage('ready');
const result = await take(lane, await told);
await opened.close();
port.postMessage(result);
port.close();

async function take(hot: HotLane, forMs: number): Promise<ThreadResult> {
  const random = new SeededRandom(plan.seed);
  const latencies = new LatencyList();
  const slots: number[] = [];
  let conflicts = 0;
  const endMs = performance.now() + forMs;
  while (performance.now() < endMs) {
    const holder = slots.length * plan.writers + plan.writer + 1;
    const startedMs = performance.now();
    let slot = 1 + random.below(plan.slots);
    // Who is refused turns to another one.
    while (!(await hot.take(slot, holder))) {
      conflicts += 1;
      slot = 1 + random.below(plan.slots);
    }
    latencies.add(performance.now() - startedMs);
    slots.push(slot);
  }
  const endedMs = performance.timeOrigin + performance.now();
  return { slots: Uint8Array.from(slots), timesMs: latencies.all.slice(), conflicts, endedMs };
}
