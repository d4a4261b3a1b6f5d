import type { Environment } from './environment.ts';

/** Deadlines are looked at no more often than this, so a burst of short ones costs one timer. */
const GRAIN_MS = 5;

/**
 * One timer for all deadlines of a connection. A call only compares a number: deadlines mostly come in rising order, so the timer already
 * running is early enough, and when it fires its owner looks through what is pending.
 */
export class DeadlineTimer {
  readonly #environment: Environment;
  readonly #onDue: (nowMs: number) => number;
  #dueMs = Infinity;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  /** @param onDue ends what is due at `nowMs` and returns the earliest deadline left, or `Infinity` */
  constructor(environment: Environment, onDue: (nowMs: number) => number) {
    this.#environment = environment;
    this.#onDue = onDue;
  }

  /** Makes sure that `onDue` runs soon after `deadlineMs`. */
  watch(deadlineMs: number, nowMs: number): void {
    if (deadlineMs < this.#dueMs && !this.#isClosed) this.#start(deadlineMs, nowMs);
  }

  /** Forgets all deadlines. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#dueMs = Infinity;
  }

  /** Forgets all deadlines, and those that are still to come: a session that is being greeted goes on calling while its client closes. */
  close(): void {
    this.#isClosed = true;
    this.stop();
  }

  #start(deadlineMs: number, nowMs: number): void {
    this.stop();
    this.#dueMs = deadlineMs;
    this.#stopTimer = this.#environment.startTimer(Math.max(deadlineMs - nowMs, 0) + GRAIN_MS, this.#fire);
  }

  readonly #fire = (): void => {
    this.stop();
    const nowMs = this.#environment.monotonicMs();
    const nextMs = this.#onDue(nowMs);
    if (nextMs !== Infinity) this.watch(nextMs, nowMs);
  };
}
