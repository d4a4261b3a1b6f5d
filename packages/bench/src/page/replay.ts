import { markOf } from '../report/figures.ts';
import type { RawLog } from '../report/raw-log.ts';
import { html, json, Markup } from './markup.ts';
import { formatMoment, timelineOf } from './timeline.ts';
import type { GroupNumber, Say } from './storm-numbers.ts';
import { formatCount, formatUs, type Words } from './words.ts';

/** How long the replay should take at the speed it begins with. */
const REPLAY_SECS = 8;
/** How many times slower than it was, in words: what a control says is no figure. */
const SPEEDS: readonly (readonly [slower: number, name: string])[] = [
  [1, 'as it was'],
  [2, 'half as fast'],
  [5, 'a fifth as fast'],
  [10, 'a tenth as fast'],
  [20, 'twenty times slower'],
  [50, 'fifty times slower'],
  [100, 'a hundred times slower'],
  [200, 'two hundred times slower'],
];
const SPARK = { width: 1000, height: 40 };

/** Where a raw log can be read line by line: the page, and the line of the first sale. */
export interface LinesOfSales {
  readonly page: string;
  readonly first: number;
}

/**
 * The map of what is for sale, the controls that move through time and from sale to sale, and the data for the script.
 *
 * @param lines where each sale is a line that can be linked to; the sale that is shown then links to it
 */
export function replay(log: RawLog, words: Words, say: Say, lines?: LinesOfSales): Markup {
  const total = log.run.groupSizes.reduce((sum, size) => sum + size, 0);
  const spanUs = Math.max(1, log.end.wallUs);
  const kill = markOf(log, 'kill');
  const slowest = SPEEDS.findLast(([slower]) => (spanUs / 1_000_000) * slower <= REPLAY_SECS)?.[0] ?? 1;
  const speeds = SPEEDS.map(
    ([slower, name]) => html`<option value="${1 / slower}" ${new Markup(slower === slowest ? ' selected' : '')}>${name}</option>`,
  );
  const data = {
    unit: words.unit,
    group: words.group.toLowerCase(),
    buyer: words.buyer,
    lines: lines ?? null,
    units: words.units,
    sold: words.sold,
    total,
    spanUs,
    killUs: kill?.timeUs ?? null,
    groups: log.run.groupSizes.map((size) => ({ size, columns: columnsFor(size) })),
    ...salesAsColumns(log),
  };
  return html`<div class="replay">
      <div class="controls">
        <button type="button" class="play">
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path class="when-paused" d="M4 2.5v11l9-5.5z" />
            <path class="when-playing" d="M4 2.5h3v11H4zM9 2.5h3v11H9z" /></svg
          ><span class="play-label">Play</span>
        </button>
        <span class="steps" role="group" aria-label="One ${words.unit} at a time">
          <button type="button" class="step back">Back</button>
          <button type="button" class="step next">Next ${words.unit}</button>
        </span>
        <label
          >Speed
          <select class="speed">
            ${speeds}
          </select></label
        >
        <output class="moment"
          >${say('wallUs', (us) => formatMoment(us, spanUs))}, ${say('sold', formatCount)} of ${say('total', formatCount)}
          ${words.sold}</output
        >
      </div>
      <div class="track">
        ${sparkline(log)}
        <input type="range" class="time" min="0" max="1000" value="1000" step="1" aria-label="Moment of the storm" />
      </div>
      <ul class="legend">
        <li><span class="cell free"></span>free</li>
        <li><span class="cell a"></span>${words.sold}${kill === undefined ? '' : ' before the server was killed'}</li>
        ${kill === undefined ? '' : html`<li><span class="cell b"></span>${words.sold} after it came back</li>`}
      </ul>
      <p class="sale" aria-live="polite">The last sale by then is shown here, and where it is in the raw log.</p>
      <div class="groups">${log.run.groupSizes.map((size, index) => groupFigure({ log, words, say, group: index + 1, size }))}</div>
      <noscript><p>The map needs JavaScript; the table below has the same in numbers.</p></noscript>
      <script type="application/json" class="replay-data">
        ${json(data)}
      </script>
    </div>
    <details>
      <summary>${words.group} by ${words.group.toLowerCase()}, in numbers</summary>
      ${groupTable(log, words, say)}
    </details>`;
}

