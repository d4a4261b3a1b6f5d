/**
 * Left-Right: the derived state exists twice. Readers use the visible side; a durable batch is applied to the other one, and one atomic
 * store makes that visible. The side that readers have left is caught up lazily, before the next batch needs it: the batch is applied to it
 * as well, or a large one copied.
 *
 * | state | visible side | hidden side |
 * | --- | --- | --- |
 * | level | all durable batches | the same |
 * | behind | all durable batches | lacks the last batch; readers in other threads may be in it still |
 *
 * 1. The visible side is never written.
 * 2. A side is read only inside one synchronous call, so in the writer's own thread nobody is on the hidden side when it is written.
 * 3. Readers in other threads and processes are in a side only by a slot (`reader-slots.ts`). From behind to level, the writer drains the hidden side
 *    first: in the background only if nobody is in it, and otherwise when the next batch needs it, after a bounded wait.
 *
 * After Ramalhete and Correia, Left-Right: a concurrency control technique with wait-free population oblivious reads (2013).
 */
import type { Clock, Scheduler } from '@k-lani/base';
import type { MemoryPlace, MemorySharing } from '../io/io.ts';
import type { Log } from '../log/log.ts';
import { PageStore } from '../memory/page-store.ts';
import type { Catalog } from '../table/catalog.ts';
import { ControlWords } from './control-words.ts';
import { ReaderSlots, type SideNumber } from './reader-slots.ts';
import { Side } from './side.ts';

/**
 * A side is caught up by copying the other one's memory when that is at most so many bytes for each byte of the batch: a large batch into a
 * small database. Applying costs some 8 ns a byte of log, copying 0.2 ns a byte. What the side remembered of combinations of terms is lost.
 */
const COPIED_BYTES_MAX = 16;

/** The records of one durable batch: the positions from the first record to the end. */
interface Span {
  readonly start: number;
  readonly end: number;
}

export class LeftRight {
  readonly #sides: readonly [Side, Side];
  readonly #log: Log;
  readonly #scheduler: Scheduler;
  readonly #slots: ReaderSlots;
  readonly #control: ControlWords;
  #visibleSide: SideNumber = 0;
  #visible: Side;
  /** What the hidden side lacks. */
  #behind: Span | undefined;
  #isScheduled = false;

  /** @param parts.sharing shares the memory with other processes; where there is none, threads can be sent it */
  constructor(parts: {
    readonly log: Log;
    readonly catalog: Catalog;
    readonly scheduler: Scheduler;
    readonly clock: Clock;
    readonly sharing: MemorySharing | undefined;
  }) {
    const { log, catalog } = parts;
    this.#log = log;
    this.#scheduler = parts.scheduler;
    this.#control = new ControlWords(parts.sharing, log);
    this.#slots = new ReaderSlots(this.#control.words, parts.clock);
    const [left, right] = this.#control.sides ?? [];
    this.#sides = [new Side(log, catalog, new PageStore(undefined, left)), new Side(log, catalog, new PageStore(undefined, right))];
    this.#visible = this.#sides[0];
  }

  /** The side that readers use now. Do not keep it over an `await`. */
  get visible(): Side {
    return this.#visible;
  }

  /** The words by which a `SideReader` in another thread reads. */
  get controlWords(): Int32Array {
    return this.#control.words;
  }

  /** Where other threads and processes find the memory; `undefined` where it is not shared. */
  get place(): MemoryPlace | undefined {
    return this.#control.place;
  }

  get sizeBytes(): number {
    return this.#sides[0].store.sizeBytes + this.#sides[1].store.sizeBytes;
  }

  /** Builds the visible side by `apply`, called with it once, makes the other one equal, and lets readers elsewhere in. */
  rebuild(apply: (side: Side) => void): void {
    apply(this.#visible);
    this.#visible.describe(this.#log.durable);
    this.#hidden.copyFrom(this.#visible);
    this.#control.open();
  }

  /** Tells readers elsewhere that the log begins at another segment, before those that lie before it are removed. */
  beginAt(firstSegment: number): void {
    this.#control.beginAt(firstSegment);
  }

  /** Applies a durable batch and makes it visible. */
  publish(start: number, end: number): void {
    this.#catchUp();
    this.#applyTo(this.#hidden, start, end);
    this.#visibleSide = this.#hiddenSide;
    this.#visible = this.#sides[this.#visibleSide];
    this.#slots.swap();
    this.#behind = { start, end };
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.defer(() => {
      this.#isScheduled = false;
      if (this.#behind !== undefined && !this.#slots.hasReaders(this.#hiddenSide)) this.#catchUp();
    });
  }

  /** Makes both sides equal: from here on neither refers to what only the other one did. */
  level(): void {
    this.#catchUp();
  }

  /** Ends it, for readers elsewhere too: the log is about to be closed. Nothing is visible afterwards. */
  close(): void {
    this.#behind = undefined;
    this.#control.close();
  }

  get #hiddenSide(): SideNumber {
    return this.#visibleSide === 0 ? 1 : 0;
  }

  get #hidden(): Side {
    return this.#sides[this.#hiddenSide];
  }

  #catchUp(): void {
    const behind = this.#behind;
    if (behind === undefined) return;
    this.#slots.drain(this.#hiddenSide);
    this.#behind = undefined;
    const { start, end } = behind;
    if (this.#visible.store.sizeBytes <= (end - start) * COPIED_BYTES_MAX) this.#hidden.copyFrom(this.#visible);
    else this.#applyTo(this.#hidden, start, end);
  }

  #applyTo(side: Side, start: number, end: number): void {
    this.#log.forEachRecord(start, end, (position) => side.apply(position));
    side.endAt(end);
  }
}
