/**
 * A chart as SVG, without a script: values over equal stretches of time, on a linear or logarithmic scale.
 *
 * Text in an SVG shrinks with it, so each chart is drawn for wide, middling and narrow windows, and the style shows one of them.
 */
import { html, Markup } from './markup.ts';

/** One line or area. */
interface Series {
  readonly name: string;
  /** Class of the style: `a`, `b` or `c`. */
  readonly tone: 'a' | 'b' | 'c';
  /** `steps` fills below each value; `line` and `dashed` join the middles of the stretches. */
  readonly shape: 'steps' | 'line' | 'dashed';
  /** One value a stretch; undefined leaves a gap. */
  readonly values: readonly (number | undefined)[];
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  /** What a reader should see in it, in a sentence. */
  readonly summary: string;
  readonly scale: 'linear' | 'log';
  readonly series: readonly Series[];
  /** The values of the horizontal axis, at the borders of the stretches or wherever they are wanted: 0 is the left end, 1 the right. */
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly yLabel: (value: number) => string;
  /** Stretches to shade, each from 0 to 1. */
  readonly bands: readonly { readonly from: number; readonly to: number; readonly label: string }[];
  /** What the chart says at each stretch, for the readout. */
  readonly readings: readonly string[];
}

const WIDE = { width: 1080, height: 300, className: 'wide' };
const MIDDLE = { width: 720, height: 280, className: 'middle' };
const NARROW = { width: 390, height: 260, className: 'narrow' };
const MARGIN = { left: 66, right: 12, top: 22, bottom: 30 };

type Size = typeof WIDE;

/** The chart with its title, legend and readout. */
export function drawChart(chart: Chart): Markup {
  return html`<figure class="chart" data-readings="${JSON.stringify(chart.readings)}">
    <figcaption id="${chart.id}">
      <h3>${chart.title}</h3>
      <p>${chart.summary}</p>
      ${legend(chart)}
    </figcaption>
    <div class="plot" tabindex="0" role="group" aria-labelledby="${chart.id}" aria-describedby="${chart.id}-keys">
      ${[WIDE, MIDDLE, NARROW].map((size) => drawPlot(chart, size))}
    </div>
    <p class="readout" aria-live="polite">
      <span class="hint" id="${chart.id}-keys">Point at the chart, or focus it and use the arrow keys, to read its values.</span>
    </p>
  </figure>`;
}

/** Steps of 1, 2 or 5 times a power of ten that divide 0 to `max` into about `count` parts. */
export function niceStep(max: number, count: number): number {
  const rough = Math.max(max, Number.MIN_VALUE) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

function legend(chart: Chart): Markup {
  const entries = chart.series.map(
    ({ name, tone, shape }) =>
      html`<li>
        <svg class="swatch" viewBox="0 0 24 12" aria-hidden="true">
          ${shape === 'steps' ? html`<rect class="fill ${tone}" x="2" y="1" width="20" height="10" />` : html`<path class="stroke ${tone} ${shape}" d="M1 6H23" />`}</svg
        >${name}
      </li>`,
  );
  return html`<ul class="legend">
    ${entries}
  </ul>`;
}

function drawPlot(chart: Chart, size: Size): Markup {
  const scale = scaleOf(chart);
  const x = (share: number): number => MARGIN.left + share * (size.width - MARGIN.left - MARGIN.right);
  const y = (value: number): number => size.height - MARGIN.bottom - scale.at(value) * (size.height - MARGIN.top - MARGIN.bottom);
  const bottom = size.height - MARGIN.bottom;
  const grid = scale.ticks.map(
    (tick) =>
      html`<path class="grid" d="M${x(0)} ${round(y(tick))}H${x(1)}" /><text class="y" x="${MARGIN.left - 8}" y="${round(y(tick) + 4)}"
          >${chart.yLabel(tick)}</text
        >`,
  );
  const everyTick = size === NARROW ? 2 : 1;
  const ticks = chart.xTicks
    .filter((_, index) => index % everyTick === 0)
    .map(({ at, label }) => html`<text class="x ${at > 0.96 ? 'last' : ''}" x="${round(x(at))}" y="${bottom + 20}">${label}</text>`);
  const bands = chart.bands.map(({ from, to, label }) => {
    const middle = Math.min(x(1) - 70, Math.max(x(0) + 70, x((from + to) / 2)));
    const width = Math.max(1, x(to) - x(from));
    return html`<rect class="band" x="${round(x(from))}" y="${MARGIN.top}" width="${round(width)}" height="${bottom - MARGIN.top}" /><text
        class="band-label"
        x="${round(middle)}"
        y="${MARGIN.top - 8}"
        >${label}</text
      >`;
  });
  const shapes = chart.series.map(
    (series) =>
      html`<path
        class="${series.shape === 'steps' ? 'fill' : 'stroke'} ${series.tone} ${series.shape}"
        d="${pathOf(series, x, y, bottom)}"
      />`,
  );
  return html`<svg
    class="${size.className}"
    viewBox="0 0 ${size.width} ${size.height}"
    data-left="${MARGIN.left}"
    data-right="${size.width - MARGIN.right}"
    aria-hidden="true"
  >
    ${bands}${grid}${shapes}
    <path class="axis" d="M${x(0)} ${bottom}H${x(1)}" />
    ${ticks}
    <path class="cursor" d="M0 ${MARGIN.top}V${bottom}" visibility="hidden" />
  </svg>`;
}

interface Scale {
  readonly ticks: readonly number[];
  /** 0 at the bottom, 1 at the top. */
  at(value: number): number;
}

function scaleOf({ scale, series }: Chart): Scale {
  const values = series.flatMap((one) => one.values.filter((value) => value !== undefined));
  return scale === 'linear' ? linearScale(Math.max(1, ...values)) : logScale(values.filter((value) => value > 0));
}

function linearScale(max: number): Scale {
  const step = niceStep(max, 4);
  const top = Math.ceil(max / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { ticks, at: (value) => value / top };
}

function logScale(values: readonly number[]): Scale {
  const low = Math.floor(Math.log10(Math.min(...values, 100)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 100))));
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return { ticks, at: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low) };
}

function pathOf(series: Series, x: (share: number) => number, y: (value: number) => number, bottom: number): Markup {
  const count = series.values.length;
  if (series.shape === 'steps') {
    const steps = series.values.map((value, index) => `V${round(y(value ?? 0))}H${round(x((index + 1) / count))}`);
    return new Markup(`M${round(x(0))} ${bottom}${steps.join('')}V${bottom}Z`);
  }
  const points: string[] = [];
  let isDown = false;
  for (const [index, value] of series.values.entries()) {
    const isAlone = series.values[index - 1] === undefined && series.values[index + 1] === undefined;
    if (value !== undefined)
      points.push(`${isDown ? 'L' : 'M'}${round(x((index + 0.5) / count))} ${round(y(value))}${isAlone ? 'h0.1' : ''}`);
    isDown = value !== undefined;
  }
  return new Markup(points.join(''));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
