/** A comparison as its page shows it: every number with the line that it was read from. */
import type { Line, Lines } from '@k-lani/compare';
import { type Cell, compute, type Quantity } from '../raw/quantity.ts';
import type { ComparisonFile } from '../raw/log-file.ts';

/** The systems that others are compared with. */
const OURS = /^k-lani/;
const SIZES: ReadonlySet<string> = new Set(['MiB', 'bytes']);

/** A line of one kind, with its number in the file. */
export interface At<Value> {
  readonly line: number;
  readonly value: Value;
}

/** The rounds of one figure: the middle one, and how far they lie apart. */
export interface Spread {
  readonly median: Quantity;
  readonly least: Quantity;
  readonly greatest: Quantity;
}

/** One figure of one system. */
export interface FigureOfSystem extends Spread {
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** By round. */
  readonly rounds: ReadonlyMap<number, Quantity>;
}

/** What was found when stored rows were held against acknowledgements. */
interface Recounted {
  readonly acknowledged: Quantity;
  readonly verified: Quantity;
  readonly lost: Quantity;
  readonly wrong: Quantity;
}

/** One system in one scenario. */
export interface Entry {
  readonly system: At<Lines['system']>;
  readonly isOurs: boolean;
  /** The first of its lines, for the way that it was used in. */
  readonly measured: At<Lines['measured']>;
  /** The first is the one that decides. */
  readonly figures: ReadonlyMap<string, FigureOfSystem>;
  /** Over all rounds; undefined where nothing is written. */
  readonly recount: Recounted | undefined;
  readonly afterKill: (Recounted & { readonly start: Quantity }) | undefined;
}

export interface ScenarioEntries {
  readonly scenario: At<Lines['scenario']>;
  readonly entries: readonly Entry[];
}

/** A comparison, taken apart. */
export interface Comparison {
  readonly file: string;
  readonly run: At<Lines['run']>;
  readonly systems: readonly At<Lines['system']>[];
  readonly skipped: readonly At<Lines['skipped']>[];
  readonly failed: readonly At<Lines['failed']>[];
  readonly scenarios: readonly ScenarioEntries[];
  /** Undefined when the run was cut off. */
  readonly end: At<Lines['end']> | undefined;
}

/** Takes a log apart; undefined when it has no run. */
export function comparisonOf({ name: file, lines }: ComparisonFile): Comparison | undefined {
  const [run] = linesOf(lines, 'run');
  if (run === undefined) return undefined;
  const systems = linesOf(lines, 'system');
  const measured = linesOf(lines, 'measured');
  const killed = linesOf(lines, 'killed');
  const scenarios = linesOf(lines, 'scenario').map((scenario): ScenarioEntries => {
    const entries = systems.flatMap((system) => {
      const isHere = ({ value }: At<Lines['measured'] | Lines['killed']>): boolean =>
        value.scenario === scenario.value.name && value.system === system.value.name;
      return entryOf({ file, system, measured: measured.filter(isHere), killed: killed.find(isHere) }) ?? [];
    });
    return { scenario, entries };
  });
  return {
    file,
    run,
    systems,
    skipped: linesOf(lines, 'skipped'),
    failed: linesOf(lines, 'failed'),
    scenarios,
    end: linesOf(lines, 'end')[0],
  };
}

/** k-lani where it stands against `theirs`: servers with servers, embedded with embedded; undefined where there is none, or it is k-lani. */
export function oursFor(entries: readonly Entry[], theirs: Entry): Entry | undefined {
  if (theirs.isOurs) return undefined;
  return entries.find((entry) => entry.isOurs && entry.system.value.kind === theirs.system.value.kind);
}

/** Whether the figure that decides is a size, so that less of it is "as small" and not "as fast". */
export function isOfSizes({ entries }: ScenarioEntries): boolean {
  const [figure] = entries[0]?.figures.values() ?? [];
  return figure !== undefined && SIZES.has(figure.unit);
}

/**
 * How many times as fast `ours` is as `theirs`, by the first figure: taken within each round, because a shared machine is not equally fast
 * for long; undefined where no round has both.
 */
export function speedOf(ours: Entry, theirs: Entry): Spread | undefined {
  const [our] = ours.figures.values();
  const [their] = theirs.figures.values();
  if (our === undefined || their === undefined) return undefined;
  const ratios = [...our.rounds].flatMap(([round, a]) => {
    const b = their.rounds.get(round);
    if (b === undefined) return [];
    const ratio = our.better === 'higher' ? compute('ratio', [a, b]) : compute('ratio', [b, a]);
    return Number.isFinite(ratio.value) && ratio.value > 0 ? [ratio] : [];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

function entryOf(found: {
  readonly file: string;
  readonly system: At<Lines['system']>;
  readonly measured: readonly At<Lines['measured']>[];
  readonly killed: At<Lines['killed']> | undefined;
}): Entry | undefined {
  const { file, system, measured, killed } = found;
  const [first] = measured;
  if (first === undefined) return undefined;
  const recounts = measured.flatMap(({ line, value }) => (value.recount === undefined ? [] : [{ line, recount: value.recount }]));
  const sum = (key: keyof Recounted): Quantity =>
    compute(
      'sum',
      recounts.map(({ line, recount }) => ({ value: recount[key], at: { file, line, path: ['measured', 'recount', key] } })),
    );
  const inKilled = (key: keyof Recounted, { line, value }: At<Lines['killed']>): Quantity => ({
    value: value.recount[key],
    at: { file, line, path: ['killed', 'recount', key] },
  });
  return {
    system,
    isOurs: OURS.test(system.value.name),
    measured: first,
    figures: figuresOf(file, measured),
    recount:
      recounts.length === 0
        ? undefined
        : { acknowledged: sum('acknowledged'), verified: sum('verified'), lost: sum('lost'), wrong: sum('wrong') },
    afterKill:
      killed === undefined
        ? undefined
        : {
            acknowledged: inKilled('acknowledged', killed),
            verified: inKilled('verified', killed),
            lost: inKilled('lost', killed),
            wrong: inKilled('wrong', killed),
            start: { value: killed.value.startMs, at: { file, line: killed.line, path: ['killed', 'startMs'] } },
          },
  };
}

/** Figures that every round has. */
function figuresOf(file: string, measured: readonly At<Lines['measured']>[]): Map<string, FigureOfSystem> {
  const figures = new Map<string, FigureOfSystem>();
  for (const [name, { unit, better }] of Object.entries(measured[0]?.value.figures ?? {})) {
    const rounds = new Map<number, Quantity>();
    for (const { line, value } of measured) {
      const figure = value.figures[name];
      const at: Cell = { file, line, path: ['measured', 'figures', name, 'value'] };
      if (figure !== undefined) rounds.set(value.round, { value: figure.value, at });
    }
    if (rounds.size === measured.length) figures.set(name, { ...spreadOf([...rounds.values()]), unit, better, rounds });
  }
  return figures;
}

function spreadOf(values: readonly Quantity[]): Spread {
  return { median: compute('median', values), least: compute('least', values), greatest: compute('greatest', values) };
}

function linesOf<Kind extends Line['kind']>(lines: readonly Line[], kind: Kind): At<Lines[Kind]>[] {
  return lines.flatMap((line) => (line.kind === kind ? [{ line: line.number, value: line.value as Lines[Kind] }] : []));
}
