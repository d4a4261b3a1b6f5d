/** What a network does wrong, and how slow it is; all by chance, none of it while it is calm. */
import type { Chance } from '../world/chance.ts';

/** Probabilities, each for one piece of a stream. */
export interface NetworkFaultRates {
  readonly resets: number;
  /** Connections that let nothing through any more, and nobody knows. */
  readonly halfOpens: number;
  readonly delays: number;
}

const QUICK_MS_MIN = 0.02;
const QUICK_MS_MAX = 0.3;
const SLOW_MS_MAX = 400;

/** After which time an end that waits for the other one gives up at most, milliseconds. */
const GIVE_UP_MS_MAX = 5;

export class NetworkFaults {
  isCalm = false;
  readonly #rates: NetworkFaultRates;
  readonly #chance: Chance;
  readonly #count: (kind: string) => void;

  /** @param count told of each fault by its kind */
  constructor(rates: NetworkFaultRates, chance: Chance, count: (kind: string) => void) {
    this.#rates = rates;
    this.#chance = chance;
    this.#count = count;
  }

  /** What goes wrong with the next piece. */
  next(): 'reset' | 'half-open' | undefined {
    if (this.#happens(this.#rates.resets, 'reset connection')) return 'reset';
    return this.#happens(this.#rates.halfOpens, 'half-open connection') ? 'half-open' : undefined;
  }

  delayMs(): number {
    const slow = this.#happens(this.#rates.delays, 'slow network');
    return this.#chance.between(QUICK_MS_MIN, slow ? SLOW_MS_MAX : QUICK_MS_MAX);
  }

  giveUpMs(): number {
    return this.#chance.between(0, GIVE_UP_MS_MAX);
  }

  #happens(rate: number, kind: string): boolean {
    if (this.isCalm || rate === 0 || !this.#chance.happens(rate)) return false;
    this.#count(kind);
    return true;
  }
}
