import { formatCount, html, type Markup } from '@k-lani/bench';
import { formatFigure, formatRatio, formatTime } from '../page/number-format.ts';
import { citeCell, citeKey } from '../raw/cite.ts';
import type { Quantity } from '../raw/quantity.ts';
import type { Workings } from '../raw/workings.ts';
import { type Entry, isOfSizes, oursFor, type ScenarioEntries, speedOf } from './measurements.ts';
import { spreadMarkup } from './spread-markup.ts';

interface Shown extends ScenarioEntries {
  readonly file: string;
  readonly workings: Workings;
}

/** Everything that was measured of a scenario: a column a system, a row a figure. */
export function scenarioTable(shown: Shown): Markup {
  const { file, scenario, entries } = shown;
  const title = scenario.value.title;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Table: ${title}">
    <table>
      <caption>
        ${citeCell({ file, line: scenario.line, path: ['scenario', 'title'] }, title)}: median of the rounds, least to greatest
      </caption>
      <thead>
        <tr>
          <td></td>
          ${entries.map(({ system }) => html`<th scope="col">${citeCell({ file, line: system.line, path: ['system', 'title'] }, system.value.title)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...speedRow(shown), ...figureRows(shown), wayRow(shown), ...recountRows(shown)]}
      </tbody>
    </table>
  </div>`;
}

function row(name: Markup, cells: readonly Markup[]): Markup {
  return html`<tr>
    <th scope="row">${name}</th>
    ${cells.map((cell) => html`<td>${cell}</td>`)}
  </tr>`;
}

function speedRow(shown: Shown): readonly Markup[] {
  const { entries, workings } = shown;
  if (entries.every((entry) => oursFor(entries, entry) === undefined)) return [];
  const cells = entries.map((entry) => {
    const ours = oursFor(entries, entry);
    const speed = ours === undefined ? undefined : speedOf(ours, entry);
    return speed === undefined ? NONE : spreadMarkup(speed, workings, formatRatio);
  });
  return [row(html`k-lani is so many times as ${isOfSizes(shown) ? 'small' : 'fast'}`, cells)];
}

function figureRows({ file, entries, workings }: Shown): readonly Markup[] {
  const names = new Set(entries.flatMap(({ figures }) => [...figures.keys()]));
  return [...names].map((name) => {
    const owners = entries.filter(({ figures }) => figures.has(name));
    const labels = owners.slice(0, 1).map(({ measured, figures }) => {
      const key = citeKey({ file, line: measured.line, path: ['measured', 'figures', name] });
      return html`${key} <small>${figures.get(name)?.better ?? ''} is better</small>`;
    });
    const cells = entries.map(({ figures }) => {
      const figure = figures.get(name);
      return figure === undefined ? NONE : spreadMarkup(figure, workings, (value) => formatFigure(value, figure.unit));
    });
    return row(html`${labels}`, cells);
  });
}

/** The way in which each system was used: the fastest of those that were tried. */
function wayRow({ file, entries }: Shown): Markup {
  const cells = entries.map(({ measured: { line, value } }) => {
    const connections = citeCell({ file, line, path: ['measured', 'way', 'connections'] }, formatCount(value.way.connections));
    return html`${citeCell({ file, line, path: ['measured', 'way', 'name'] }, value.way.name)} <small>connections: ${connections}</small>`;
  });
  return row(html`Way <small>the fastest of those tried</small>`, cells);
}

function recountRows({ entries, workings }: Shown): readonly Markup[] {
  if (entries.every(({ recount, afterKill }) => recount === undefined && afterKill === undefined)) return [];
  const say = (found: Entry['recount']): Markup => (found === undefined ? NONE : recountMarkup(found, workings));
  return [
    row(
      html`Recount after the rounds <small>stored, of acknowledged</small>`,
      entries.map(({ recount }) => say(recount)),
    ),
    row(
      html`Recount after SIGKILL <small>stored, of acknowledged</small>`,
      entries.map(({ afterKill }) => say(afterKill)),
    ),
    row(
      html`Start after SIGKILL <small>until it answered</small>`,
      entries.map(({ afterKill }) =>
        afterKill === undefined ? NONE : workings.cite(afterKill.start, formatTime(afterKill.start.value * 1000)),
      ),
    ),
  ];
}

function recountMarkup(found: NonNullable<Entry['recount']>, workings: Workings): Markup {
  const cite = (quantity: Quantity): Markup => workings.cite(quantity, formatCount(quantity.value));
  const wrong = [
    ...(found.lost.value > 0 ? [html` <strong class="alarm">lost: ${cite(found.lost)}</strong>`] : []),
    ...(found.wrong.value > 0 ? [html` <strong class="alarm">wrong: ${cite(found.wrong)}</strong>`] : []),
  ];
  return html`${cite(found.verified)} <small>of ${cite(found.acknowledged)}</small>${wrong}`;
}

const NONE = html`<span class="none">–</span>`;