/** Columns of the map of a group: about twice as wide as high, without a ragged last row where that is possible. */
export function columnsFor(size: number): number {
  const ideal = Math.sqrt(size * 2);
  const candidates = Array.from({ length: size }, (_, index) => index + 1).filter(
    (columns) => size % columns === 0 && columns >= ideal * 0.8 && columns <= ideal * 1.25,
  );
  const best = candidates.toSorted((left, right) => Math.abs(left - ideal) - Math.abs(right - ideal))[0];
  return Math.max(1, best ?? Math.round(ideal));
}

/** Sales as lists: microseconds since the one before, the unit's place among all units, and who bought it. */
function salesAsColumns(log: RawLog): { deltasUs: number[]; places: number[]; buyers: number[] } {
  const starts: number[] = [];
  let next = 0;
  for (const size of log.run.groupSizes) {
    starts.push(next);
    next += size;
  }
  let lastUs = 0;
  const deltasUs: number[] = [];
  const places: number[] = [];
  for (const { timeUs, group, unit } of log.sales) {
    deltasUs.push(timeUs - lastUs);
    lastUs = timeUs;
    places.push((starts[group - 1] ?? 0) + unit - 1);
  }
  return { deltasUs, places, buyers: log.sales.map(({ buyer }) => buyer) };
}

function groupFigure(shown: {
  readonly log: RawLog;
  readonly words: Words;
  readonly say: Say;
  readonly group: number;
  readonly size: number;
}): Markup {
  const { log, words, say, group, size } = shown;
  const sold = log.sales.filter((sale) => sale.group === group).length;
  return html`<figure class="group">
    <canvas
      role="img"
      aria-label="Map of ${words.group.toLowerCase()} ${group}: ${sold} of ${size} ${words.units} ${words.sold} in the end"
    ></canvas>
    <figcaption>
      <span>${words.group} ${say(`group ${group} name`, formatCount)}</span>
      <span class="sold">${say(`group ${group} sold`, formatCount)}</span>
    </figcaption>
  </figure>`;
}

function groupTable(log: RawLog, words: Words, say: Say): Markup {
  const spanUs = log.end.wallUs;
  const rows = log.run.groupSizes.map((_, index) => {
    const count = (name: GroupNumber): Markup => say(`group ${index + 1} ${name}`, formatCount);
    const moment = (name: GroupNumber): Markup => say(`group ${index + 1} ${name}`, (us) => formatMoment(us, spanUs));
    return html`<tr>
      <th scope="row">${words.group} ${count('name')}</th>
      <td>${count('size')}</td>
      <td>${count('sold')}</td>
      <td>${moment('firstUs')}</td>
      <td>${moment('halfUs')}</td>
      <td>${moment('lastUs')}</td>
    </tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${words.group} by ${words.group.toLowerCase()}">
    <table>
      <caption>
        How many of each ${words.group.toLowerCase()}, and when
      </caption>
      <thead>
        <tr>
          <th scope="col">${words.group}</th>
          <th scope="col">For sale</th>
          <th scope="col">Acknowledged</th>
          <th scope="col">First</th>
          <th scope="col">Half</th>
          <th scope="col">Last</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Sales over time, above the slider and on its scale. */
function sparkline(log: RawLog): Markup {
  const { stretchUs, stretches } = timelineOf(log);
  const spanUs = Math.max(1, log.end.wallUs);
  const counts = stretches.map(() => 0);
  for (const { timeUs } of log.sales) {
    const index = Math.min(counts.length - 1, Math.floor(timeUs / stretchUs));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  const most = Math.max(1, ...counts);
  const x = (us: number): number => Math.round((Math.min(us, spanUs) / spanUs) * SPARK.width * 10) / 10;
  const bars = counts.map((count, index) => `V${(SPARK.height * (1 - count / most)).toFixed(1)}H${x((index + 1) * stretchUs)}`);
  const kill = markOf(log, 'kill');
  const back = markOf(log, 'restarted');
  const band =
    kill === undefined
      ? ''
      : html`<rect
          class="band"
          x="${x(kill.timeUs)}"
          y="0"
          width="${Math.max(2, x(back?.timeUs ?? spanUs) - x(kill.timeUs))}"
          height="${SPARK.height}"
        />`;
  const label = `Sales over time, at most ${formatCount((most * 1_000_000) / stretchUs)} a second${kill === undefined ? '' : `; the server was killed at ${formatUs(kill.timeUs)}`}`;
  return html`<svg class="spark" viewBox="0 0 ${SPARK.width} ${SPARK.height}" preserveAspectRatio="none" role="img" aria-label="${label}">
    ${band}
    <path class="fill c" d="M0 ${SPARK.height}${bars.join('')}V${SPARK.height}Z" />
  </svg>`;
}
