import type { Random } from '@k-lani/base';

/** How long to wait between attempts to reach a server. */
export interface BackOffLimits {
  /** Before the first repeat, at most. */
  readonly delayMsMin: number;
  /** However many attempts failed. */
  readonly delayMsMax: number;
}

const UINT32_RANGE = 0x1_0000_0000;

/**
 * Delays that double up to a cap, each shortened by chance to between half and all of it: clients that lost the same server at the same
 * moment do not come back at the same moment.
 */
export class BackOff {
  readonly #limits: BackOffLimits;
  readonly #random: Random;
  #capMs: number;

  constructor(limits: BackOffLimits, random: Random) {
    this.#limits = limits;
    this.#random = random;
    this.#capMs = limits.delayMsMin;
  }

  /** The delay before the next attempt. */
  nextMs(): number {
    const capMs = this.#capMs;
    this.#capMs = Math.min(capMs * 2, this.#limits.delayMsMax);
    return capMs / 2 + (capMs / 2) * (this.#random.uint32() / UINT32_RANGE);
  }

  /** An attempt succeeded. */
  reset(): void {
    this.#capMs = this.#limits.delayMsMin;
  }
}
