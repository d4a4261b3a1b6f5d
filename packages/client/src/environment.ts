import type { Random } from '@k-lani/base';

/** Time and chance as the client sees them. Passed in, so that a test moves the time by hand and repeats the same delays. */
export interface Environment {
  readonly random: Random;
  /** Milliseconds that never go back. */
  monotonicMs(): number;
  /**
   * Runs `callback` once, `delayMs` from now or later.
   *
   * @returns takes it back; harmless when it ran
   */
  startTimer(delayMs: number, callback: () => void): () => void;
}

/** The platform's own time and its random generator for secrets, in Node and browsers alike. */
export const platformEnvironment: Environment = {
  random: {
    fill: (bytes) => bytes.set(crypto.getRandomValues(new Uint8Array(bytes.length))),
    uint32: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  },
  monotonicMs: () => performance.now(),
  startTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
