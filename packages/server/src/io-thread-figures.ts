/**
 * What an I/O thread counts, in shared memory: numbers of 8 bytes, written by the thread alone.
 *
 * | index | meaning |
 * | --- | --- |
 * | 0 | connections now |
 * | 1 | requests passed on to the writer |
 * | 2 | requests answered by the thread |
 */
import type { IoThreadStats } from './service.ts';

/** Where each figure lies. */
export const Figure = { connections: 0, forwarded: 1, answered: 2 } as const;

/** Bytes of all figures. */
export const FIGURES_SIZE = 3 * Float64Array.BYTES_PER_ELEMENT;

/** The figures as they are now. */
export function statsOf(figures: Float64Array): IoThreadStats {
  const [connections = 0, forwarded = 0, answered = 0] = figures;
  return { connections, forwarded, answered };
}
