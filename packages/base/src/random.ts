/** Randomness as the engine sees it. Passed in, so that the same seed gives the same run. */
export interface Random {
  /** Overwrites all of `bytes` with random bytes. */
  fill(bytes: Uint8Array): void;
  /** A random integer, 0 to 2^32 - 1. */
  uint32(): number;
}

/**
 * A repeatable source for simulations, benchmarks and tests; not for secrets.
 *
 * The generator is xoshiro128** (Blackman and Vigna, 2018), its state filled from the seed by splitmix32.
 */
export class SeededRandom implements Random {
  readonly #state = new Uint32Array(4);

  /** @param seed any integer; its low 32 bits count */
  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let index = 0; index < 4; index += 1) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      this.#state[index] = word ^ (word >>> 15);
    }
  }

  uint32(): number {
    const state = this.#state;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const crossed = s2 ^ s0;
    const mixed = s3 ^ s1;
    state[0] = s0 ^ mixed;
    state[1] = s1 ^ crossed;
    state[2] = crossed ^ (s1 << 9);
    state[3] = rotateLeft(mixed, 11);
    return scrambled;
  }

  fill(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; offset += 1) bytes[offset] = this.uint32() & 0xff;
  }

  /** A random integer, 0 to `bound` - 1. `bound` is 1 to 2^32; the bias is below `bound` / 2^32. */
  below(bound: number): number {
    return Math.floor((this.uint32() / 0x1_0000_0000) * bound);
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
