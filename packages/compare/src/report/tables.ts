/** A summary as Markdown that reads well on a terminal too. Systems stand in the order of the run, whoever is faster. */
import { isExact, type Recount } from '../scenarios/scenario.ts';
import { type Ratio, ratiosOf, speedOf } from './ratios.ts';
import type { Row, ScenarioSummary, Spread, Summary } from './summary.ts';

/** The systems that others of their kind are compared with. */
const OURS = /^k-lani/;
const SIZES: ReadonlySet<string> = new Set(['MiB']);

/** The whole report. */
export function formatReport(summary: Summary): string {
  const { systems, skipped, scenarios, failed } = summary;
  const ratios = ratiosOf(summary).filter(({ spread }) => spread !== undefined);
  const parts = [
    ['# Comparison', formatRun(summary)],
    ['## Systems', table(['system', 'version', 'durability', 'isolation', 'configuration'], systems.map(systemCells))],
    ...(skipped.length === 0
      ? []
      : [['## Left out', skipped.map(({ system, missing, install }) => `- ${system}: no ${missing}; ${install}`).join('\n')]]),
    ...(ratios.length === 0 ? [] : [['## Ratios to reach', formatRatios(ratios)]]),
    ...scenarios.filter(({ rows }) => rows.length > 0).map((scenario) => [`## ${scenario.title}`, formatScenario(scenario, summary)]),
    ...(failed.length === 0 ? [] : [['## What failed', failed.map(failureText).join('\n')]]),
  ];
  return `${parts.map(([title, text]) => `${title}\n\n${text}`).join('\n\n')}\n`;
}

function formatRun({ run, end }: Summary): string {
  const { host, code } = run;
  const gib = (host.memoryBytes / 2 ** 30).toFixed(0);
  const state = end === undefined ? 'cut off' : `${end.state}, ${Math.round(end.seconds)} s`;
  const clients = Object.entries(run.clients).map(([name, version]) => `${name} ${version}`);
  return [
    `- run: ${run.startedAt}, ${state}; ${run.rounds} rounds, size ${run.size}, seed ${run.seed}`,
    `- host: ${host.cpu}, ${host.cores} processors, ${gib} GiB, ${host.platform} ${host.kernel}, ${run.filesystem}`,
    `- clients: Node ${run.node}, ${clients.join(', ')}`,
    `- code: ${code.commit ?? 'no commit'}, SHA-256 of sources ${code.sha256}`,
    `- again: \`${run.command}\``,
  ].join('\n');
}

function systemCells({ title, version, durability, isolation, configuration }: Summary['systems'][number]): string[] {
  return [title, version, durability, isolation, configuration.join('; ')];
}

function formatRatios(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ goal, spread, isKept }) => [
    goal.against,
    `${goal.direction === 'atLeast' ? '>=' : '<='} ${goal.bound}`,
    spread === undefined ? '-' : formatNumber(spread.median),
    spread === undefined ? '-' : `${formatNumber(spread.min)} to ${formatNumber(spread.max)}`,
    isKept === true ? 'kept' : 'MISSED',
  ]);
  return table(['against', 'bound', 'median', 'rounds', ''], rows);
}

function formatScenario({ name, what, rows }: ScenarioSummary, { systems }: Summary): string {
  const kindOf = (row: Row): string | undefined => systems.find((system) => system.name === row.system)?.kind;
  const oursFor = (row: Row): Row | undefined => rows.find((other) => OURS.test(other.system) && kindOf(other) === kindOf(row));
  const names = [...(rows[0]?.figures.keys() ?? [])].filter((figure) => rows.every(({ figures }) => figures.has(figure)));
  const [first = '', ...others] = names;
  const header = ['system', 'way', `${first}, ${rows[0]?.figures.get(first)?.unit ?? ''}`, 'rounds', 'k-lani is', ...others];
  const body = rows.map((row) => [
    row.system,
    `${row.way.name}, ${row.way.connections} connections`,
    formatNumber(row.figures.get(first)?.median ?? Number.NaN),
    rangeText(row.figures.get(first)),
    speedText(oursFor(row), row),
    ...others.map((figure) => spreadText(row.figures.get(figure))),
    recountText(row.recount),
    recountText(row.afterKill),
  ]);
  return `${what} (\`${name}\`)\n\n${table([...header, 'recount', 'after SIGKILL'], body)}`;
}

function speedText(ours: Row | undefined, theirs: Row): string {
  if (ours === undefined || ours === theirs) return '';
  const speed = speedOf(ours, theirs);
  if (speed === undefined) return '';
  const [figure] = ours.figures.values();
  const word = SIZES.has(figure?.unit ?? '') ? 'as small' : 'as fast';
  return `${formatNumber(speed.median)} × ${word} (${formatNumber(speed.min)} to ${formatNumber(speed.max)})`;
}

function rangeText(spread: Spread | undefined): string {
  return spread === undefined ? '' : `${formatNumber(spread.min)} to ${formatNumber(spread.max)}`;
}

function spreadText(spread: Spread | undefined): string {
  return spread === undefined ? '' : `${formatNumber(spread.median)} ${spread.unit}`;
}

function recountText(recount: Recount | undefined): string {
  if (recount === undefined) return '-';
  const { acknowledged, verified, lost, wrong } = recount;
  return isExact(recount) ? `${verified.toLocaleString('en')} exact` : `${verified} of ${acknowledged}, ${lost} LOST, ${wrong} WRONG`;
}

function failureText({ system, scenario, round, reason }: Summary['failed'][number]): string {
  const where = [system, scenario, round === undefined ? undefined : `round ${round}`].filter((part) => part !== undefined);
  return `- ${where.join(', ')}: ${reason.split('\n')[0] ?? ''}`;
}

/** Three significant digits, and all of those before the point. */
export function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value === 0 ? '0' : value.toPrecision(3);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(header), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
