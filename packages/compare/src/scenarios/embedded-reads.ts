/**
 * Reads in the process, of a table of 1,000,000 items, without promises: they cost more than the reads. A repetition asks so many questions
 * that the clock is precise, and the figure is the median of repetitions. Every answer is checked for what it must hold.
 */
import { SeededRandom } from '@k-lani/base';
import { CATEGORIES, PRICES, REGIONS, STATUSES } from '../systems/items.ts';
import type { ItemReads, Session, Use } from '../systems/system.ts';
import type { TableTruth } from './item-table.ts';
import { openReadTable } from './embedded-tables.ts';
import { percentileOf } from './percentiles.ts';
import type { Measurement, Scenario, SizeName, Task } from './scenario.ts';

/** What questions are about. */
interface About {
  readonly reads: ItemReads;
  readonly rows: number;
  readonly truth: TableTruth;
  readonly random: SeededRandom;
}

interface Question {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly use: Use;
  /** Of one repetition. */
  readonly questions: number;
  readonly repetitions: Readonly<Record<SizeName, number>>;
  /** Draws the questions of a repetition, and gives the function that is measured: it asks them, and gives how many rows came. */
  prepare(about: About, questions: number): () => number;
}

const LIMIT = 64;
/** Of all rows, and of all prices. */
const RANGE_SHARE = 0.01;

const QUESTIONS: readonly Question[] = [
  {
    name: 'embedded-point-read',
    title: 'Embedded, random point read',
    what: 'a row as an object by primary key, of 1,000,000; nanoseconds, the median of repetitions of 1,000 reads',
    use: 'read',
    questions: 1000,
    repetitions: { published: 500, trial: 200, small: 5 },
    prepare: ({ reads, rows, random }, questions) => {
      const numbers = Uint32Array.from({ length: questions }, () => 1 + random.below(rows));
      return () => {
        for (const number of numbers) if (reads.read(number)?.number !== number) throw wrong(`item ${number}`);
        return questions;
      };
    },
  },
  {
    name: 'embedded-range-scan',
    title: 'Embedded, range scan of 1 % by an indexed field',
    what: 'rows as objects, the 10,000 or so of 1,000,000 that are in a range of prices',
    use: 'range',
    questions: 1,
    repetitions: { published: 60, trial: 30, small: 3 },
    prepare: ({ reads, random, truth }) => {
      const width = PRICES * RANGE_SHARE;
      const from = random.below(PRICES - width);
      return () => expectCount(reads.range(from, from + width - 1).length, truth.between(from, from + width - 1), `prices from ${from}`);
    },
  },
  {
    name: 'embedded-key-scan',
    title: 'Embedded, range scan of 1 % by primary key',
    what: 'rows as objects, 10,000 of 1,000,000 in a row',
    use: 'read',
    questions: 1,
    repetitions: { published: 60, trial: 30, small: 3 },
    prepare: ({ reads, rows, random }) => {
      const width = rows * RANGE_SHARE;
      const from = 1 + random.below(rows - width);
      return () => expectCount(reads.between(from, from + width - 1).length, width, `numbers from ${from}`);
    },
  },
  {
    name: 'embedded-equality',
    title: 'Embedded, indexed equality',
    what: 'keys of the 1,000 rows or so of 1,000,000 that have one of 1,000 values',
    use: 'read',
    questions: 10,
    repetitions: { published: 100, trial: 30, small: 3 },
    prepare: ({ reads, random, truth }, questions) => {
      const categories = Array.from({ length: questions }, () => random.below(CATEGORIES));
      return () => {
        let rows = 0;
        for (const category of categories)
          rows += expectCount(reads.ofCategory(category).length, truth.ofCategory(category), `category ${category}`);
        return rows;
      };
    },
  },
  both('embedded-intersection', 'intersect', 'Embedded, two-index intersection', 'from an index of each of the two fields'),
  both(
    'embedded-pair',
    'pair',
    'Embedded, two fields asked for together',
    'with an index made for these two fields, where the system has such',
  ),
];

export const EMBEDDED_READS: readonly Scenario[] = QUESTIONS.map((question) => ({
  name: question.name,
  title: question.title,
  what: question.what,
  kinds: ['embedded'],
  use: question.use,
  isRepeated: false,
  connections: () => [1],
  measure: (session: Session, task: Task) => measure(question, session, task),
}));

function both(name: string, use: Use, title: string, from: string): Question {
  return {
    name,
    title,
    what: `the first 64 keys of the 1,000 rows or so of 1,000,000 that have one of 20 and one of 50 values, ${from}`,
    use,
    questions: 10,
    repetitions: { published: 100, trial: 30, small: 3 },
    prepare: ({ reads, random, truth }, questions) => {
      const pairs = Array.from({ length: questions }, () => ({ region: random.below(REGIONS), status: random.below(STATUSES) }));
      return () => {
        let rows = 0;
        for (const { region, status } of pairs) {
          const expected = Math.min(LIMIT, truth.ofRegionAndStatus(region, status));
          rows += expectCount(reads.ofRegionAndStatus(region, status, LIMIT).length, expected, `region ${region}, status ${status}`);
        }
        return rows;
      };
    },
  };
}

async function measure(question: Question, session: Session, task: Task): Promise<Measurement> {
  const { reads, rows, truth, close } = await openReadTable(session, task);
  try {
    const random = new SeededRandom(task.seed);
    const repetitions = question.repetitions[task.size];
    const timesMs = new Float64Array(repetitions);
    let rowCount = 0;
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      const ask = question.prepare({ reads, rows, truth, random }, question.questions);
      const startedMs = performance.now();
      rowCount += ask();
      timesMs[repetition] = performance.now() - startedMs;
    }
    return measured(timesMs, question.questions, rowCount);
  } finally {
    await close();
  }
}

/** Figures of one question. */
function measured(timesMs: Float64Array, questions: number, rows: number): Measurement {
  const medianMs = percentileOf(timesMs.toSorted(), 0.5) / questions;
  const asked = timesMs.length * questions;
  return {
    figures: {
      p50: { value: medianMs * 1e6, unit: 'ns', better: 'lower' },
      rows: { value: (rows / asked / medianMs) * 1000, unit: 'rows/s', better: 'higher' },
    },
    counts: { questions: asked, rows },
    told: undefined,
  };
}

function expectCount(found: number, expected: number, what: string): number {
  if (found !== expected) throw wrong(`${what}: ${found} rows, must be ${expected}`);
  return found;
}

function wrong(what: string): Error {
  return new Error(`Read what is not stored of ${what}`);
}
