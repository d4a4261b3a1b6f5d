/** What clients asked and were answered: the history that checkers judge. */
import type { KLaniError } from '@k-lani/protocol';

/** Rows of the simulation have numbers and nothing only. */
export type Row = Readonly<Record<string, number | null>>;

/** A term as clients write it. */
export interface SimTerm {
  readonly field: string;
  readonly eq?: number | null;
  readonly gte?: number;
  readonly gt?: number;
  readonly lte?: number;
  readonly lt?: number;
}

/** A version of a row as a client saw it. */
export interface SeenRow {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
  readonly row: Row;
}

/** One change of a batch. */
export type SimChange =
  | { readonly kind: 'append'; readonly table: string; readonly row: Row }
  | { readonly kind: 'replace'; readonly table: string; readonly rowId: number; readonly ifVersion: number; readonly row: Row }
  | { readonly kind: 'delete'; readonly table: string; readonly rowId: number; readonly ifVersion: number };

/** One line of a claim. */
export interface SimLine {
  readonly table: string;
  readonly where: readonly SimTerm[];
  readonly set: Row;
  readonly count: number;
}

interface RowName {
  readonly table: string;
  readonly rowId: number;
}

interface Guard {
  /** 0 where a lock guards. */
  readonly ifVersion: number;
  /** 0n where the version guards. */
  readonly token: bigint;
  /** The lock is given back in the same step. */
  readonly unlock: boolean;
}

interface Query {
  readonly table: string;
  readonly terms: readonly SimTerm[];
}

/** What each kind of call asks. */
export interface Requests {
  append: { readonly table: string; readonly row: Row; readonly operationId: string };
  replace: RowName & Guard & { readonly row: Row; readonly operationId: string };
  delete: RowName & Guard & { readonly operationId: string };
  claim: { readonly lines: readonly SimLine[]; readonly operationId: string };
  batch: { readonly changes: readonly SimChange[]; readonly operationId: string };
  seek: RowName;
  lockedSeek: RowName & { readonly token: bigint };
  query: Query & { readonly limit: number };
  count: Query;
  scan: { readonly table: string };
  history: RowName;
  lock: RowName & { readonly leaseMs: number };
  unlock: RowName & { readonly token: bigint };
  status: { readonly operationId: string };
  table: { readonly table: string; readonly version: number };
  checkpoint: { readonly mark: true };
}

interface Written {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
}

/** What each kind of call is answered. */
export interface Answers {
  append: Written;
  replace: Written;
  delete: Written;
  claim:
    | {
        readonly outcome: 'claimed';
        readonly lsn: number;
        readonly lines: readonly (readonly { readonly rowId: number; readonly version: number }[])[];
      }
    | { readonly outcome: 'none_available' | 'all_locked'; readonly line: number };
  batch: { readonly lsn: number; readonly changes: readonly { readonly rowId: number; readonly version: number }[] };
  seek: SeenRow | undefined;
  lockedSeek: SeenRow | undefined;
  query: readonly number[];
  count: number;
  scan: readonly SeenRow[];
  history: readonly { readonly version: number; readonly lsn: number; readonly operationId: string; readonly row: Row | null }[];
  /** `undefined`: somebody else has it. */
  lock: { readonly token: bigint; readonly leaseMs: number } | undefined;
  unlock: void;
  status: { readonly state: 'done'; readonly lsn: number } | { readonly state: 'unknown' };
  table: void;
  checkpoint: { readonly lsn: number };
}

export type CallKind = keyof Requests;

/** One call. Orders are those of the timeline's events. */
export interface CallOf<K extends CallKind> {
  readonly kind: K;
  readonly worker: string;
  readonly request: Requests[K];
  readonly begunOrder: number;
  readonly begunMs: number;
  /** Infinity while nothing came back, for good when its process died. */
  endedOrder: number;
  endedMs: number;
  /** `open`: nobody will know. `failed`: see `error`. */
  outcome: 'open' | 'done' | 'failed';
  answer: Answers[K] | undefined;
  error: KLaniError | undefined;
}

export type Call = { [K in CallKind]: CallOf<K> }[CallKind];

/** Whether a write may have happened although it was not answered as done. */
export function mayHaveHappened(call: Call): boolean {
  return (
    call.outcome === 'open' || (call.error !== undefined && (call.error.code === 'OutcomeUnknown' || call.error.operationId !== undefined))
  );
}

/** Calls of one kind that were answered as done, with their answers. */
export function answered<K extends CallKind>(calls: readonly Call[], kind: K): { readonly call: CallOf<K>; readonly answer: Answers[K] }[] {
  return calls.flatMap((call) =>
    call.kind === kind && call.outcome === 'done' ? [{ call: call as unknown as CallOf<K>, answer: call.answer as Answers[K] }] : [],
  );
}
