/**
 * Inserts: many rows in one transaction, and few rows a transaction at a given rate.
 *
 * The recount: every row of an acknowledged transaction is there once, as it was inserted, and no other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '@k-lani/base';
import { isSameItem, type Item, makeItem, makeItems } from '../systems/items.ts';
import type { OpenItems, Session, System } from '../systems/system.ts';
import { LatencyList } from './latency-list.ts';
import { latencyFigures } from './percentiles.ts';
import type { Measurement, Recount, Scenario, SizeName, Task } from './scenario.ts';

const BATCH_ROWS: Readonly<Record<SizeName, number>> = { published: 50_000, trial: 5000, small: 300 };
const TRANSACTIONS: Readonly<Record<SizeName, number>> = { published: 5000, trial: 500, small: 50 };
const WRITERS = 4;
const RATE = 1000;
const ROWS_MAX = 5;

export const BATCHED_INSERT: Scenario = {
  name: 'batched-insert',
  title: 'Batched insert in one transaction',
  what: '50,000 rows of seven fields, five of them indexed, over one connection',
  kinds: ['server'],
  use: 'items',
  isRepeated: false,
  connections: () => [1],
  measure: async (session, task) => {
    const opened = await session.openItems(task.run, task.way);
    try {
      const items = makeItems(BATCH_ROWS[task.size], task.seed);
      const startedMs = performance.now();
      await opened.lanes[0]?.insert(items);
      const seconds = (performance.now() - startedMs) / 1000;
      return {
        figures: { rate: { value: items.length / seconds, unit: 'rows/s', better: 'higher' } },
        counts: { rows: items.length },
        told: true,
      };
    } finally {
      await opened.close();
    }
  },
  recount: (session, task) => recountItems(session, task, makeItems(BATCH_ROWS[task.size], task.seed)),
};

export const SUSTAINED_INSERT: Scenario = {
  name: 'sustained-insert',
  title: 'Transactions of 1 to 5 rows at 1,000 a second',
  what: '4 writers on 4 connections, 5 s; each transaction has its time, and latency counts from there',
  kinds: ['server'],
  use: 'items',
  isRepeated: false,
  connections: (_system: System) => [WRITERS],
  measure: measureSustained,
  recount: (session, task) => recountItems(session, task, plannedTransactions(task).flat()),
};

/** The rows of each transaction, in the order of their times. */
function plannedTransactions({ size, seed }: Task): Item[][] {
  const random = new SeededRandom(seed);
  let number = 1;
  return Array.from({ length: TRANSACTIONS[size] }, () =>
    Array.from({ length: 1 + random.below(ROWS_MAX) }, () => {
      const item = makeItem(number, random);
      number += 1;
      return item;
    }),
  );
}

async function measureSustained(session: Session, task: Task): Promise<Measurement> {
  const opened = await session.openItems(task.run, task.way);
  try {
    const transactions = plannedTransactions(task);
    const latencies = new LatencyList();
    const startedMs = performance.now();
    const left = { index: 0 };
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write({ opened, writer, transactions, left, latencies, startedMs })));
    const seconds = (performance.now() - startedMs) / 1000;
    const { p50, p99 } = latencyFigures(latencies.all);
    return {
      figures: { p50, p99, rate: { value: transactions.length / seconds, unit: '1/s', better: 'higher' } },
      counts: { transactions: transactions.length, rows: transactions.flat().length },
      told: true,
    };
  } finally {
    await opened.close();
  }
}

/** One writer takes the next transaction that nobody has taken, waits for its time if that is not over, and writes it. */
async function write(work: {
  readonly opened: OpenItems;
  readonly writer: number;
  readonly transactions: readonly (readonly Item[])[];
  readonly left: { index: number };
  readonly latencies: LatencyList;
  readonly startedMs: number;
}): Promise<void> {
  const { opened, writer, transactions, left, latencies, startedMs } = work;
  const lane = opened.lanes[writer % opened.lanes.length];
  if (lane === undefined) throw new Error('Cannot write: the system opened no connection');
  while (left.index < transactions.length) {
    const index = left.index;
    left.index += 1;
    const dueMs = startedMs + (index * 1000) / RATE;
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await delay(aheadMs);
    // A timer may be early by less than a millisecond.
    const beginMs = Math.min(dueMs, performance.now());
    await lane.insert(transactions[index] ?? []);
    latencies.add(performance.now() - beginMs);
  }
}

/** Holds the stored items of a run against those that were acknowledged. */
export async function recountItems(session: Session, task: Task, expected: readonly Item[]): Promise<Recount> {
  const opened = await session.openItems(task.run, { ...task.way, connections: 1 });
  try {
    const seen = new Map<number, Item>();
    let wrong = 0;
    for await (const item of opened.scan()) {
      if (seen.has(item.number)) wrong += 1;
      seen.set(item.number, item);
    }
    let verified = 0;
    for (const item of expected) {
      const stored = seen.get(item.number);
      if (stored !== undefined && isSameItem(stored, item)) verified += 1;
    }
    wrong += seen.size - verified;
    return { acknowledged: expected.length, verified, lost: expected.length - verified, wrong };
  } finally {
    await opened.close();
  }
}
