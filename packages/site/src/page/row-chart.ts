/**
 * A chart of rows: a name, a mark on a common scale, and the value in figures beside it. Rows are HTML, so that their text keeps its size in
 * narrow windows; the marks are hidden from screen readers, which read name and value.
 */
import { html, type Markup, niceStep } from '@k-lani/bench';

/** One row. */
export interface ChartRow {
  readonly name: Markup;
  /** Class of the style: whose bar it is, or how k-lani stands. */
  readonly tone: 'ours' | 'theirs' | 'ahead' | 'level' | 'behind';
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  /** Median and spread, in figures. */
  readonly value: Markup;
}

export interface RowChart {
  readonly caption: Markup;
  /** What the axis counts, beneath it. */
  readonly axis: string;
  readonly rows: readonly ChartRow[];
  /** A value of the axis, short. */
  readonly tickLabel: (value: number) => string;
}

interface Scale {
  readonly ticks: readonly number[];
  /** 0 to 1, from the left. */
  at(value: number): number;
}

/** Bars from zero, on a linear scale: their lengths can be compared. */
export function drawBars(chart: RowChart): Markup {
  const scale = linearScale(Math.max(...chart.rows.map(({ greatest }) => greatest)));
  return drawRows('bars', chart, scale, ({ median, least, greatest }) => [
    html`<span class="bar" style="width:${percent(scale.at(median))}"></span>`,
    whisker(scale, least, greatest),
  ]);
}

/** Points on a logarithmic scale around 1, where both are equally fast. */
export function drawRatios(chart: RowChart): Markup {
  const scale = ratioScale(chart.rows.flatMap(({ least, greatest }) => [least, greatest]));
  return drawRows('ratios', chart, scale, ({ median, least, greatest }) => [
    html`<span class="even" style="left:${percent(scale.at(1))}"></span>`,
    whisker(scale, least, greatest),
    html`<span class="point" style="left:${percent(scale.at(median))}"></span>`,
  ]);
}

function drawRows(className: string, chart: RowChart, scale: Scale, draw: (row: ChartRow) => readonly Markup[]): Markup {
  const grid = scale.ticks.map((tick) => html`<span class="grid-line" style="left:${percent(scale.at(tick))}"></span>`);
  const rows = chart.rows.map(
    (row) =>
      html`<li class="${row.tone}">
        <span class="name">${row.name}</span><span class="gauge" aria-hidden="true">${grid}${draw(row)}</span
        ><span class="value">${row.value}</span>
      </li>`,
  );
  const ticks = scale.ticks.map((tick) => {
    const at = scale.at(tick);
    const edge = at < 0.02 ? 'first' : at > 0.88 ? 'last' : '';
    return html`<span class="tick ${edge}" style="left:${percent(at)}">${chart.tickLabel(tick)}</span>`;
  });
  return html`<figure class="row-chart ${className}">
    <figcaption>${chart.caption}</figcaption>
    <ul class="rows">
      ${rows}
    </ul>
    <div class="row-scale" aria-hidden="true">
      <span class="ticks">${ticks}</span>
      <span class="axis-name">${chart.axis}</span>
    </div>
  </figure>`;
}

/** From the least to the greatest; nothing where there was one round. */
function whisker(scale: Scale, least: number, greatest: number): Markup {
  if (least === greatest) return html``;
  const left = scale.at(least);
  return html`<span class="whisker" style="left:${percent(left)};width:${percent(scale.at(greatest) - left)}"></span>`;
}

function linearScale(greatest: number): Scale {
  const max = greatest > 0 ? greatest : 1;
  const step = niceStep(max, 3);
  const top = Math.max(max, Math.floor(max / step) * step);
  const ticks = Array.from({ length: Math.floor((top * 1.0001) / step) + 1 }, (_, index) => index * step);
  return { ticks, at: (value) => Math.min(1, value / top) };
}

/** Powers of ten, and halves and doubles near 1; symmetric enough that 1 is always inside. */
function ratioScale(values: readonly number[]): Scale {
  const low = Math.min(0.5, ...values);
  const high = Math.max(2, ...values);
  const candidates = [0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 10_000];
  const from = candidates.findLast((tick) => tick <= low) ?? low;
  const to = candidates.find((tick) => tick >= high) ?? high;
  const within = candidates.filter((tick) => tick >= from && tick <= to);
  const ticks = within.length > 7 ? within.filter((tick) => Number.isInteger(Math.log10(tick))) : within;
  const span = Math.log(to / from);
  return { ticks, at: (value) => Math.min(1, Math.max(0, Math.log(value / from) / span)) };
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}
