/** What the commands give back: the same shapes embedded and over a connection. */

/** A row with its version. */
export interface VersionedRow<R> {
  readonly rowId: number;
  /** 1 for the row as it was appended, one more with every change. */
  readonly version: number;
  /** Position of this version in the log. */
  readonly lsn: number;
  readonly row: R;
}

/** What a write made. */
export interface WriteResult {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
}

/** What a batch made: one result for each change, in order. */
export interface BatchResult {
  readonly lsn: number;
  readonly changes: readonly { readonly rowId: number; readonly version: number }[];
}

/** One version of a row, as history keeps it. */
export interface RowVersion<R> {
  readonly change: 'append' | 'replace' | 'delete';
  readonly version: number;
  readonly lsn: number;
  readonly time: Date;
  /** Who made it: the name under which the session came. */
  readonly actor: string;
  /** 32 hexadecimal digits. */
  readonly operationId: string;
  /** Of the lock that it was made under, if any. */
  readonly fencingToken: bigint | undefined;
  /** `null` for a delete. */
  readonly row: R | null;
}

/** A row that a claim took: its version is the one that the claim made. */
export interface ClaimedRow<R> {
  readonly rowId: number;
  readonly version: number;
  /** The row as the claim left it, where rows were asked for and one answer had room for it; else read it by its id. */
  readonly row: R | undefined;
}

/** What a claim came to. A refusal is a value: it is what most callers hear in a stampede. */
export type ClaimResult<R = Record<string, unknown>> =
  | {
      readonly outcome: 'claimed';
      readonly lsn: number;
      readonly operationId: string;
      /** For each line its rows. */
      readonly lines: readonly (readonly ClaimedRow<R>[])[];
    }
  | {
      readonly outcome: 'none_available';
      /** The first line that found too few rows. */
      readonly line: number;
    }
  | {
      readonly outcome: 'all_locked';
      readonly line: number;
      /** Milliseconds until the first lease ends. */
      readonly retryAfterMs: number;
    };

/** What became of an operation. `unknown`: the window does not hold it; it never happened, or long ago. */
export type OperationStatus =
  | {
      readonly state: 'done';
      /** Name of the command. */
      readonly command: string;
      readonly lsn: number;
      readonly time: Date;
      readonly changes: readonly { readonly table: string; readonly rowId: number; readonly version: number }[];
    }
  | { readonly state: 'unknown' };

/** How a query would be carried out. */
export interface Explanation {
  /** `bitmaps`: bits of several indexes together; `ordered`: one index in key order; `rows`: every row; `none`: no row can match. */
  readonly driver: 'none' | 'bitmaps' | 'ordered' | 'rows';
  /** At most how many rows match. */
  readonly estimate: number;
  readonly terms: readonly { readonly field: string; readonly role: 'drives' | 'filters'; readonly rows: number }[];
}

/** One table of a database. */
export interface TableSummary {
  readonly tableId: number;
  readonly name: string;
  readonly schemaVersion: number;
  readonly liveRows: number;
}
