import { countOf, histogramOfKinds, READ_KINDS, UPDATE_KINDS } from '../report/figures.ts';
import { type RawLog, REQUEST_KINDS, type RequestKind, type Window } from '../report/raw-log.ts';
import { drawChart } from './chart.ts';
import { html, type Markup } from './markup.ts';
import type { LatencyNumber, Say } from './storm-numbers.ts';
import { formatCount, formatRoundUs, formatUs, KIND_NAMES } from './words.ts';

const CURVE_POINTS = 80;

/** The percentiles of reads, updates, and each kind of request. */
export function percentileTable(windows: readonly Window[], say: Say): Markup {
  const kinds = REQUEST_KINDS.filter((kind) => countOf(windows, [kind]) > 0).map((kind) => row(KIND_NAMES[kind], kind, 'part', say));
  return html`<p>Every answer counts, and nothing was sampled.</p>
    <div class="scroll" tabindex="0" role="region" aria-label="Percentiles of latency">
      <table>
        <caption>
          From the request to its answer, by kind of request
        </caption>
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Answers</th>
            <th scope="col">p50</th>
            <th scope="col">p90</th>
            <th scope="col">p99</th>
            <th scope="col">p99.9</th>
            <th scope="col">Longest</th>
          </tr>
        </thead>
        <tbody>
          ${row('Reads', 'read', 'whole', say)}${row('Updates', 'update', 'whole', say)}
        </tbody>
        <tbody>
          ${kinds}
        </tbody>
      </table>
    </div>`;
}

/** Latency by percentile: how far out the slow ones are. */
export function percentileChart(log: RawLog): Markup {
  const fewest = Math.max(
    100,
    Math.min(...[READ_KINDS, UPDATE_KINDS].map((kinds) => histogramOfKinds(log.windows, kinds).totalCount).filter((count) => count > 0)),
  );
  const nines = Math.min(5, Math.max(2, Math.floor(Math.log10(fewest))));
  const percentileAt = (share: number): number => 100 - 100 / 10 ** (share * nines);
  const percentiles = Array.from({ length: CURVE_POINTS }, (_, index) => percentileAt((index + 0.5) / CURVE_POINTS));
  const valuesOf = (kinds: readonly RequestKind[]): (number | undefined)[] => {
    const histogram = histogramOfKinds(log.windows, kinds);
    return percentiles.map((percentile) =>
      histogram.totalCount === 0 ? undefined : Math.max(1, histogram.getValueAtPercentile(percentile)),
    );
  };
  const reads = valuesOf(READ_KINDS);
  const updates = valuesOf(UPDATE_KINDS);
  const ticks = [50, 90, 99, 99.9, 99.99, 99.999].filter((percentile) => Math.log10(100 / (100 - percentile)) <= nines + 0.01);
  return drawChart({
    id: 'percentiles-curve',
    title: 'Latency by percentile',
    summary: 'Each step to the right leaves a tenth of the requests: the further right, the rarer.',
    scale: 'log',
    series: [
      { name: 'reads', tone: 'a', shape: 'line', values: reads },
      { name: 'updates', tone: 'b', shape: 'line', values: updates },
    ],
    xTicks: ticks.map((percentile) => ({ at: Math.log10(100 / (100 - percentile)) / nines, label: `${percentile} %` })),
    yLabel: formatRoundUs,
    bands: [],
    readings: percentiles.map((percentile, index) => {
      const say = (value: number | undefined): string => (value === undefined ? 'none' : formatUs(value));
      return `${percentile.toFixed(percentile < 99 ? 1 : 3)} % within: reads ${say(reads[index])}, updates ${say(updates[index])}`;
    }),
  });
}

function row(name: string, kind: RequestKind | 'read' | 'update', className: string, say: Say): Markup {
  const cells: readonly LatencyNumber[] = ['p50Us', 'p90Us', 'p99Us', 'p999Us', 'maxUs'];
  return html`<tr class="${className}">
    <th scope="row">${name}</th>
    <td>${say(`${kind} count`, formatCount)}</td>
    ${cells.map((cell) => html`<td>${say(`${kind} ${cell}`, formatUs)}</td>`)}
  </tr>`;
}
