/**
 * The numbers that a page says of a storm, by name. Sentences and tables ask for a number by its name and get its markup: a page that knows
 * where each number comes from puts a link around it.
 */
import type { Figures } from '../report/figures.ts';
import type { Latencies } from '../report/latencies.ts';
import { type RawLog, REQUEST_KINDS, type RequestKind } from '../report/raw-log.ts';
import { html, type Markup } from './markup.ts';

/** Counts and times of a whole storm; times in microseconds. */
const WHOLE = [
  'buyers',
  'total',
  'workers',
  'connections',
  'cores',
  'sold',
  'wallUs',
  'soldAtKill',
  'outageUs',
  'lastOutageUs',
  'verifiedSold',
  'doubleSold',
  'lost',
  'unknown',
  'unknownMax',
  'free',
  'lockConflicts',
  'alreadySold',
  'noTicket',
  'failedWorkers',
  'peakQps',
] as const;

/** Of one rank or hotel: its number, units for sale, units sold, and when the first, the middle one and the last were. */
export type GroupNumber = 'name' | 'size' | 'sold' | 'firstUs' | 'halfUs' | 'lastUs';

/** Percentiles of one kind of request, of all reads, or of all updates. */
export type LatencyNumber = keyof Latencies;

export type NumberName = (typeof WHOLE)[number] | `group ${number} ${GroupNumber}` | `${RequestKind | 'read' | 'update'} ${LatencyNumber}`;

/** Gives a number as text, with whatever stands around it; what there is no number of is a dash. */
export type Say = (name: NumberName, format: (value: number) => string) => Markup;

/** The numbers of a storm, computed from its raw log. */
export function stormNumbers(log: RawLog, figures: Figures): ReadonlyMap<NumberName, number> {
  const { run, end, machine } = log;
  const values: Record<(typeof WHOLE)[number], number> = {
    ...figures,
    buyers: run.buyers,
    total: run.groupSizes.reduce((sum, size) => sum + size, 0),
    workers: run.workers,
    connections: run.connections,
    cores: machine.host.cores,
    wallUs: end.wallUs,
    failedWorkers: end.failures.length,
  };
  const numbers = new Map<NumberName, number>(WHOLE.map((name) => [name, values[name]]));
  for (const [index, size] of run.groupSizes.entries()) {
    const group = index + 1;
    const times = log.sales.filter((sale) => sale.group === group).map(({ timeUs }) => timeUs);
    const put = (name: GroupNumber, value: number | undefined): unknown =>
      value === undefined ? undefined : numbers.set(`group ${group} ${name}`, value);
    put('name', group);
    put('size', size);
    put('sold', times.length);
    put('firstUs', times[0]);
    put('halfUs', times[middleOf(times.length)]);
    put('lastUs', times.at(-1));
  }
  for (const kind of [...REQUEST_KINDS, 'read', 'update'] as const) {
    const latencies = kind === 'read' ? figures.read : kind === 'update' ? figures.update : figures.byKind[kind];
    for (const [name, value] of Object.entries(latencies ?? { count: 0 })) {
      // What was never answered has no percentiles.
      if (name === 'count' || (latencies?.count ?? 0) > 0) numbers.set(`${kind} ${name as LatencyNumber}`, value);
    }
  }
  return numbers;
}

/** Place of the sale with which half of so many are sold. */
export function middleOf(count: number): number {
  return Math.ceil(count / 2) - 1;
}

/** Says numbers as text alone. */
export function sayPlainly(numbers: ReadonlyMap<NumberName, number>): Say {
  return (name, format) => {
    const value = numbers.get(name);
    return html`${value === undefined ? '–' : format(value)}`;
  };
}
