import type { Figure } from './scenario.ts';

/** The value that a share of all values does not exceed, 0 to 1. `sorted` is in rising order and not empty. */
export function percentileOf(sorted: Float64Array, share: number): number {
  const index = Math.max(0, Math.ceil(sorted.length * share) - 1);
  const value = sorted[index];
  if (value === undefined) throw new Error('Cannot take a percentile of nothing');
  return value;
}

/** Median and 99th percentile of times in milliseconds, as figures in microseconds; sorts them in place. */
export function latencyFigures(timesMs: Float64Array): { readonly p50: Figure; readonly p99: Figure } {
  timesMs.sort();
  return {
    p50: { value: percentileOf(timesMs, 0.5) * 1000, unit: 'µs', better: 'lower' },
    p99: { value: percentileOf(timesMs, 0.99) * 1000, unit: 'µs', better: 'lower' },
  };
}
