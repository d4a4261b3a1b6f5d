/**
 * The figures of a run, computed from its raw log and from nothing else.
 *
 * 1. A request counts when its answer came. Reads, updates and the rest are told apart as {@link REQUEST_KINDS} says.
 * 2. The peak is the best of the fixed stretches of 100 ms from the start, never of sliding ones; one cut short by the end is not scaled up.
 * 3. {@link failuresOf} is the verdict: a run without a failure sold every unit at most once, kept every acknowledged sale over the kill,
 *    and refused nobody while a unit was left.
 */
import { type Latencies, histogramOf, latenciesOf } from './latencies.ts';
import { type Mark, REQUEST_KINDS, type RequestKind, type StormLog, type Window } from './raw-log.ts';
import { recount } from './recount.ts';

export const READ_KINDS: readonly RequestKind[] = ['query', 'reread', 'refused'];
export const UPDATE_KINDS: readonly RequestKind[] = ['replace', 'claim'];

/** The peak is that of the best stretch of this length, in microseconds, counted from the start. */
export const PEAK_WINDOW_US = 100_000;

export interface Figures {
  /** Acknowledged sales. */
  readonly sold: number;
  readonly verifiedSold: number;
  readonly doubleSold: number;
  readonly lost: number;
  /** Buyers who never learned their outcome; at most `unknownMax`. */
  readonly unknown: number;
  /** Requests in flight when the server was killed: no more outcomes than that may be unknown. */
  readonly unknownMax: number;
  /** Booked rows of buyers who never learned their outcome. */
  readonly unknownSold: number;
  /** Rows that nobody booked. */
  readonly free: number;
  /** Units for sale that the scan does not show exactly once, and sales whose row is another unit than was sold. */
  readonly planFaults: number;
  /** Buyers who were served to the end: sold, refused, or unknown. */
  readonly served: number;
  readonly soldAtKill: number;
  /** From the kill until the server answered again, in microseconds; 0 without a kill. */
  readonly outageUs: number;
  /** The same for the last kill, before the recount. */
  readonly lastOutageUs: number;
  readonly readQueries: number;
  readonly updates: number;
  /** All requests, locks and unlocks included. */
  readonly requests: number;
  readonly requestsPerSec: number;
  /** Reads and updates of the best window, as a rate a second. */
  readonly peakQps: number;
  readonly read: Latencies;
  readonly update: Latencies;
  readonly byKind: Readonly<Partial<Record<RequestKind, Latencies>>>;
  readonly lockConflicts: number;
  readonly alreadySold: number;
  readonly noTicket: number;
  readonly locksLost: number;
  readonly reasked: number;
  readonly failedWorkers: number;
  readonly wallSecs: number;
}

/** Computes the figures of a raw log. Pure. */
export function figuresOf(log: StormLog): Figures {
  const counted = recount(
    log.sales,
    log.unknown,
    log.rows.map(({ rowId, isBooked, buyer }) => ({ rowId, isBooked: isBooked !== 0, buyer })),
  );
  const kill = markOf(log, 'kill');
  const requests = countOf(log.windows, REQUEST_KINDS);
  return {
    ...counted,
    sold: log.sales.length,
    unknown: log.unknown.length,
    unknownMax: inFlightAtTrouble(log),
    planFaults: countPlanFaults(log),
    served: log.sales.length + log.unknown.length + log.end.noTicket,
    soldAtKill: kill?.sold ?? 0,
    outageUs: outageUs(kill, markOf(log, 'restarted')),
    lastOutageUs: outageUs(markOf(log, 'last-kill'), markOf(log, 'last-restarted')),
    readQueries: countOf(log.windows, READ_KINDS),
    updates: countOf(log.windows, UPDATE_KINDS),
    requests,
    requestsPerSec: log.end.wallUs === 0 ? 0 : Math.round((requests * 1_000_000) / log.end.wallUs),
    peakQps: peakQpsOf(log.windows),
    read: latenciesOf(histogramOfKinds(log.windows, READ_KINDS)),
    update: latenciesOf(histogramOfKinds(log.windows, UPDATE_KINDS)),
    byKind: latenciesByKind(log),
    lockConflicts: log.end.lockConflicts,
    alreadySold: log.end.alreadySold,
    noTicket: log.end.noTicket,
    locksLost: log.end.locksLost,
    reasked: log.end.reasked,
    failedWorkers: log.end.failures.length,
    wallSecs: log.end.wallUs / 1_000_000,
  };
}

