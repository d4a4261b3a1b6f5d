/**
 * Reads of a table of 100,000 items. Every answer is checked: the row for its number, lists for their length, which is known without any
 * system. The table is filled once and kept.
 */
import { SeededRandom } from '@k-lani/base';
import { CATEGORIES, makeItems, PRICES, REGIONS, STATUSES } from '../systems/items.ts';
import type { ItemLane, Session, System } from '../systems/system.ts';
import { fillTable, TABLE_ROWS, TableTruth } from './item-table.ts';
import { LatencyList } from './latency-list.ts';
import { latencyFigures } from './percentiles.ts';
import type { Measurement, Scenario, SizeName, Task } from './scenario.ts';

/** One of the questions; gives how many rows the answer had. */
interface Question {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  /** How many are asked, at each size. */
  readonly counts: Readonly<Record<SizeName, number>>;
  /** Callers at once; 1 asks one question after the other over one connection. */
  readonly callers: number;
  ask(lane: ItemLane, about: About): Promise<number>;
}

/** What a question may be about. */
interface About {
  readonly index: number;
  readonly rows: number;
  readonly random: SeededRandom;
  readonly truth: TableTruth;
}

const RANGE = PRICES / 100;

const QUESTIONS: readonly Question[] = [
  {
    name: 'read-sequential',
    title: 'Point lookup, one after the other',
    what: 'by primary key, in the order of keys, over one connection',
    counts: { published: 10_000, trial: 2000, small: 50 },
    callers: 1,
    ask: (lane, { index, rows }) => readOne(lane, 1 + (index % rows)),
  },
  {
    name: 'read-random',
    title: 'Point lookup, random, 128 at once',
    what: 'by primary key, 128 callers over 8 or the best number of connections',
    counts: { published: 100_000, trial: 20_000, small: 300 },
    callers: 128,
    ask: (lane, { random, rows }) => readOne(lane, 1 + random.below(rows)),
  },
  {
    name: 'range-scan',
    title: 'Range scan of 1 %',
    what: 'all fields of the 1,000 rows or so in a range of an indexed field, one scan after the other',
    counts: { published: 300, trial: 60, small: 10 },
    callers: 1,
    ask: async (lane, { random, truth }) => {
      const from = random.below(PRICES - RANGE);
      const rows = await lane.range(from, from + RANGE - 1);
      return expectCount(rows.length, truth.between(from, from + RANGE - 1), `items with prices from ${from}`);
    },
  },
  {
    name: 'indexed-equality',
    title: 'Indexed equality',
    what: 'keys of the 100 rows or so that have one of 1,000 values, one question after the other',
    counts: { published: 2000, trial: 400, small: 20 },
    callers: 1,
    ask: async (lane, { random, truth }) => {
      const category = random.below(CATEGORIES);
      const numbers = await lane.ofCategory(category);
      return expectCount(numbers.length, truth.ofCategory(category), `items of category ${category}`);
    },
  },
  {
    name: 'intersection',
    title: 'Two-index intersection',
    what: 'keys of the 100 rows or so that have one of 20 and one of 50 values, one question after the other',
    counts: { published: 1000, trial: 200, small: 20 },
    callers: 1,
    ask: async (lane, { random, truth }) => {
      const region = random.below(REGIONS);
      const status = random.below(STATUSES);
      const numbers = await lane.ofRegionAndStatus(region, status);
      return expectCount(numbers.length, truth.ofRegionAndStatus(region, status), `items of region ${region} and status ${status}`);
    },
  },
];

export const READS: readonly Scenario[] = QUESTIONS.map((question) => ({
  name: question.name,
  title: question.title,
  what: question.what,
  kinds: ['server'],
  use: 'items',
  isRepeated: false,
  connections: (system: System) => (question.callers === 1 ? [1] : system.bestConnections),
  measure: (session: Session, task: Task) => measure(question, session, task),
}));

async function readOne(lane: ItemLane, number: number): Promise<number> {
  const item = await lane.read(number);
  if (item?.number !== number) throw new Error(`Read item ${item?.number}, must be ${number}`);
  return 1;
}

function expectCount(found: number, expected: number, what: string): number {
  if (found !== expected) throw new Error(`Found ${found} ${what}, must be ${expected}`);
  return found;
}

async function measure(question: Question, session: Session, { size, seed, way }: Task): Promise<Measurement> {
  const opened = await session.openItems(`items_${size}`, way);
  try {
    await fillTable(opened, size, seed);
    const rows = TABLE_ROWS[size];
    const truth = new TableTruth(makeItems(rows, seed));
    const random = new SeededRandom(seed);
    const latencies = new LatencyList();
    const left = { index: 0, rows: 0 };
    const call = async (lane: ItemLane): Promise<void> => {
      while (left.index < question.counts[size]) {
        left.index += 1;
        const startedMs = performance.now();
        const found = await question.ask(lane, { index: left.index, rows, random, truth });
        latencies.add(performance.now() - startedMs);
        left.rows += found;
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: question.callers }, (_, caller) => call(laneOf(opened.lanes, caller))));
    const seconds = (performance.now() - startedMs) / 1000;
    return measured(question, latencies, left.rows, seconds);
  } finally {
    await opened.close();
  }
}

function laneOf(lanes: readonly ItemLane[], caller: number): ItemLane {
  const lane = lanes[caller % lanes.length];
  if (lane === undefined) throw new Error('Cannot read: the system opened no connection');
  return lane;
}

function measured(question: Question, latencies: LatencyList, rows: number, seconds: number): Measurement {
  const { p50, p99 } = latencyFigures(latencies.all);
  const rate = { value: latencies.count / seconds, unit: '1/s', better: 'higher' } as const;
  const rowRate = { value: rows / seconds, unit: 'rows/s', better: 'higher' } as const;
  return {
    figures: question.callers === 1 ? { p50, p99, rate, rows: rowRate } : { rate, p50, p99 },
    counts: { questions: latencies.count, rows },
    told: undefined,
  };
}
