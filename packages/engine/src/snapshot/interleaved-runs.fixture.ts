/**
 * For tests: a Left-Right that publishes batches, and a reader in another thread, their accesses to shared memory interleaved by a seed.
 * Whatever the reader got must be one of the snapshots that were visible while it read.
 */
import { Worker } from 'node:worker_threads';
import { SeededRandom, assert, type Clock, type Scheduler } from '@k-lani/base';
import { LeftRight } from './left-right.ts';
import { ObservedTable, type TableRoots } from './observed-table.fixture.ts';
import { slotWord } from './control-words.ts';
import { READER_WAIT_MS_MAX } from './reader-slots.ts';
import type { Side } from './side.ts';
import { writeSteppedLog, type SteppedLog } from './stepped-log.fixture.ts';
import type { ReaderJob } from './stepping-reader.fixture.ts';
import { Turns, stepThroughAtomics, stepThroughStore } from './turns.fixture.ts';

const TABLE_ID = 1;
/** Numbers that one read can see at most. */
const SEEN_MAX = 1024;
/** More steps than any read takes that ends. */
const STEPS_OF_A_READ_MAX = 1_000_000;
/** A turn of the reader is 2 to the power of at most so many steps: often few, sometimes a whole read. */
const TURN_BITS_MAX = 11;

/** What the reads of a run came to. */
export interface RunReport {
  readonly reads: number;
  /** How often a side was taken away from a read. */
  readonly revoked: number;
  /** The first read that no snapshot explains. */
  readonly torn: string | undefined;
}

/** Time that passes when the writer waits, and work that is put off until the run does it. */
class RunClock implements Clock, Scheduler {
  nowMs = 0;
  readonly deferred: (() => void)[] = [];

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  defer(callback: () => void): void {
    this.deferred.push(callback);
  }

  after(): void {
    assert(false, 'Publishing waits for no timer');
  }
}

/** Runs over one log. They change what `Atomics` does in this process: for a process of their own. */
export class InterleavedRuns {
  readonly #written: SteppedLog;
  /** What can be seen after each batch, as text → the batch. */
  readonly #snapshots: ReadonlyMap<string, number>;
  readonly #worker = new Worker(new URL('./stepping-reader.fixture.ts', import.meta.url));
  #run: InterleavedRun | undefined;

  private constructor(written: SteppedLog) {
    this.#written = written;
    this.#snapshots = snapshotsOf(written);
    stepThroughAtomics(
      () => this.#run?.step(),
      () => this.#run?.wait(),
    );
  }

  /** Writes the log into an empty directory and starts the reader's thread. */
  static async begin(path: string): Promise<InterleavedRuns> {
    const runs = new InterleavedRuns(await writeSteppedLog(path));
    await new Promise((resolve) => runs.#worker.once('online', resolve));
    return runs;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
    this.#written.log.close();
  }

  /** The same seed gives the same run. */
  run(seed: number): RunReport {
    this.#run = new InterleavedRun(seed, this.#written, this.#snapshots);
    try {
      return this.#run.run((job) => this.#worker.postMessage(job, []));
    } finally {
      this.#run = undefined;
    }
  }
}

class InterleavedRun {
  readonly #random: SeededRandom;
  readonly #written: SteppedLog;
  readonly #snapshots: ReadonlyMap<string, number>;
  readonly #clock = new RunClock();
  readonly #turns = new Turns();
  readonly #seen = new Float64Array(new SharedArrayBuffer(SEEN_MAX * 8));
  /** At each of the writer's steps, the reader gets a turn once in so many times. */
  readonly #turnEvery: number;
  #isRunning = false;
  /** The batch that is being published. */
  #batch = 0;
  /** The batch that was visible when the read under way began, at least. */
  #batchAtBegin = 0;
  #readsJudged = 0;
  #torn: string | undefined;

  constructor(seed: number, written: SteppedLog, snapshots: ReadonlyMap<string, number>) {
    this.#random = new SeededRandom(seed);
    this.#written = written;
    this.#snapshots = snapshots;
    this.#turnEvery = 1 << (5 + this.#random.below(5));
  }