/** What is wrong with a run, one sentence each; empty when nothing is. */
export function failuresOf(log: StormLog, figures: Figures): string[] {
  const failures = log.end.failures.map((failure) => `A worker failed: ${failure}`);
  const refuse = (isWrong: boolean, sentence: string): void => {
    if (isWrong) failures.push(sentence);
  };
  refuse(figures.doubleSold > 0, `Sold twice: ${figures.doubleSold}, must be 0`);
  refuse(figures.lost > 0, `Lost: ${figures.lost} acknowledged sales are not in the rows, must be 0`);
  refuse(figures.verifiedSold !== figures.sold, `Verified: ${figures.verifiedSold}, must be the ${figures.sold} acknowledged`);
  refuse(
    figures.unknown > figures.unknownMax,
    `Unknown: ${figures.unknown} outcomes, must be <= ${figures.unknownMax} in flight at the kill`,
  );
  refuse(figures.planFaults > 0, `Units that are missing, doubled or in another place: ${figures.planFaults}, must be 0`);
  refuse(figures.served !== log.run.buyers, `Served: ${figures.served} buyers, must be ${log.run.buyers}`);
  const left = log.run.unitsWithinTerms - (log.rows.length - figures.free);
  refuse(figures.noTicket > 0 && left > 0, `Refused: ${figures.noTicket} buyers while ${left} units were left`);
  return failures;
}

/** A mark of the log, if it has it. */
export function markOf(log: StormLog, what: Mark['what']): Mark | undefined {
  return log.marks.find((mark) => mark.what === what);
}

/** The histogram of some kinds of requests over some windows. */
export function histogramOfKinds(windows: readonly Window[], kinds: readonly RequestKind[]): ReturnType<typeof histogramOf> {
  return histogramOf(windows.flatMap((window) => kinds.map((kind) => window.latenciesUs.get(kind) ?? [])));
}

/** How many requests of some kinds were answered in some windows. */
export function countOf(windows: readonly Window[], kinds: readonly RequestKind[]): number {
  let count = 0;
  for (const { latenciesUs } of windows) for (const kind of kinds) count += latenciesUs.get(kind)?.length ?? 0;
  return count;
}

function peakQpsOf(windows: readonly Window[]): number {
  const counts = new Map<number, number>();
  for (const window of windows) {
    const stretch = Math.floor(window.timeUs / PEAK_WINDOW_US);
    counts.set(stretch, (counts.get(stretch) ?? 0) + countOf([window], [...READ_KINDS, ...UPDATE_KINDS]));
  }
  return Math.max(0, ...counts.values()) * (1_000_000 / PEAK_WINDOW_US);
}

function latenciesByKind(log: StormLog): Partial<Record<RequestKind, Latencies>> {
  const byKind: Partial<Record<RequestKind, Latencies>> = {};
  for (const kind of REQUEST_KINDS) {
    const histogram = histogramOfKinds(log.windows, [kind]);
    if (histogram.totalCount > 0) byKind[kind] = latenciesOf(histogram);
  }
  return byKind;
}

/** Requests that were in flight when the server was killed or stopped during the storm: no more outcomes may be unknown. */
function inFlightAtTrouble({ marks }: StormLog): number {
  return marks.reduce((sum, { what, inFlight }) => sum + (what === 'kill' || what === 'stop' ? inFlight : 0), 0);
}

function outageUs(kill: Mark | undefined, restarted: Mark | undefined): number {
  return kill === undefined || restarted === undefined ? 0 : restarted.timeUs - kill.timeUs;
}

function countPlanFaults(log: StormLog): number {
  const placeOf = new Map<number, string>();
  const seen = new Map<string, number>();
  for (const { rowId, group, unit } of log.rows) {
    const place = `${group}/${unit}`;
    placeOf.set(rowId, place);
    seen.set(place, (seen.get(place) ?? 0) + 1);
  }
  let faults = 0;
  for (const [index, size] of log.run.groupSizes.entries()) {
    for (let unit = 1; unit <= size; unit += 1) {
      const place = `${index + 1}/${unit}`;
      if (seen.get(place) !== 1) faults += 1;
      seen.delete(place);
    }
  }
  const moved = log.sales.filter(({ rowId, group, unit }) => placeOf.has(rowId) && placeOf.get(rowId) !== `${group}/${unit}`);
  return faults + seen.size + moved.length;
}
