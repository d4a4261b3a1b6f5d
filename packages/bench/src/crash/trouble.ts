import type { Death, Fate } from '../storm/killable-server.ts';
import type { StormTrouble } from '../storm/storm.ts';

/** What is done to a server while buyers buy. */
export type Trouble<Row, Term> = Pick<StormTrouble<Row, Term>, 'during'>;

/** What was done in one round, and what was wrong beside the sales. */
export class TroubleLog {
  /** SIGKILLs sent to a living server, those below included, or to readers beside it. */
  kills = 0;
  /** Of those, while the process started. */
  killsStarting = 0;
  /** Of those, while it closed. */
  killsClosing = 0;
  /** Times that it was made to stand still. */
  stops = 0;
  /** Segments at the beginning of the log that compaction gave up. */
  segmentsGivenUp = 0;
  /** For each start that lived: milliseconds until it listened. */
  readonly startsMs: number[] = [];
  /** One sentence each. */
  readonly failures: string[] = [];

  noteDeath(fate: Fate, { wasKilled, diedStarting, startMs }: Death): void {
    this.kills += (wasKilled ? 1 : 0) + (fate.deathsInStart?.length ?? 0);
    this.killsStarting += diedStarting;
    if (wasKilled && fate.closingMs !== undefined) this.killsClosing += 1;
    this.startsMs.push(startMs);
  }

  /** Notes what is wrong unless it is right. */
  expect(isRight: boolean, otherwise: string): void {
    if (!isRight) this.failures.push(otherwise);
  }
}