  run(start: (job: ReaderJob) => void): RunReport {
    const { log, catalog, batches } = this.#written;
    const snapshots = new LeftRight({ log, catalog, scheduler: this.#clock, clock: this.#clock, sharing: undefined });
    const sides = sidesOf(snapshots);
    for (const { store } of sides) stepThroughStore(store, () => this.step());
    const publish = (batch: number): void => {
      const span = batches[batch];
      assert(span !== undefined, 'The batch exists');
      snapshots.publish(span.start, span.end);
    };
    // The schema must be on both sides before a reader can attach to the table.
    for (this.#batch = 0; this.#batch < 2; this.#batch += 1) publish(this.#batch);
    start({
      turns: this.#turns.shared,
      control: snapshots.controlWords,
      sides: [memoryOf(sides[0]), memoryOf(sides[1])],
      seen: this.#seenMemory,
    });
    this.#isRunning = true;
    for (this.#batchAtBegin = 1; this.#batch < batches.length; this.#batch += 1) {
      publish(this.#batch);
      if (this.#random.below(2) === 0) for (const callback of this.#clock.deferred.splice(0)) callback();
    }
    this.#isRunning = false;
    this.#endReader();
    return { reads: this.#readsJudged, revoked: tenures(snapshots.controlWords), torn: this.#torn };
  }

  /** One access of the writer. */
  step(): void {
    if (this.#isRunning && this.#random.below(this.#turnEvery) === 0) this.#letReaderStep(this.#turnSteps());
  }

  /** The writer waits: the reader gets a turn, and some time passes. */
  wait(): void {
    this.#letReaderStep(this.#turnSteps());
    this.#clock.nowMs += this.#random.below(2) * READER_WAIT_MS_MAX;
  }

  #turnSteps(): number {
    return 1 << this.#random.below(TURN_BITS_MAX + 1);
  }

  get #seenMemory(): SharedArrayBuffer {
    assert(this.#seen.buffer instanceof SharedArrayBuffer, 'It is made so');
    return this.#seen.buffer;
  }

  #endReader(): void {
    const { reads } = this.#turns;
    this.#turns.stop();
    this.#letReaderStep(STEPS_OF_A_READ_MAX);
    assert(this.#turns.reads > reads, 'A read ends, whatever it meets');
  }

  #letReaderStep(steps: number): void {
    this.#turns.letReaderStep(steps);
    if (this.#turns.reads === this.#readsJudged) return;
    this.#readsJudged = this.#turns.reads;
    const length = this.#seen[0] ?? 0;
    if (length !== 0) this.#torn ??= this.#judge(this.#seen.subarray(1, 1 + length), length);
    this.#batchAtBegin = Math.min(this.#batch, this.#written.batches.length) - 1;
  }

  /** What is wrong with a read that saw `seen`, if anything is; its length is -1 if it threw. */
  #judge(seen: Float64Array, length: number): string | undefined {
    if (length < 0) return 'the read threw';
    const numbers = seen.join(' ');
    const batch = this.#snapshots.get(numbers);
    if (batch === undefined) return `the reader saw what no snapshot holds: ${numbers}`;
    if (batch >= this.#batchAtBegin && batch <= this.#batch) return undefined;
    return `the reader saw batch ${batch} while batches ${this.#batchAtBegin} to ${this.#batch} were visible`;
  }
}

/** What can be seen after each batch when nobody disturbs. */
function snapshotsOf({ log, catalog, batches }: SteppedLog): Map<string, number> {
  const clock = new RunClock();
  const alone = new LeftRight({ log, catalog, scheduler: clock, clock, sharing: undefined });
  return new Map(
    batches.map(({ start, end }, batch) => {
      alone.publish(start, end);
      return [new ObservedTable(alone.visible.store, rootsOf(alone.visible)).observe().join(' '), batch];
    }),
  );
}

function sidesOf(snapshots: LeftRight): [Side, Side] {
  const second = snapshots.visible;
  snapshots.publish(0, 0);
  const first = snapshots.visible;
  snapshots.publish(0, 0);
  assert(snapshots.visible === second, 'There are two sides');
  return [second, first];
}

/** In how many tenures the one slot that is used was taken: each but the first begins after it was revoked. */
function tenures(words: Int32Array): number {
  return (words[slotWord(0)] ?? 0) >>> 2;
}

function rootsOf(side: Side): TableRoots {
  const table = side.table(TABLE_ID);
  return { locations: table.locations.rootPage, zone: table.index(0).rootPage, price: table.index(1).rootPage };
}

function memoryOf(side: Side): ReaderJob['sides'][0] {
  return { buffers: side.store.buffers, roots: rootsOf(side) };
}
