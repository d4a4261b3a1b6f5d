/** A raw log as tables are made of it: medians and spreads over rounds, and what the recounts found. */
import type { Figure, Recount } from '../scenarios/scenario.ts';
import type { Way } from '../systems/system.ts';
import type { Line, LineKind, Lines, MeasuredLine } from '../run/raw-log.ts';

/** The rounds of one figure. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly better: Figure['better'];
}

/** One system in one scenario. */
export interface Row {
  readonly system: string;
  readonly way: Way;
  /** By round, from 1. */
  readonly rounds: ReadonlyMap<number, MeasuredLine>;
  /** Those that were measured in every round, in the order of the first. */
  readonly figures: ReadonlyMap<string, Spread>;
  /** Of all rounds; undefined where nothing is written. */
  readonly recount: Recount | undefined;
  /** After SIGKILL; undefined where it did not come to that. */
  readonly afterKill: Recount | undefined;
}

/** One scenario. */
export interface ScenarioSummary {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly rows: readonly Row[];
}

/** All that a log says. */
export interface Summary {
  readonly run: Lines['run'];
  readonly systems: readonly Lines['system'][];
  readonly skipped: readonly Lines['skipped'][];
  readonly scenarios: readonly ScenarioSummary[];
  readonly failed: readonly Lines['failed'][];
  /** Undefined when the harness was killed. */
  readonly end: Lines['end'] | undefined;
}

/** Sums a log up. Pure. */
export function summarize(lines: readonly Line[]): Summary {
  const [run] = valuesOf(lines, 'run');
  if (run === undefined) throw new Error('Cannot summarize: the log has no run');
  const measured = valuesOf(lines, 'measured');
  const killed = valuesOf(lines, 'killed');
  const scenarios = valuesOf(lines, 'scenario').map(({ name, title, what }): ScenarioSummary => {
    const here = measured.filter(({ scenario }) => scenario === name);
    const systems = [...new Set(here.map(({ system }) => system))];
    const rows = systems.map((system) => {
      const kill = killed.find((line) => line.scenario === name && line.system === system);
      return rowOf(
        here.filter((line) => line.system === system),
        kill?.recount,
      );
    });
    return { name, title, what, rows };
  });
  return {
    run,
    systems: valuesOf(lines, 'system'),
    skipped: valuesOf(lines, 'skipped'),
    scenarios,
    failed: valuesOf(lines, 'failed'),
    end: valuesOf(lines, 'end')[0],
  };
}

/** The values of all lines of one kind, in order. */
function valuesOf<Kind extends LineKind>(lines: readonly Line[], kind: Kind): Lines[Kind][] {
  return lines.flatMap((line) => (line.kind === kind ? [line.value as Lines[Kind]] : []));
}

function rowOf(lines: readonly MeasuredLine[], afterKill: Recount | undefined): Row {
  const [first] = lines;
  if (first === undefined) throw new Error('Cannot summarize a system without rounds');
  const figures = new Map<string, Spread>();
  for (const [name, { unit, better }] of Object.entries(first.figures)) {
    const values = lines.flatMap((line) => line.figures[name]?.value ?? []);
    if (values.length === lines.length) figures.set(name, { ...spreadOf(values), unit, better });
  }
  return {
    system: first.system,
    way: first.way,
    rounds: new Map(lines.map((line) => [line.round, line])),
    figures,
    recount: sumOf(lines.flatMap(({ recount }) => recount ?? [])),
    afterKill,
  };
}

/** Median, least and greatest. @param values at least one */
export function spreadOf(values: readonly number[]): { readonly median: number; readonly min: number; readonly max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return { median: (lower + upper) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

function sumOf(recounts: readonly Recount[]): Recount | undefined {
  if (recounts.length === 0) return undefined;
  const sum = (key: keyof Recount): number => recounts.reduce((total, recount) => total + recount[key], 0);
  return { acknowledged: sum('acknowledged'), verified: sum('verified'), lost: sum('lost'), wrong: sum('wrong') };
}
