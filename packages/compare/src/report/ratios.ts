/**
 * The ratios that k-lani is held to, from the figures of one run. A ratio is taken within each round, because a shared machine is not
 * equally fast for long; what counts is the median of the rounds.
 */
import type { MeasuredLine } from '../run/raw-log.ts';
import type { Figure } from '../scenarios/scenario.ts';
import { type Row, spreadOf, type Summary } from './summary.ts';

/** One side of a ratio: a figure of a system; the first one of the scenario unless named. */
interface Side {
  readonly system: string;
  readonly scenario: string;
  readonly figure?: string;
}

/** A bound for one ratio. */
export interface Goal {
  readonly against: string;
  readonly ours: Side;
  readonly theirs: Side;
  readonly bound: number;
  /** `atLeast`: so many times as fast; `atMost`: so much of their time. */
  readonly direction: 'atLeast' | 'atMost';
}

/** What a goal came to; `spread` is undefined where one side was not measured. */
export interface Ratio {
  readonly goal: Goal;
  readonly spread: { readonly median: number; readonly min: number; readonly max: number } | undefined;
  readonly isKept: boolean | undefined;
}

const OURS = 'k-lani';
const OURS_EMBEDDED = 'k-lani-embedded';

function faster(against: string, system: string, scenario: string, bound: number): Goal {
  return { against, ours: { system: OURS, scenario }, theirs: { system, scenario }, bound, direction: 'atLeast' };
}

function latency(against: string, system: string, scenario: string, bound: number): Goal {
  return { against, ours: { system: OURS, scenario }, theirs: { system, scenario }, bound, direction: 'atMost' };
}

/** Concert and Holiday Rush against a relational database. */
function relational(title: string, system: string): Goal[] {
  return (['loop', 'claim'] as const).flatMap((flow) => [
    faster(`${title}, concert ${flow}, 8 connections to its best number`, system, `concert-${flow}-8`, 8),
    faster(`${title}, concert ${flow}, 128 connections each`, system, `concert-${flow}-128`, 3.5),
    faster(`${title}, holiday ${flow}, 8 connections to its best number`, system, `holiday-${flow}`, 8),
    faster(`${title}, holiday ${flow}, 128 connections each`, system, `holiday-${flow}-128`, 3.5),
  ]);
}

/** Embedded systems are held against k-lani in the process. */
function embedded(against: string, system: string, scenario: string, bound: number): Goal {
  return {
    against,
    ours: { system: OURS_EMBEDDED, scenario },
    theirs: { system, scenario },
    bound,
    direction: 'atLeast',
  };
}

