/**
 * What a storm needs of a database, in the words of the client: `connect()` and `Client.table()` give it, and so does the shop in memory
 * that the tests plant faults in.
 */

/** What a write may say. */
interface ShopWrite {
  /** 32 hexadecimal digits that name the write for good. */
  readonly operationId?: string;
}

/** A lock that this connection holds; see `Lock` of the client. */
export interface ShopLock<Row> {
  /** The row's newest state, under the lock. */
  seek(): Promise<{ readonly row: Row } | undefined>;
  replace(row: Row, options?: ShopWrite): Promise<{ readonly lsn: number }>;
  unlock(): Promise<void>;
}

/** What a claim may answer. */
export type ShopClaim =
  | { readonly outcome: 'claimed'; readonly lines: readonly (readonly { readonly rowId: number }[])[] }
  | { readonly outcome: 'none_available' }
  | { readonly outcome: 'all_locked'; readonly retryAfterMs: number };

/** What a buyer claims. */
export interface ShopClaimLine<Row, Term> {
  readonly where: readonly Term[];
  readonly set: Partial<Row>;
}

/** What became of an operation; see `OperationStatus` of the client. */
export type ShopOperation =
  | { readonly state: 'unknown' }
  | { readonly state: 'done'; readonly lsn: number; readonly changes: readonly { readonly rowId: number; readonly version: number }[] };

/** The table of what is for sale. */
export interface ShopTable<Row, Term> {
  queryIntersect(terms: readonly Term[], options: { readonly limit: number; readonly spread: number }): Promise<readonly number[]>;
  tryLock(rowId: number): Promise<ShopLock<Row> | undefined>;
  claim(line: ShopClaimLine<Row, Term>, options?: ShopWrite): Promise<ShopClaim>;
}

/** One connection to the server, with the table open. */
export interface Shop<Row, Term> {
  readonly table: ShopTable<Row, Term>;
  /** `fsync` or `os`, as the server says it. */
  readonly durability: string;
  readonly serverVersion: string;
  /** Appends all rows or none; gives their ids in order. */
  appendAll(rows: readonly Row[]): Promise<readonly number[]>;
  /** All rows, as of one moment. */
  scan(): AsyncIterable<{ readonly rowId: number; readonly row: Row }>;
  /** What became of the operation with this id. */
  operationStatus(operationId: string): Promise<ShopOperation>;
  close(): Promise<void>;
}

/** How a buyer reaches the server. */
export interface ShopOptions {
  /** How long a request waits for its answer, over all reconnects. */
  readonly timeoutMs?: number;
  /** Delays between attempts to reach a server that is away. */
  readonly reconnect?: { readonly delayMsMax: number };
}

/**
 * Opens a connection, and the table of what is for sale, which the first one creates.
 *
 * @param rehearsal its number from 1, each of which has a table of its own; 0 for the storm that counts
 */
export type OpenShop<Row, Term> = (address: string, rehearsal: number, options?: ShopOptions) => Promise<Shop<Row, Term>>;

/** The name of the table of a rehearsal, or of the storm that counts. */
export function tableName(name: string, rehearsal: number): string {
  return rehearsal === 0 ? name : `${name}_rehearsal_${rehearsal}`;
}

/** A seat or a room: the group (rank, hotel) and its number in it, both from 1. */
export interface Unit {
  readonly group: number;
  readonly unit: number;
}

/** What a row says about its unit. */
interface UnitState extends Unit {
  readonly isBooked: boolean;
  readonly buyer: number;
}

/** What is sold, and how buyers look for it: the difference between one benchmark and another. */
export interface Market<Row, Term> {
  /** How many units each group has. */
  readonly groupSizes: readonly number[];
  /** How many units satisfy the terms of some buyer. */
  readonly unitsWithinTerms: number;
  /** Candidates that one query asks for. */
  readonly windowLimit: number;
  /** Candidates of a window that a buyer tries before it asks again. */
  readonly candidatesMax: number;
  /** Whether a candidate that turns out to be sold makes the buyer ask again at once. */
  readonly requeryWhenStale: boolean;
  /** The row of a unit that is for sale. */
  freeRow(unit: Unit): Row;
  /** The terms of the free units of a group. */
  termsOf(group: number): readonly Term[];
  /** The row under the lock, sold to a buyer. */
  soldRow(row: Row, buyer: number): Row;
  /** What a claim sets. */
  saleTo(buyer: number): Partial<Row>;
  stateOf(row: Row): UnitState;
}
