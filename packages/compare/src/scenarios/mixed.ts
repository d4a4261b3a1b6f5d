/**
 * Reads and writes in an open loop, at rising rates: 19 point reads and one change of a field.
 *
 * 1. Requests come in bursts, one a millisecond, whether or not those before are answered; latency counts from the burst's time.
 * 2. A rate is kept when 99 % of its requests were answered within 50 ms of their time.
 * 3. The rates end with the first one that is not kept, or at which too many requests wait.
 *
 * The recount: each row that was changed holds one of the amounts that were acknowledged for it, or asked for without an answer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '@k-lani/base';
import type { ItemLane, OpenItems, Session, System } from '../systems/system.ts';
import { fillTable, TABLE_ROWS } from './item-table.ts';
import { LatencyList } from './latency-list.ts';
import { latencyFigures, percentileOf } from './percentiles.ts';
import type { Figure, Measurement, Recount, Scenario, SizeName, Task } from './scenario.ts';

const WRITE_SHARE = 0.05;
const KEPT_MS = 50;
const WAITING_MAX = 20_000;
const STEP_MS: Readonly<Record<SizeName, number>> = { published: 1000, trial: 300, small: 50 };
const RATES: Readonly<Record<SizeName, readonly number[]>> = {
  published: [1000, 2000, 4000, 6000, 8000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000, 96_000, 128_000, 192_000, 256_000, 384_000],
  trial: [2000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000],
  small: [200, 400],
};

/** The number and amount of each change, one behind the other. */
type Told = Uint32Array;

export const MIXED: Scenario = {
  name: 'mixed',
  title: '95 % reads, 5 % writes, at rising rates',
  what: 'open loop over 8 or the best number of connections; the highest rate whose 99th percentile is within 50 ms',
  kinds: ['server'],
  use: 'items',
  isRepeated: false,
  connections: (system: System) => system.bestConnections,
  measure,
  recount: (session, task, told) => recount(session, task, told as Told),
};

async function measure(session: Session, task: Task): Promise<Measurement> {
  const opened = await session.openItems(task.run, task.way);
  try {
    await fillTable(opened, task.size, task.seed);
    const loop = new OpenLoop(opened, task);
    const figures: Record<string, Figure> = { rate: { value: 0, unit: '1/s', better: 'higher' } };
    let requests = 0;
    for (const rate of RATES[task.size]) {
      const step = await loop.run(rate);
      requests += step.requests;
      Object.assign(figures, step.figures);
      if (!step.isKept) break;
      figures['rate'] = { value: rate, unit: '1/s', better: 'higher' };
    }
    return { figures, counts: { requests, changes: loop.changes.length / 2 }, told: Uint32Array.from(loop.changes) };
  } finally {
    await opened.close();
  }
}

class OpenLoop {
  /** The number and amount of each acknowledged change. */
  readonly changes: number[] = [];
  readonly #lanes: readonly ItemLane[];
  readonly #rows: number;
  readonly #stepMs: number;
  readonly #random: SeededRandom;
  #sent = 0;
  #waiting = 0;
  #failure: unknown;

  constructor({ lanes }: OpenItems, { size, seed }: Task) {
    this.#lanes = lanes;
    this.#rows = TABLE_ROWS[size];
    this.#stepMs = STEP_MS[size];
    this.#random = new SeededRandom(seed);
  }

  /** Sends at one rate, and waits for all answers. */
  async run(rate: number): Promise<{ isKept: boolean; requests: number; figures: Record<string, Figure> }> {
    const latencies = new LatencyList();
    const requests = Math.round((rate * this.#stepMs) / 1000);
    const startedMs = performance.now();
    let sent = 0;
    while (sent < requests && this.#waiting < WAITING_MAX && this.#failure === undefined) {
      const dueMs = startedMs + Math.floor((sent * 1000) / rate);
      const aheadMs = dueMs - performance.now();
      if (aheadMs > 0) {
        await delay(Math.max(1, aheadMs));
        continue;
      }
      void this.#request(dueMs, latencies);
      sent += 1;
      // Answers are read between bursts, also when bursts are late.
      if (sent % BURST_MAX === 0) await new Promise(setImmediate);
    }
    while (this.#waiting > 0) await delay(1);
    if (this.#failure !== undefined) throw this.#failure;
    const { p50, p99 } = latencyFigures(latencies.all);
    const isKept = sent === requests && percentileOf(latencies.all, 0.99) <= KEPT_MS;
    return { isKept, requests: sent, figures: { [`p50 at ${rate}`]: p50, [`p99 at ${rate}`]: p99 } };
  }

  async #request(dueMs: number, latencies: LatencyList): Promise<void> {
    const lane = this.#lanes[this.#sent % this.#lanes.length];
    this.#sent += 1;
    const amount = this.#sent;
    const number = 1 + this.#random.below(this.#rows);
    const isWrite = this.#random.uint32() < WRITE_SHARE * 2 ** 32;
    this.#waiting += 1;
    try {
      if (isWrite) await lane?.setAmount(number, amount);
      else if ((await lane?.read(number))?.number !== number) throw new Error(`Cannot read item ${number}: another one came`);
      latencies.add(performance.now() - dueMs);
      if (isWrite) this.changes.push(number, amount);
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Requests that are sent before answers are looked at. */
const BURST_MAX = 64;

async function recount(session: Session, task: Task, told: Told): Promise<Recount> {
  const amountsOf = new Map<number, number[]>();
  for (let index = 0; index < told.length; index += 2) {
    const number = told[index] ?? 0;
    const amounts = amountsOf.get(number);
    if (amounts === undefined) amountsOf.set(number, [told[index + 1] ?? 0]);
    else amounts.push(told[index + 1] ?? 0);
  }
  const opened = await session.openItems(task.run, { ...task.way, connections: 1 });
  try {
    let verified = 0;
    let wrong = 0;
    for await (const { number, amount } of opened.scan()) {
      const amounts = amountsOf.get(number);
      if (amounts?.includes(amount) === true) verified += 1;
      else if (amounts === undefined && amount !== 0) wrong += 1;
    }
    return { acknowledged: amountsOf.size, verified, lost: amountsOf.size - verified, wrong };
  } finally {
    await opened.close();
  }
}
