/** A thread or process of `readers.ts`: opens items as the first message says, and reads for as many milliseconds as the second one says. */
import { parentPort } from 'node:worker_threads';
import { SeededRandom } from '@k-lani/base';
import type { ItemReads } from '../systems/system.ts';

/** The first message. */
export interface ReadPlan {
  /** See `ReaderEntry`. */
  readonly module: string;
  readonly data: unknown;
  readonly rows: number;
  readonly seed: number;
}

interface ReaderModule {
  openReads(data: unknown): Promise<ItemReads>;
}

/** Reads between two looks at the clock. */
const READS = 1000;

let opened: { readonly plan: ReadPlan; readonly reads: ItemReads } | undefined;

async function carryOut(message: unknown): Promise<number> {
  if (opened !== undefined) return read(opened.plan, opened.reads, Number(message));
  const plan = message as ReadPlan;
  const module = (await import(plan.module)) as ReaderModule;
  opened = { plan, reads: await module.openReads(plan.data) };
  return read(plan, opened.reads, 0);
}

/** Gives how many rows were read; at least one round, which also warms up. */
function read({ rows, seed }: ReadPlan, reads: ItemReads, forMs: number): number {
  const random = new SeededRandom(seed);
  const endMs = performance.now() + forMs;
  let count = 0;
  do {
    for (let one = 0; one < READS; one += 1) {
      const number = 1 + random.below(rows);
      if (reads.read(number)?.number !== number) throw new Error(`Cannot read item ${number}: another one came`);
    }
    count += READS;
  } while (performance.now() < endMs);
  return count;
}

const port = parentPort;
if (port === null) process.on('message', (message) => void carryOut(message).then((count) => process.send?.(count)));
else port.on('message', (message: unknown) => void carryOut(message).then((count) => port.postMessage(count)));
