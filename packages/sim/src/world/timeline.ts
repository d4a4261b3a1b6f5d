/**
 * The one line of events of a run: what happens, when, and in which order.
 *
 * 1. An event runs wholly, and the promises that it settles are followed to their end, before the next one begins.
 * 2. Events come in the order of their times; those of one time in the order in which they were asked for.
 * 3. Nothing else moves the run: no clock, timer or I/O of the machine. So one seed gives one run.
 */
import { assert } from '@k-lani/base';

/**
 * How long a chain of promises may be that one event settles. A longer one would go on beside the next event: still the same in every run,
 * but not as in a real process. `timeline.test.ts` shows that runs are the same with twice as many.
 */
export const PROMISE_ROUNDS = 60;

/** With nothing planned, promises are followed so far before the run counts as stuck. */
const IDLE_ROUNDS_MAX = 10_000;

const SETTLED = Promise.resolve();

/** Whom an event belongs to: what is gone has no more events, what is paused has them later. */
export interface EventOwner {
  readonly name: string;
  readonly isAlive: boolean;
  /** Until when it stands still, milliseconds; 0 when it runs. */
  readonly pausedUntilMs: number;
}

/** An event that is to come. */
export interface PlannedEvent {
  readonly owner: EventOwner;
  readonly label: string;
  cancel(): void;
}

interface Entry extends PlannedEvent {
  atMs: number;
  order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export interface TimelineOptions {
  /** Told of each event as it begins. */
  readonly trace: ((line: string) => void) | undefined;
  /** Told what an event of somebody alive threw: a bug. */
  readonly onThrown: (error: unknown, label: string) => void;
  readonly promiseRounds?: number;
}

export class Timeline {
  /** Milliseconds since the run began. */
  nowMs = 0;
  /** How many events have begun: the order of everything that happened. */
  order = 0;
  readonly #options: TimelineOptions;
  /** A binary heap. */
  readonly #entries: Entry[] = [];
  readonly #counts = new Map<EventOwner, number>();
  #asked = 0;
  /** Over the labels of all events so far: two runs that have it in common went the same way. */
  #fingerprint = 0x811c9dc5;

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  get fingerprint(): string {
    return (this.#fingerprint >>> 0).toString(16).padStart(8, '0');
  }

  /** Events of an owner that are to come. */
  countOf(owner: EventOwner): number {
    return this.#counts.get(owner) ?? 0;
  }

  /** Lets `run` happen in `delayMs`, unless its owner is gone by then. */
  plan(owner: EventOwner, delayMs: number, label: string, run: () => void): PlannedEvent {
    assert(delayMs >= 0, `Cannot plan ${label}: delay is ${delayMs} ms, must be >= 0`);
    this.#asked += 1;
    const entry: Entry = {
      owner,
      label,
      atMs: this.nowMs + delayMs,
      order: this.#asked,
      run,
      isCancelled: false,
      cancel: () => {
        if (entry.isCancelled) return;
        entry.isCancelled = true;
        this.#count(owner, -1);
      },
    };
    this.#count(owner, 1);
    this.#push(entry);
    return entry;
  }

  /** Writes a line into the trace that is no event: what was decided, what failed. */
  note(line: string): void {
    this.#mix(line);
    this.#options.trace?.(`${this.nowMs.toFixed(3).padStart(12)}        ${line}`);
  }

  /** Lets events happen until `isOver` says so; returns false when nothing is left to happen before. */
  async run(isOver: () => boolean): Promise<boolean> {
    const rounds = this.#options.promiseRounds ?? PROMISE_ROUNDS;
    for (let idle = 0; !isOver();) {
      const entry = this.#pop();
      if (entry === undefined) {
        // Much may be done without waiting for anything.
        if (idle === IDLE_ROUNDS_MAX) return false;
        idle += 1;
        await SETTLED;
        continue;
      }
      idle = 0;
      if (!this.#begin(entry)) continue;
      for (let round = 0; round < rounds; round += 1) await SETTLED;
    }
    return true;
  }

  /** Runs an event; returns false when it does not happen, or not now. */
  #begin(entry: Entry): boolean {
    const { owner } = entry;
    if (entry.isCancelled) return false;
    if (owner.isAlive && owner.pausedUntilMs > entry.atMs) {
      // Those that are held up keep their order.
      entry.atMs = owner.pausedUntilMs;
      this.#asked += 1;
      entry.order = this.#asked;
      this.#push(entry);
      return false;
    }
    entry.isCancelled = true;
    this.#count(owner, -1);
    if (!owner.isAlive) return false;
    this.nowMs = Math.max(this.nowMs, entry.atMs);
    this.order += 1;
    const line = `${owner.name}: ${entry.label}`;
    this.#mix(line);
    this.#options.trace?.(`${this.nowMs.toFixed(3).padStart(12)} ${String(this.order).padStart(6)} ${line}`);
    try {
      entry.run();
    } catch (error) {
      // What the end of a process cuts through may fail in any way: nobody sees it.
      if (owner.isAlive) this.#options.onThrown(error, line);
    }
    return true;
  }

  #count(owner: EventOwner, change: number): void {
    this.#counts.set(owner, this.countOf(owner) + change);
  }

  #mix(line: string): void {
    let hash = this.#fingerprint ^ Math.floor(this.nowMs * 1000);
    for (let place = 0; place < line.length; place += 1) hash = Math.imul(hash ^ line.charCodeAt(place), 0x01000193);
    this.#fingerprint = hash ^ (hash >>> 13);
  }

  #push(entry: Entry): void {
    const heap = this.#entries;
    let place = heap.length;
    heap.push(entry);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#entries;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[place] = heap[child] as Entry;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
