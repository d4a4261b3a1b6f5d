import type { RoundCount } from './round.ts';
import type { TroubleLog } from './trouble.ts';

/** What one kind of trouble did to one kind of storm, over all rounds. */
export interface CrashRow {
  readonly trouble: string;
  readonly storm: string;
  readonly rounds: number;
  readonly kills: number;
  readonly killsStarting: number;
  readonly killsClosing: number;
  readonly stops: number;
  /** Log segments that compaction gave up meanwhile. */
  readonly segmentsGivenUp: number;
  /** Sales that buyers were told of. */
  readonly acknowledged: number;
  /** Of those, the ones that are there after the last restart. */
  readonly found: number;
  readonly lost: number;
  readonly double: number;
  /** Outcomes that were never learned. */
  readonly unknown: number;
  /** Operations that were asked for again after the last restart, and how many of their answers differed from the first. */
  readonly askedAgain: number;
  readonly contradicted: number;
  /** Milliseconds of every start that lived, until it listened; in no order. */
  readonly startsMs: readonly number[];
}

export function emptyRow(trouble: string, storm: string): CrashRow {
  const kills = { rounds: 0, kills: 0, killsStarting: 0, killsClosing: 0, stops: 0, segmentsGivenUp: 0 };
  const sales = { acknowledged: 0, found: 0, lost: 0, double: 0, unknown: 0, askedAgain: 0, contradicted: 0 };
  return { trouble, storm, ...kills, ...sales, startsMs: [] };
}

/** The row with one round more. */
export function addRound(row: CrashRow, { figures, testimony }: RoundCount, log: TroubleLog): CrashRow {
  return {
    ...row,
    rounds: row.rounds + 1,
    kills: row.kills + log.kills,
    killsStarting: row.killsStarting + log.killsStarting,
    killsClosing: row.killsClosing + log.killsClosing,
    stops: row.stops + log.stops,
    segmentsGivenUp: row.segmentsGivenUp + log.segmentsGivenUp,
    acknowledged: row.acknowledged + figures.sold,
    found: row.found + figures.verifiedSold,
    lost: row.lost + figures.lost,
    double: row.double + figures.doubleSold,
    unknown: row.unknown + figures.unknown,
    askedAgain: row.askedAgain + testimony.asked,
    contradicted: row.contradicted + testimony.contradicted,
    startsMs: [...row.startsMs, ...log.startsMs],
  };
}
