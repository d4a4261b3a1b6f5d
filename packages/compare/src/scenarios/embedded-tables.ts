/** Tables that embedded systems are asked about: filled once for each way, and kept. */
import { type Item, makeItems } from '../systems/items.ts';
import type { ItemReads, OpenItems, Session } from '../systems/system.ts';
import { TableTruth } from './item-table.ts';
import type { SizeName, Task } from './scenario.ts';

const EMBEDDED_ROWS: Readonly<Record<SizeName, number>> = { published: 1_000_000, trial: 100_000, small: 1000 };
const LOAD_ROWS = 10_000;

/** An open table, and what is in it. */
export interface ReadTable {
  readonly reads: ItemReads;
  readonly rows: number;
  readonly truth: TableTruth;
  readonly close: () => Promise<void>;
}

const truths = new Map<string, TableTruth>();

export async function openReadTable(session: Session, { size, seed, way }: Task): Promise<ReadTable> {
  const rows = EMBEDDED_ROWS[size];
  const opened = await session.openItems(`items_${size}_${way.name.replaceAll(' ', '_')}`, way);
  try {
    const reads = await fill(opened, rows, seed);
    return { reads, rows, truth: truthOf(rows, seed), close: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The items of a table in the parts in which they are inserted. */
function* partsOf(rows: number, seed: number): Generator<Item[]> {
  for (let first = 1; first <= rows; first += LOAD_ROWS) yield makeItems(Math.min(LOAD_ROWS, rows - first + 1), seed, first);
}

async function fill(opened: OpenItems, rows: number, seed: number): Promise<ItemReads> {
  const [lane] = opened.lanes;
  if (lane?.direct === undefined) throw new Error('Cannot read items: the system has no reads without promises');
  if (lane.direct.read(rows) !== undefined) return lane.direct;
  for (const items of partsOf(rows, seed)) await lane.insert(items);
  await opened.settle?.();
  return lane.direct;
}

/** Made once in a process: it takes longer than what is measured. */
function truthOf(rows: number, seed: number): TableTruth {
  const name = `${rows} ${seed}`;
  let truth = truths.get(name);
  if (truth === undefined) {
    truth = new TableTruth(partsOf(rows, seed).flatMap((items) => items));
    truths.set(name, truth);
  }
  return truth;
}
