/** What is known of a run when it is over: all that checkers may look at. They are told of no fault. */
import type { HistoryPolicy } from '@k-lani/engine';
import type { KLaniError } from '@k-lani/protocol';
import type { Call } from './call.ts';
import type { LogTruth } from './log-truth.ts';
import type { Horizon, Model } from './model.ts';
import type { Snapshot } from './snapshot.ts';

/** What was found when the log was checked as a whole, with the database closed. */
export interface Verification {
  readonly order: number;
  /** `undefined` when everything was whole. */
  readonly fault: string | undefined;
  /** Bytes of batches that were checked. */
  readonly sizeBytes: number;
  /** Batches that the truth counted at that moment. */
  readonly batches: number;
  readonly headHash: string;
}

/** What a process had left when it said that it was closed. */
export interface Leftovers {
  readonly process: string;
  readonly files: number;
  readonly views: number;
  readonly locks: number;
  readonly sessions: number;
  readonly events: number;
}

/** One flipped bit in a copy of the database, and what became of using the copy. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  /** What a check of the whole log said. */
  readonly fault: KLaniError | undefined;
  /** Why it did not open. */
  readonly openFault: KLaniError | undefined;
  /** What readers saw, when it did. */
  readonly snapshot: Snapshot | undefined;
}

/** A backup that was taken. */
export interface Backup {
  /** When it was ready. */
  readonly order: number;
  readonly lsnLast: number;
  /** The lsn of the mark up to which everything had to be taken, if there was one. */
  readonly lsnMark: number | undefined;
}

/** The files of the log when everything was over, and those of the archive where there is one. */
export interface Kept {
  readonly history: HistoryPolicy;
  readonly segmentBytes: number;
  /** By index. */
  readonly segments: ReadonlyMap<number, Uint8Array>;
  readonly archive: { readonly segments: ReadonlyMap<number, Uint8Array>; readonly verified: Verification } | undefined;
}

/** A bit that was another one while the database ran. */
export interface Rot {
  readonly file: string;
  readonly position: number;
  readonly fromOrder: number;
  /** When it was mended. */
  readonly untilOrder: number;
}

export interface Evidence {
  readonly calls: readonly Call[];
  readonly truth: LogTruth;
  /** The true log, row by row. */
  readonly model: Model;
  readonly horizon: Horizon;
  readonly snapshots: readonly Snapshot[];
  readonly verifications: readonly Verification[];
  readonly leftovers: readonly Leftovers[];
  readonly damages: readonly Damage[];
  readonly rots: readonly Rot[];
  readonly backups: readonly Backup[];
  /** What readers saw in restored backups, and the last lsn of each. */
  readonly restored: readonly { readonly lsnLast: number; readonly snapshot: Snapshot }[];
  /** How many operations are remembered. */
  readonly operationWindow: number;
  /** `undefined` when the run did not come to its end. */
  readonly kept: Kept | undefined;
  /** The order of the event with which each life of the database began. */
  readonly lives: readonly number[];
  /** When the connection of a client may have been lost, and with it its locks. */
  readonly losses: readonly { readonly client: string; readonly order: number }[];
  /** The order of the event from which on nothing went wrong any more. */
  readonly calmOrder: number;
}

/** One property, and how to see whether it held. */
export interface Checker {
  readonly name: string;
  /**
   * Looks at a run.
   *
   * @param report called with each breach
   * @returns how many checks were made
   */
  check(evidence: Evidence, report: (what: string) => void): number;
}
