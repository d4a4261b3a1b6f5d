/**
 * Chance, all of it from the seed of the run. Each part of the simulation draws from a stream of its own, so that a run in which one part
 * is left out stays the same in the others as far as it can: that is what lets a failing run shrink.
 */
import { SeededRandom } from '@k-lani/base';

export class Chance extends SeededRandom {
  /** A stream of its own for `purpose`. */
  static of(seed: number, purpose: string): Chance {
    let mixed = Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b;
    for (let place = 0; place < purpose.length; place += 1) mixed = Math.imul(mixed ^ purpose.charCodeAt(place), 0x01000193);
    return new Chance(mixed ^ (mixed >>> 15));
  }

  /** A number from 0 to below 1. */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.fraction();
  }

  /** One of `items`, which are at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
