/** Randomness of the operating system. */
import { randomFillSync } from 'node:crypto';
import type { Random } from '@k-lani/base';

/** Asking the system once a call would cost more than most callers do with the answer. */
const POOL_SIZE_BYTES = 4096;

/** Random bytes fit for secrets. */
export class NodeRandom implements Random {
  readonly #pool = new Uint8Array(POOL_SIZE_BYTES);
  readonly #view = new DataView(this.#pool.buffer);
  #used = POOL_SIZE_BYTES;

  fill(bytes: Uint8Array): void {
    if (bytes.length > POOL_SIZE_BYTES) {
      randomFillSync(bytes);
      return;
    }
    const start = this.#take(bytes.length);
    bytes.set(this.#pool.subarray(start, this.#used));
    this.#pool.fill(0, start, this.#used);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The index of `length` bytes of the pool that were never given out. */
  #take(length: number): number {
    if (this.#used + length > POOL_SIZE_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    return start;
  }
}
