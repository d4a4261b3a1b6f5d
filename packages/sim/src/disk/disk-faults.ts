/** What a disk does wrong, and how slow it is; all by chance, none of it while it is calm. */
import type { Chance } from '../world/chance.ts';

/** Probabilities, each for one operation. */
export interface DiskFaultRates {
  readonly syncFails: number;
  readonly writeFails: number;
  /** That the disk is full for a while, at each fill of a file. */
  readonly isFull: number;
  /** That an operation off the thread takes long. */
  readonly isSlow: number;
}

/** How long an operation off the thread takes, milliseconds. */
const QUICK_MS_MIN = 0.03;
const QUICK_MS_MAX = 0.4;
const SLOW_MS_MAX = 300;

/** How long a disk stays full, milliseconds. */
const FULL_MS_MAX = 400;

export class DiskFaults {
  isCalm = false;
  readonly #rates: DiskFaultRates;
  readonly #chance: Chance;
  readonly #count: (kind: string) => void;
  #fullUntilMs = -1;

  /** @param count told of each fault by its kind */
  constructor(rates: DiskFaultRates, chance: Chance, count: (kind: string) => void) {
    this.#rates = rates;
    this.#chance = chance;
    this.#count = count;
  }

  syncFails(): boolean {
    return this.#happens(this.#rates.syncFails, 'failed sync');
  }

  writeFails(): boolean {
    return this.#happens(this.#rates.writeFails, 'failed write');
  }

  /** Whether there is no room for a file that grows at `nowMs`. */
  isFull(nowMs: number): boolean {
    if (this.isCalm) return false;
    if (nowMs < this.#fullUntilMs) return true;
    if (!this.#happens(this.#rates.isFull, 'full disk')) return false;
    this.#fullUntilMs = nowMs + this.#chance.between(1, FULL_MS_MAX);
    return true;
  }

  /** How long the next operation off the thread takes, milliseconds. */
  delayMs(): number {
    const slow = this.#happens(this.#rates.isSlow, 'slow operation');
    return this.#chance.between(QUICK_MS_MIN, slow ? SLOW_MS_MAX : QUICK_MS_MAX);
  }

  #happens(rate: number, kind: string): boolean {
    if (this.isCalm || rate === 0 || !this.#chance.happens(rate)) return false;
    this.#count(kind);
    return true;
  }
}
