import { build, type Histogram } from 'hdr-histogram-js';

/** Real percentiles of one kind of request, in microseconds; all 0 when there was none. */
export interface Latencies {
  readonly count: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/**
 * A histogram of high dynamic range (Gil Tene's HdrHistogram): every value is kept to three significant digits, so a percentile is within
 * 0.1 % of the one a sorted list would give.
 */
export function histogramOf(lists: Iterable<readonly number[]>): Histogram {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  });
  for (const list of lists) for (const value of list) histogram.recordValue(value);
  return histogram;
}

/** The percentiles that are reported. */
export function latenciesOf(histogram: Histogram): Latencies {
  const at = (percentile: number): number => (histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(percentile));
  return {
    count: histogram.totalCount,
    p50Us: at(50),
    p90Us: at(90),
    p99Us: at(99),
    p999Us: at(99.9),
    maxUs: histogram.totalCount === 0 ? 0 : histogram.maxValue,
  };
}
