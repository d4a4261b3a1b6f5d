/**
 * A process of the simulation: its clocks, its turns, and its end.
 *
 * 1. When it is ended, none of its events happens any more. The event that is under way ends first, on files and connections that reach
 *    nobody: whoever looks at results asks `isAlive`.
 * 2. While it is paused its events wait, and the world goes on: its clock has gone on too when it wakes.
 */
import type { Clock, Scheduler } from '@k-lani/base';
import type { Chance } from './chance.ts';
import type { EventOwner, PlannedEvent, Timeline } from './timeline.ts';

/** What runs on wall clocks say in the year in which the simulation plays: 2030. */
const WALL_ORIGIN_MS = 1_893_456_000_000;

/** How long a turn of the loop may last, milliseconds. */
const TURN_MS_MAX = 0.04;

export class SimProcess implements Clock, Scheduler, EventOwner {
  readonly name: string;
  readonly timeline: Timeline;
  readonly random: Chance;
  isAlive = true;
  pausedUntilMs = 0;
  /** How far its wall clock is off, milliseconds. */
  wallOffsetMs = 0;
  /** How fast its monotonic clock goes: 1 is right. */
  readonly #rate: number;
  /** The origin of its monotonic clock: that of another process tells nothing here. */
  readonly #originMs: number;
  #turnEndsMs = 0;

  constructor(name: string, timeline: Timeline, random: Chance) {
    this.name = name;
    this.timeline = timeline;
    this.random = random;
    this.#rate = random.between(0.9995, 1.0005);
    this.#originMs = random.below(1_000_000);
  }

  monotonicMs(): number {
    return this.#originMs + this.timeline.nowMs * this.#rate;
  }

  wallMs(): number {
    return WALL_ORIGIN_MS + this.timeline.nowMs + this.wallOffsetMs;
  }

  /** After every event that is ready now; what was put off before comes before. */
  defer(callback: () => void): void {
    const { nowMs } = this.timeline;
    this.#turnEndsMs = Math.max(this.#turnEndsMs, nowMs + this.random.between(0, TURN_MS_MAX));
    this.plan(this.#turnEndsMs - nowMs, 'turn', callback);
  }

  after(delayMs: number, callback: () => void): void {
    this.plan(delayMs / this.#rate, 'timer', callback);
  }

  /** An event of this process. */
  plan(delayMs: number, label: string, run: () => void): PlannedEvent {
    return this.timeline.plan(this, delayMs, label, run);
  }

  /** Resolves in `delayMs`. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.plan(delayMs, 'sleep', resolve));
  }

  pause(durationMs: number): void {
    this.pausedUntilMs = Math.max(this.pausedUntilMs, this.timeline.nowMs + durationMs);
  }

  /** Ends it at once. */
  kill(): void {
    this.isAlive = false;
  }

  /** Events of it that are to come. */
  get eventCount(): number {
    return this.timeline.countOf(this);
  }
}
