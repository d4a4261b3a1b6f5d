/** The comparison on the site: how it stands against each system at a glance, then every scenario with its chart and table. */
import { html, type Markup } from '@k-lani/bench';
import { formatFigure, formatRatio } from '../page/number-format.ts';
import { type ChartRow, drawBars, drawRatios } from '../page/row-chart.ts';
import { citeCell, pageOfLog } from '../raw/cite.ts';
import type { Workings } from '../raw/workings.ts';
import {
  type At,
  type Comparison,
  type Entry,
  type FigureOfSystem,
  isOfSizes,
  oursFor,
  type ScenarioEntries,
  speedOf,
} from './measurements.ts';
import { scenarioTable } from './scenario-table.ts';
import { spreadMarkup } from './spread-markup.ts';

/** What an axis counts, by the unit of its figures. */
const AXES: Readonly<Record<string, string>> = {
  '1/s': 'a second',
  'rows/s': 'rows a second',
  s: 'time',
  ms: 'time',
  µs: 'time',
  ns: 'time',
  bytes: 'size',
  MiB: 'size',
};

/** How large the run was, and how often each thing was measured. */
export function extent({ file, run: { line, value } }: Comparison): Markup {
  const cell = (key: 'size' | 'rounds' | 'seed'): Markup => citeCell({ file, line, path: ['run', key] }, String(value[key]));
  return html`<p>
    From <a href="${pageOfLog(file)}">${file}</a>. Size of the run: ${cell('size')}. Rounds: ${cell('rounds')}. Seed: ${cell('seed')}.
  </p>`;
}

/** One chart a system: how many times as fast k-lani is. Empty where nothing can be compared. */
export function glance(comparison: Comparison, workings: Workings): readonly Markup[] {
  const { file, systems, scenarios } = comparison;
  return systems.flatMap((system) => {
    const rows = scenarios.flatMap(({ scenario, entries }): ChartRow[] => {
      const theirs = entries.find((entry) => entry.system === system);
      const ours = theirs === undefined ? undefined : oursFor(entries, theirs);
      const speed = theirs === undefined || ours === undefined ? undefined : speedOf(ours, theirs);
      if (speed === undefined) return [];
      return [
        {
          name: html`${titleOf(file, scenario)} <small><a href="#${idOf(file, scenario.value.name)}">figures</a></small>`,
          tone: speed.median.value > 1 ? 'ahead' : speed.median.value < 1 ? 'behind' : 'level',
          median: speed.median.value,
          least: speed.least.value,
          greatest: speed.greatest.value,
          value: spreadMarkup(speed, workings, formatRatio),
        },
      ];
    });
    if (rows.length === 0) return [];
    const hasSizes = scenarios.some((one) => isOfSizes(one) && one.entries.some((entry) => entry.system === system));
    const title = citeCell({ file, line: system.line, path: ['system', 'title'] }, system.value.title);
    const durability = citeCell({ file, line: system.line, path: ['system', 'durability'] }, system.value.durability);
    return [
      drawRatios({
        caption: html`<h3>k-lani against ${title}</h3>
          <p>
            How many times as fast k-lani is${hasSizes ? ', or as small' : ''}. What the other has done when it answers: ${durability}.
          </p>`,
        axis: `times as fast${hasSizes ? ' or as small' : ''}, logarithmic: left of the strong line the other is ahead`,
        rows,
        tickLabel: String,
      }),
    ];
  });
}

/** Every scenario: chart and table. */
export function scenarioSections(comparison: Comparison, workings: Workings): readonly Markup[] {
  return comparison.scenarios.map((scenario) => scenarioSection(comparison, scenario, workings));
}