/** In the order in which they are printed. */
export const GOALS: readonly Goal[] = [
  faster('Redis, concert loop, 8 connections', 'redis', 'concert-loop-8', 2.5),
  faster('Redis, concert loop, 128 connections', 'redis', 'concert-loop-128', 1.8),
  faster('Redis, Lua claim, 8 connections', 'redis', 'concert-claim-8', 2.5),
  faster('Redis, Lua claim, 128 connections', 'redis', 'concert-claim-128', 2),
  faster('Redis, 32 writers on a hot set, Lua claims', 'redis', 'hot-claim', 2),
  latency('Redis, sequential point read p50', 'redis', 'read-sequential', 0.9),
  latency('PostgreSQL, sequential point read p50', 'postgresql', 'read-sequential', 0.6),
  ...relational('PostgreSQL', 'postgresql'),
  ...relational('MariaDB', 'mariadb'),
  faster('PostgreSQL, 32 writers, lock and write', 'postgresql', 'hot-loop', 5),
  faster('PostgreSQL, 32 writers, one command', 'postgresql', 'hot-claim', 5),
  {
    against: 'our client against an echo server, claims over 8 connections, by requests',
    ours: { system: OURS, scenario: 'concert-claim-8', figure: 'requests' },
    theirs: { system: OURS, scenario: 'concert-claim-8', figure: 'echoed' },
    bound: 0.6,
    direction: 'atLeast',
  },
  embedded('SQLite, 32 embedded writers in worker threads', 'sqlite', 'embedded-hot-threads', 5),
  embedded('LMDB, 32 embedded writers in worker threads', 'lmdb', 'embedded-hot-threads', 5),
  embedded('SQLite batched by the application, 32 writers in one event loop', 'sqlite', 'embedded-hot-claim', 1.2),
  embedded('LMDB asynchronous batches, 32 writers in one event loop', 'lmdb', 'embedded-hot-claim', 1.2),
  embedded('LMDB, embedded point read', 'lmdb', 'embedded-point-read', 1),
  embedded('LMDB, batched insert', 'lmdb', 'embedded-insert', 1),
  embedded('LMDB, batched insert with four indexes', 'lmdb', 'embedded-insert-indexed', 1),
  embedded('LMDB, 1 % range scan by an indexed field', 'lmdb', 'embedded-range-scan', 1),
  embedded('LMDB, 1 % range scan by primary key', 'lmdb', 'embedded-key-scan', 1),
  embedded('SQLite, two-index intersection', 'sqlite', 'embedded-intersection', 10),
  embedded('LMDB, two-index intersection', 'lmdb', 'embedded-intersection', 10),
  {
    against: 'two independent processes on two copies, two reader threads on one database, rows',
    ours: { system: OURS_EMBEDDED, scenario: 'embedded-readers', figure: 'threads' },
    theirs: { system: OURS_EMBEDDED, scenario: 'embedded-readers', figure: 'processes' },
    bound: 0.9,
    direction: 'atLeast',
  },
];

/** Takes all ratios of a run. Pure. */
export function ratiosOf(summary: Summary, goals: readonly Goal[] = GOALS): Ratio[] {
  return goals.map((goal) => {
    const values = ratioByRound(summary, goal);
    if (values.length === 0) return { goal, spread: undefined, isKept: undefined };
    const spread = spreadOf(values);
    return { goal, spread, isKept: goal.direction === 'atLeast' ? spread.median >= goal.bound : spread.median <= goal.bound };
  });
}

/** How many times as fast one system is as another, by the first figure of a scenario; undefined where they have no round in common. */
export function speedOf(ours: Row, theirs: Row): ReturnType<typeof spreadOf> | undefined {
  const values = speeds(ours, theirs, {}, {});
  return values.length === 0 ? undefined : spreadOf(values);
}

function ratioByRound({ scenarios }: Summary, { ours, theirs, direction }: Goal): number[] {
  const rowOf = (side: Side): Row | undefined =>
    scenarios.find(({ name }) => name === side.scenario)?.rows.find(({ system }) => system === side.system);
  const ourRow = rowOf(ours);
  const theirRow = rowOf(theirs);
  if (ourRow === undefined || theirRow === undefined) return [];
  if (direction === 'atMost') return pairsOf(ourRow, theirRow, ours, theirs).map(([a, b]) => a.value / b.value);
  return speeds(ourRow, theirRow, ours, theirs);
}

/** Round by round: of times theirs by ours, of rates ours by theirs. */
function speeds(ours: Row, theirs: Row, our: Pick<Side, 'figure'>, their: Pick<Side, 'figure'>): number[] {
  return pairsOf(ours, theirs, our, their).map(([a, b]) => (a.better === 'lower' ? b.value / a.value : a.value / b.value));
}

/** Both figures of each round that has both. */
function pairsOf(ours: Row, theirs: Row, our: Pick<Side, 'figure'>, their: Pick<Side, 'figure'>): [Figure, Figure][] {
  return [...ours.rounds].flatMap(([round, line]) => {
    const a = figureOf(line, our);
    const b = figureOf(theirs.rounds.get(round), their);
    return a === undefined || b === undefined ? [] : [[a, b] satisfies [Figure, Figure]];
  });
}

function figureOf(line: MeasuredLine | undefined, { figure }: Pick<Side, 'figure'>): Figure | undefined {
  if (line === undefined) return undefined;
  return figure === undefined ? Object.values(line.figures)[0] : line.figures[figure];
}
