/**
 * Left-Right: the derived state exists twice. Readers use the visible side; a durable batch is applied to the other one, and one atomic
 * store makes that visible. The side that readers have left is caught up lazily, before the next batch needs it.
 *
 * | state | visible side | hidden side |
 * | --- | --- | --- |
 * | level | all durable batches | the same |
 * | behind | all durable batches | lacks the last batch |
 *
 * 1. The visible side is never written.
 * 2. A side is read only inside one synchronous call, so in the writer's own thread nobody is on the hidden side when it is written.
 *
 * After Ramalhete and Correia, Left-Right: a concurrency control technique with wait-free population oblivious reads (2013).
 */
import type { Scheduler } from '@k-lani/base';
import type { Log } from '../log/log.ts';
import type { Catalog } from '../table/catalog.ts';
import { Side } from './side.ts';

/** The records of one durable batch: the positions from the first record to the end. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export class LeftRight {
  readonly #sides: readonly [Side, Side];
  readonly #log: Log;
  readonly #scheduler: Scheduler;
  /** Word 0: how often the sides were swapped; its lowest bit is the visible side. Shared, for readers in other threads. */
  readonly #generation = new Uint32Array(new SharedArrayBuffer(4));
  #visible: Side;
  /** What the hidden side lacks. */
  #behind: Span | undefined;
  #isScheduled = false;

  constructor(log: Log, catalog: Catalog, scheduler: Scheduler) {
    this.#log = log;
    this.#scheduler = scheduler;
    this.#sides = [new Side(log, catalog), new Side(log, catalog)];
    this.#visible = this.#sides[0];
  }

  /** The side that readers use now. Do not keep it over an `await`. */
  get visible(): Side {
    return this.#visible;
  }

  get sizeBytes(): number {
    return this.#sides[0].store.sizeBytes + this.#sides[1].store.sizeBytes;
  }

  /** Builds the visible side by `apply`, called with it once, and makes the other one equal. */
  rebuild(apply: (side: Side) => void): void {
    apply(this.#visible);
    this.#hidden.copyFrom(this.#visible);
  }

  /** Applies a durable batch and makes it visible. */
  publish(start: number, end: number): void {
    this.#catchUp();
    this.#applyTo(this.#hidden, start, end);
    Atomics.add(this.#generation, 0, 1);
    this.#visible = this.#hidden;
    this.#behind = { start, end };
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.defer(() => {
      this.#isScheduled = false;
      this.#catchUp();
    });
  }

  /** Gives up catching up: the log is about to be closed. */
  close(): void {
    this.#behind = undefined;
  }

  get #hidden(): Side {
    return this.#visible === this.#sides[0] ? this.#sides[1] : this.#sides[0];
  }

  #catchUp(): void {
    const behind = this.#behind;
    if (behind === undefined) return;
    this.#behind = undefined;
    this.#applyTo(this.#hidden, behind.start, behind.end);
  }

  #applyTo(side: Side, start: number, end: number): void {
    this.#log.forEachRecord(start, end, (position) => side.apply(position));
  }
}
