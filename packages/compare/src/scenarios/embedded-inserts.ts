/** Batched inserts in the process: several transactions, one after the other, of which the median counts. */
import { makeItems } from '../systems/items.ts';
import type { Item } from '../systems/items.ts';
import type { OpenItems, Session } from '../systems/system.ts';
import { recountItems } from './inserts.ts';
import { percentileOf } from './percentiles.ts';
import type { Measurement, Scenario, SizeName, Task } from './scenario.ts';

const BATCH_ROWS: Readonly<Record<SizeName, number>> = { published: 50_000, trial: 10_000, small: 300 };
const TRANSACTIONS: Readonly<Record<SizeName, number>> = { published: 9, trial: 5, small: 2 };

interface Plan {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly open: (session: Session, task: Task) => Promise<OpenItems>;
}

export const EMBEDDED_INSERTS: readonly Scenario[] = [
  insertScenario({
    name: 'embedded-insert',
    title: 'Embedded, batched insert in one transaction',
    what: '50,000 rows of seven fields with a primary key and no other index; the median of nine transactions',
    open: openPlain,
  }),
  insertScenario({
    name: 'embedded-insert-indexed',
    title: 'Embedded, batched insert in one transaction, four indexes',
    what: '50,000 rows of seven fields, four of them indexed beside the primary key; the median of nine transactions',
    open: (session, { run, way }) => session.openItems(run, way),
  }),
];

function insertScenario({ name, title, what, open }: Plan): Scenario {
  return {
    name,
    title,
    what,
    kinds: ['embedded'],
    use: 'items',
    isRepeated: false,
    connections: () => [1],
    measure: async (session, task) => measure(await open(session, task), task),
    recount: (session, task) => recountItems({ ...session, openItems: () => open(session, task) }, task, allItems(task)),
  };
}

async function openPlain(session: Session, { run, way }: Task): Promise<OpenItems> {
  const opened = await session.openPlainItems?.(run, way);
  if (opened === undefined) throw new Error('Cannot insert: the system has no items without indexes');
  return opened;
}

function allItems({ size, seed }: Task): Item[] {
  return makeItems(BATCH_ROWS[size] * TRANSACTIONS[size], seed);
}

async function measure(opened: OpenItems, task: Task): Promise<Measurement> {
  try {
    const items = allItems(task);
    const rows = BATCH_ROWS[task.size];
    const timesMs: number[] = [];
    for (let start = 0; start < items.length; start += rows) {
      const batch = items.slice(start, start + rows);
      const startedMs = performance.now();
      await opened.lanes[0]?.insert(batch);
      timesMs.push(performance.now() - startedMs);
    }
    const medianMs = percentileOf(Float64Array.from(timesMs).toSorted(), 0.5);
    const bestMs = Math.min(...timesMs);
    return {
      figures: {
        rate: { value: (rows / medianMs) * 1000, unit: 'rows/s', better: 'higher' },
        best: { value: (rows / bestMs) * 1000, unit: 'rows/s', better: 'higher' },
      },
      counts: { rows: items.length },
      told: true,
    };
  } finally {
    await opened.close();
  }
}