/** Versions, durability, isolation and configuration, as each system stands in the log. */
export function systemsTable({ file, systems }: Comparison): Markup {
  const rows = systems.map(({ line, value }) => {
    const cell = (key: 'title' | 'version' | 'durability' | 'isolation'): Markup =>
      citeCell({ file, line, path: ['system', key] }, value[key]);
    const settings = value.configuration.map(
      (setting, index) => html`<li>${citeCell({ file, line, path: ['system', 'configuration', index] }, setting)}</li>`,
    );
    return html`<tr>
      <th scope="row">${cell('title')}</th>
      <td>${cell('version')}</td>
      <td>${cell('durability')}</td>
      <td>${cell('isolation')}</td>
      <td>
        <ul class="settings">
          ${settings}
        </ul>
      </td>
    </tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="The systems">
    <table class="words">
      <caption>
        What was compared, and how each was set up
      </caption>
      <thead>
        <tr>
          <th scope="col">System</th>
          <th scope="col">Version</th>
          <th scope="col">Durability</th>
          <th scope="col">Isolation</th>
          <th scope="col">Configuration</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** What was left out, what failed, and whether the run came to its end. */
export function gaps({ file, skipped, failed, end }: Comparison): readonly Markup[] {
  const items = skipped.map(({ line, value }) => {
    const cell = (key: 'system' | 'missing' | 'install'): Markup => citeCell({ file, line, path: ['skipped', key] }, value[key]);
    return html`<li>${cell('system')} was left out: there was no ${cell('missing')}. To install it: <code>${cell('install')}</code></li>`;
  });
  const failures = failed.map(({ line, value }) => {
    const reason = citeCell({ file, line, path: ['failed', 'reason'] }, value.reason.split('\n')[0] ?? '');
    const where = value.scenario === undefined ? '' : html` in ${citeCell({ file, line, path: ['failed', 'scenario'] }, value.scenario)}`;
    return html`<li>${citeCell({ file, line, path: ['failed', 'system'] }, value.system)} failed${where}: ${reason}</li>`;
  });
  const state =
    end?.value.state === 'complete'
      ? []
      : [html`<li>The run of ${file} ${end === undefined ? 'was cut off' : 'was interrupted'}: what it measured until then is shown.</li>`];
  return [...state, ...items, ...failures];
}

function scenarioSection({ file }: Comparison, { scenario, entries }: ScenarioEntries, workings: Workings): Markup {
  const what = citeCell({ file, line: scenario.line, path: ['scenario', 'what'] }, scenario.value.what);
  const [name, first] = entries[0] === undefined ? [] : ([...entries[0].figures][0] ?? []);
  const heading = html`<h3 id="${idOf(file, scenario.value.name)}">${titleOf(file, scenario)}</h3>
    <p>${what}.</p>`;
  if (name === undefined || first === undefined) {
    return html`<section class="scenario">
      ${heading}
      <p>No system was measured in it.</p>
    </section>`;
  }
  return html`<section class="scenario">
    ${heading} ${barChart({ file, entries, name, first, workings })} ${scenarioTable({ file, scenario, entries, workings })}
    <p class="again">
      Again:
      <code
        >npm run bench:compare -- --scenarios
        ${citeCell({ file, line: scenario.line, path: ['scenario', 'name'] }, scenario.value.name)}</code
      >
    </p>
  </section>`;
}

function barChart(shown: {
  readonly file: string;
  readonly entries: readonly Entry[];
  readonly name: string;
  readonly first: FigureOfSystem;
  readonly workings: Workings;
}): Markup {
  const { file, entries, name, workings } = shown;
  const { unit, better } = shown.first;
  const rows = entries.flatMap((entry): ChartRow[] => {
    const figure = entry.figures.get(name);
    if (figure === undefined) return [];
    return [
      {
        name: citeCell({ file, line: entry.system.line, path: ['system', 'title'] }, entry.system.value.title),
        tone: entry.isOurs ? 'ours' : 'theirs',
        median: figure.median.value,
        least: figure.least.value,
        greatest: figure.greatest.value,
        value: spreadMarkup(figure, workings, (value) => formatFigure(value, unit)),
      },
    ];
  });
  return drawBars({
    caption: html`<p><b>${name}</b>: ${better} is better. Bar: median of the rounds; line: least to greatest.</p>`,
    axis: AXES[unit] ?? unit,
    rows,
    // The axis says what a rate is of.
    tickLabel: (value) => (value === 0 ? '0' : formatFigure(value, unit.endsWith('/s') ? '' : unit)),
  });
}

function titleOf(file: string, scenario: At<{ readonly title: string }>): Markup {
  return citeCell({ file, line: scenario.line, path: ['scenario', 'title'] }, scenario.value.title);
}

/** Two comparisons may have a scenario each of the same name. */
function idOf(file: string, scenario: string): string {
  return `${file.replace(/\.ndjson$/, '')}-${scenario}`;
}
