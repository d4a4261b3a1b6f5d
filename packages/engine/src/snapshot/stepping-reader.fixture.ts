/** For tests: the thread of a reader whose every access to shared memory is a step. It reads until it is told to stop, once for each job. */
import { parentPort } from 'node:worker_threads';
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { PageStore } from '../memory/page-store.ts';
import { ObservedTable, type TableRoots } from './observed-table.fixture.ts';
import { SideReader } from './side-reader.ts';
import { Turns, stepThroughAtomics, stepThroughStore } from './turns.fixture.ts';

/** What the reader is given to read. */
export interface ReaderJob {
  readonly turns: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly sides: readonly [SideMemory, SideMemory];
  /** Where what was seen is written: its length, then the numbers; 0 for a read that did not come through, -1 for one that threw. */
  readonly seen: SharedArrayBuffer;
}

interface SideMemory {
  readonly buffers: readonly SharedArrayBuffer[];
  readonly roots: TableRoots;
}

let turns: Turns | undefined;
const step = (): void => turns?.step();

stepThroughAtomics(step, () => undefined);

parentPort?.on('message', (job: ReaderJob) => {
  const own = new Turns(job.turns);
  const [left, right] = job.sides.map(({ buffers, roots }) => {
    const store = PageStore.attach({ chunk: (index) => buffers[index] });
    stepThroughStore(store, step);
    return new ObservedTable(store, roots);
  });
  assert(left !== undefined && right !== undefined, 'There are two sides');
  const reader = new SideReader(job.control, [left, right]);
  const seen = new Float64Array(job.seen);
  own.begin();
  turns = own;
  do readOnce(reader, seen);
  while (own.endRead());
  turns = undefined;
});

function readOnce(reader: SideReader<ObservedTable>, seen: Float64Array): void {
  try {
    const numbers = reader.read((table) => table.observe());
    seen.set(numbers, 1);
    seen[0] = numbers.length;
  } catch (error) {
    seen[0] = error instanceof KLaniError && error.code === 'Overloaded' ? 0 : -1;
  }
}
