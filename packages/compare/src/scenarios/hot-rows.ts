/**
 * 32 writers that want 16 rows: as a loop under a lock, and as one command.
 *
 * The recount: each row was taken as often as its writers were told, and is held by one that was told so of this row.
 */
import { SeededRandom } from '@k-lani/base';
import type { HotLane, HotRow, OpenHotRows, Session, System } from '../systems/system.ts';
import { LatencyList } from './latency-list.ts';
import { latencyFigures } from './percentiles.ts';
import type { Measurement, Recount, Scenario, SizeName, Task } from './scenario.ts';

const WRITERS = 32;
export const SLOTS = 16;
const DURATION_MS: Readonly<Record<SizeName, number>> = { published: 2500, trial: 400, small: 60 };

/** For each holder, from 1: the slot that it was told it has; 0 where it was not told so. */
type Told = Uint8Array;

function hotScenario(flow: 'loop' | 'claim'): Scenario {
  return {
    name: `hot-${flow}`,
    title: `32 writers on 16 hot rows, ${flow === 'loop' ? 'lock, read, write and give back' : 'one command'}`,
    what: '32 writers over 8 or the best number of connections; transactions a second',
    kinds: ['server'],
    use: `hot-${flow}`,
    isRepeated: false,
    connections: (system: System) => system.bestConnections,
    measure: (session, task) => measure(session, task, flow),
    recount: (session, task, told) => recount(session, task, told as Told),
  };
}

export const HOT_ROWS: readonly Scenario[] = [hotScenario('loop'), hotScenario('claim')];

async function measure(session: Session, task: Task, flow: 'loop' | 'claim'): Promise<Measurement> {
  const opened = await session.openHotRows(task.run, task.way);
  try {
    await opened.create(SLOTS);
    const storm = new HotStorm(opened, task, flow);
    const seconds = await storm.run();
    const { p50, p99 } = latencyFigures(storm.latencies.all);
    const taken = storm.latencies.count;
    return {
      figures: { rate: { value: taken / seconds, unit: '1/s', better: 'higher' }, p50, p99 },
      counts: { taken, conflicts: storm.conflicts },
      told: storm.told(),
    };
  } finally {
    await opened.close();
  }
}

class HotStorm {
  readonly latencies = new LatencyList();
  conflicts = 0;
  readonly #lanes: readonly HotLane[];
  readonly #task: Task;
  readonly #isLoop: boolean;
  readonly #slots: number[] = [];
  #isOver = false;

  constructor({ lanes }: OpenHotRows, task: Task, flow: 'loop' | 'claim') {
    this.#lanes = lanes;
    this.#task = task;
    this.#isLoop = flow === 'loop';
  }

  /** Resolves with the seconds that it took until the last writer had its answer. */
  async run(): Promise<number> {
    const startedMs = performance.now();
    const timer = setTimeout(() => (this.#isOver = true), DURATION_MS[this.#task.size]);
    try {
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#write(writer)));
    } finally {
      this.#isOver = true;
      clearTimeout(timer);
    }
    return (performance.now() - startedMs) / 1000;
  }

  told(): Told {
    return Uint8Array.from(this.#slots);
  }

  async #write(writer: number): Promise<void> {
    const lane = this.#lanes[writer % this.#lanes.length];
    if (lane === undefined) throw new Error('Cannot write: the system opened no connection');
    const random = new SeededRandom(this.#task.seed + writer);
    while (!this.#isOver) {
      const holder = this.#slots.push(0);
      const startedMs = performance.now();
      let slot = 1 + random.below(SLOTS);
      // Who finds a row locked turns to another one.
      while (!(this.#isLoop ? await lane.takeByLoop(slot, holder) : await lane.take(slot, holder))) {
        this.conflicts += 1;
        slot = 1 + random.below(SLOTS);
      }
      this.latencies.add(performance.now() - startedMs);
      this.#slots[holder - 1] = slot;
    }
  }
}

async function recount(session: Session, task: Task, told: Told): Promise<Recount> {
  const opened = await session.openHotRows(task.run, { ...task.way, connections: 1 });
  try {
    return countRows(await opened.readAll(), told);
  } finally {
    await opened.close();
  }
}

/** Holds the rows against what writers were told. Pure. */
export function countRows(rows: readonly HotRow[], told: Told): Recount {
  const toldOfSlot = Array.from({ length: SLOTS + 1 }, () => 0);
  let acknowledged = 0;
  for (const slot of told) {
    if (slot === 0) continue;
    acknowledged += 1;
    toldOfSlot[slot] = (toldOfSlot[slot] ?? 0) + 1;
  }
  let verified = 0;
  let wrong = Math.abs(rows.length - SLOTS);
  for (const { slot, taken, holder } of rows) {
    const expected = toldOfSlot[slot] ?? 0;
    verified += Math.min(taken, expected);
    wrong += Math.max(0, taken - expected);
    if (holder !== 0 && told[holder - 1] !== slot) wrong += 1;
  }
  return { acknowledged, verified, lost: acknowledged - verified, wrong };
}
