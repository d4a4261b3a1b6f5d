import { countOf, histogramOfKinds, markOf, READ_KINDS, UPDATE_KINDS } from '../report/figures.ts';
import { type RawLog, REQUEST_KINDS, type RequestKind, type Window, WINDOW_US } from '../report/raw-log.ts';
import { type Chart, drawChart, niceStep } from './chart.ts';
import type { Markup } from './markup.ts';
import { formatCount, formatRoundUs, formatUs } from './words.ts';

const STRETCHES_MAX = 120;
const STRETCH_FACTORS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** The windows of a log, put together into at most 120 equal stretches that cover the storm. */
export interface Timeline {
  readonly stretchUs: number;
  readonly spanUs: number;
  readonly stretches: readonly (readonly Window[])[];
}

export function timelineOf(log: RawLog): Timeline {
  const wallUs = Math.max(1, log.end.wallUs);
  const factor =
    STRETCH_FACTORS.find((candidate) => wallUs / (candidate * WINDOW_US) <= STRETCHES_MAX) ?? Math.ceil(wallUs / WINDOW_US / STRETCHES_MAX);
  const stretchUs = factor * WINDOW_US;
  const stretches: Window[][] = Array.from({ length: Math.ceil(wallUs / stretchUs) }, () => []);
  for (const window of log.windows) stretches[Math.floor(window.timeUs / stretchUs)]?.push(window);
  return { stretchUs, spanUs: stretches.length * stretchUs, stretches };
}

/** Requests a second over time. */
export function throughputChart(log: RawLog, timeline: Timeline): Markup {
  const rate = (kinds: readonly RequestKind[]): number[] =>
    timeline.stretches.map((windows) => (countOf(windows, kinds) * 1_000_000) / timeline.stretchUs);
  const all = rate(REQUEST_KINDS);
  const readsAndUpdates = rate([...READ_KINDS, ...UPDATE_KINDS]);
  const updates = rate(UPDATE_KINDS);
  const hasLocks = countOf(log.windows, ['lock', 'unlock']) > 0;
  const chart: Chart = {
    id: 'throughput',
    title: 'Requests a second',
    summary: `Answered requests, in stretches of ${formatRoundUs(timeline.stretchUs)}.`,
    scale: 'linear',
    series: [
      ...(hasLocks ? [{ name: 'all requests, locks and unlocks included', tone: 'c', shape: 'steps', values: all } as const] : []),
      { name: 'reads and updates', tone: 'a', shape: 'steps', values: readsAndUpdates },
      { name: 'updates alone', tone: 'b', shape: 'steps', values: updates },
    ],
    yLabel: formatCount,
    readings: timeline.stretches.map((_, index) => {
      const reads = (readsAndUpdates[index] ?? 0) - (updates[index] ?? 0);
      const locks = hasLocks ? `, ${formatCount((all[index] ?? 0) - (readsAndUpdates[index] ?? 0))} locks and unlocks` : '';
      return `${stretchName(timeline, index)}: ${formatCount(reads)} reads, ${formatCount(updates[index] ?? 0)} updates${locks} a second`;
    }),
    ...timeAxis(log, timeline),
  };
  return drawChart(chart);
}

/** Median and 99th percentile of reads and updates over time. */
export function latencyChart(log: RawLog, timeline: Timeline): Markup {
  const quantiles = (kinds: readonly RequestKind[], percentile: number): (number | undefined)[] =>
    timeline.stretches.map((windows) => {
      const histogram = histogramOfKinds(windows, kinds);
      return histogram.totalCount === 0 ? undefined : histogram.getValueAtPercentile(percentile);
    });
  const readMedian = quantiles(READ_KINDS, 50);
  const readHigh = quantiles(READ_KINDS, 99);
  const updateMedian = quantiles(UPDATE_KINDS, 50);
  const updateHigh = quantiles(UPDATE_KINDS, 99);
  const pair = (median: number | undefined, high: number | undefined): string =>
    median === undefined || high === undefined ? 'none' : `half within ${formatUs(median)}, 99 % within ${formatUs(high)}`;
  const chart: Chart = {
    id: 'latency',
    title: 'Latency',
    summary: 'From the request to its answer, as the buyer waits for it; logarithmic.',
    scale: 'log',
    series: [
      { name: 'reads, median', tone: 'a', shape: 'line', values: readMedian },
      { name: 'reads, 99th percentile', tone: 'a', shape: 'dashed', values: readHigh },
      { name: 'updates, median', tone: 'b', shape: 'line', values: updateMedian },
      { name: 'updates, 99th percentile', tone: 'b', shape: 'dashed', values: updateHigh },
    ],
    yLabel: formatRoundUs,
    readings: timeline.stretches.map((_, index) => {
      const reads = pair(readMedian[index], readHigh[index]);
      return `${stretchName(timeline, index)}: reads ${reads}; updates ${pair(updateMedian[index], updateHigh[index])}`;
    }),
    ...timeAxis(log, timeline),
  };
  return drawChart(chart);
}

/** A moment of the storm: `0.84 s`, or `84.0 ms` where the whole storm is shorter than a second. */
export function formatMoment(us: number, spanUs: number): string {
  return spanUs < 1_000_000 ? `${(us / 1000).toFixed(0)} ms` : `${(us / 1_000_000).toFixed(2)} s`;
}

function stretchName({ stretchUs, spanUs }: Timeline, index: number): string {
  return `${formatMoment(index * stretchUs, spanUs)} to ${formatMoment((index + 1) * stretchUs, spanUs)}`;
}

function timeAxis(log: RawLog, { spanUs }: Timeline): Pick<Chart, 'xTicks' | 'bands'> {
  const step = niceStep(spanUs, 8);
  const xTicks = Array.from({ length: Math.floor(spanUs / step) + 1 }, (_, index) => {
    const us = index * step;
    return { at: us / spanUs, label: spanUs < 1_000_000 ? `${Math.round(us / 1000)} ms` : `${Number((us / 1_000_000).toFixed(2))} s` };
  });
  const kill = markOf(log, 'kill');
  const back = markOf(log, 'restarted');
  if (kill === undefined) return { xTicks, bands: [] };
  const to = Math.min(spanUs, back?.timeUs ?? spanUs);
  return { xTicks, bands: [{ from: kill.timeUs / spanUs, to: to / spanUs, label: `killed, away ${formatUs(to - kill.timeUs)}` }] };
}
