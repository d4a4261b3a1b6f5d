/**
 * A plain model of the database: what every row was at every place of the log, from the true records alone. No index, no snapshot, no page:
 * lists and loops.
 */
import type { Call, Row, SeenRow, SimTerm } from './call.ts';
import type { LogTruth, TrueBatch, TrueRecord } from './log-truth.ts';

/** What records that no request asked for have as their operation id. */
const NO_OPERATION = '0'.repeat(32);

/** Fields that a schema added later, by table: what rows from before have in them. */
export type AddedFields = Readonly<Record<string, Row>>;

export class Model {
  /** By the end of the batch, and by the end of each operation in it. */
  readonly #batches: readonly TrueBatch[];
  readonly #added: AddedFields;
  readonly #rows = new Map<string, Map<number, TrueRecord[]>>();
  readonly #operations = new Map<string, TrueRecord[]>();
  /** Where each operation begins in the log, rising. */
  readonly #beginnings: number[] = [];
  readonly #byLsn = new Map<number, TrueRecord>();

  constructor(truth: LogTruth, added: AddedFields) {
    this.#batches = truth.batches;
    this.#added = added;
    let operationId = NO_OPERATION;
    for (const record of truth.records) {
      this.#add(record);
      if (record.operationId !== operationId && record.operationId !== NO_OPERATION) this.#beginnings.push(record.lsn);
      operationId = record.operationId;
    }
  }

  #add(record: TrueRecord): void {
    this.#byLsn.set(record.lsn, record);
    if (record.kind !== 'append' && record.kind !== 'replace' && record.kind !== 'delete') return;
    const rows = this.#rows.get(record.table) ?? new Map<number, TrueRecord[]>();
    this.#rows.set(record.table, rows);
    push(rows, record.rowId, record);
    push(this.#operations, record.operationId, record);
  }

  record(lsn: number): TrueRecord | undefined {
    return this.#byLsn.get(lsn);
  }

  tables(): Iterable<string> {
    return this.#rows.keys();
  }

  /** The row ids that a table ever had. */
  rowIds(table: string): Iterable<number> {
    return this.#rows.get(table)?.keys() ?? [];
  }

  /** The changes of an operation, in their order. */
  operation(operationId: string): readonly TrueRecord[] {
    return this.#operations.get(operationId) ?? [];
  }

  /** How many operations stand in the log behind `lsn`, up to position `end`. */
  operationsBehind(lsn: number, end: number): number {
    return countBelow(this.#beginnings, end) - countBelow(this.#beginnings, lsn + 1);
  }

  /** Whether an operation was so long ago by an event that the window of operations has passed it. */
  isForgotten(operationId: string, { order, window }: { order: number; window: number }): boolean {
    const last = this.operation(operationId).at(-1);
    const end = this.#batches.findLast(({ writtenOrder }) => writtenOrder <= order)?.end ?? 0;
    return last !== undefined && this.operationsBehind(last.lsn, end) >= window;
  }

  operationIds(): Iterable<string> {
    return this.#operations.keys();
  }

  /** Every version of a row, oldest first. */
  versions(table: string, rowId: number): readonly TrueRecord[] {
    return this.#rows.get(table)?.get(rowId) ?? [];
  }

  /** The row as it was before position `end`; `undefined` when it was not there. */
  rowAt(table: string, rowId: number, end: number): TrueRecord | undefined {
    const versions = this.versions(table, rowId);
    let low = 0;
    for (let high = versions.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((versions[middle] as TrueRecord).lsn < end) low = middle + 1;
      else high = middle;
    }
    const last = versions[low - 1];
    return last === undefined || last.kind === 'delete' ? undefined : last;
  }

  /** All rows of a table before position `end`, by rising row id. */
  rowsAt(table: string, end: number): TrueRecord[] {
    const found: TrueRecord[] = [];
    for (const rowId of [...this.rowIds(table)].toSorted((a, b) => a - b)) {
      const row = this.rowAt(table, rowId, end);
      if (row !== undefined) found.push(row);
    }
    return found;
  }

  /** The ids of the rows that met all terms before position `end`, rising. */
  matches(table: string, terms: readonly SimTerm[], end: number): number[] {
    return this.rowsAt(table, end)
      .filter((record) => meets(this.#whole(record), terms))
      .map(({ rowId }) => rowId);
  }

  /** Whether a row that was seen is the one that a record made. */
  isSame(seen: SeenRow, record: TrueRecord | undefined): boolean {
    if (record === undefined || record.rowId !== seen.rowId || record.version !== seen.version || record.lsn !== seen.lsn) return false;
    return this.isSameRow(seen.row, record);
  }

  /** Whether a row has what a record gave it; fields that were added later have their defaults. */
  isSameRow(row: Row, record: TrueRecord): boolean {
    const whole = this.#whole(record);
    return Object.keys(row).every((field) => row[field] === whole[field]) && Object.keys(record.row ?? {}).every((field) => field in row);
  }

  #whole(record: TrueRecord): Row {
    return { ...this.#added[record.table], ...record.row };
  }

  /**
   * Whether the log had a moment, not before position `low` and not after event `order`, at which something held.
   *
   * @param step `operation`: any number of operations of a batch may count; `batch`: only whole batches
   */
  hadMoment(window: { low: number; order: number; step: 'operation' | 'batch' }, holds: (end: number) => boolean): boolean {
    let isFirst = true;
    for (let place = this.#firstBatch(window.low); place < this.#batches.length; place += 1) {
      const batch = this.#batches[place] as TrueBatch;
      if (isFirst && holds(Math.max(window.low, batch.position))) return true;
      isFirst = false;
      if (batch.writtenOrder > window.order) return false;
      if (window.step === 'operation') {
        for (const { lsn } of batch.records) if (lsn > window.low && holds(lsn)) return true;
      }
      if (holds(batch.end)) return true;
    }
    return isFirst && holds(window.low);
  }

  /** Place of the first batch that ends behind `low`. */
  #firstBatch(low: number): number {
    const place = this.#batches.findLastIndex(({ end }) => end <= low);
    return place + 1;
  }
}

/** How many of some rising numbers are below a bound. */
function countBelow(rising: readonly number[], bound: number): number {
  let low = 0;
  for (let high = rising.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a row meets all terms. */
export function meets(row: Row, terms: readonly SimTerm[]): boolean {
  return terms.every((term) => {
    const value = row[term.field] ?? null;
    if (term.eq !== undefined) return value === term.eq;
    if (value === null) return false;
    return (
      (term.gte === undefined || value >= term.gte) &&
      (term.gt === undefined || value > term.gt) &&
      (term.lte === undefined || value <= term.lte) &&
      (term.lt === undefined || value < term.lt)
    );
  });
}

function push<K>(lists: Map<K, TrueRecord[]>, key: K, record: TrueRecord): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [record]);
  else list.push(record);
}

/** What calls have proven to be in the log: whoever asks after their answer must see it. */
export class Horizon {
  readonly #orders: number[] = [];
  readonly #ends: number[] = [];

  constructor(calls: readonly Call[]) {
    let high = 0;
    for (const call of calls.filter(({ outcome }) => outcome === 'done').toSorted((a, b) => a.endedOrder - b.endedOrder)) {
      high = Math.max(high, provenBy(call));
      this.#orders.push(call.endedOrder);
      this.#ends.push(high);
    }
  }

  /** The position behind everything that was proven before the event of this order. */
  before(order: number): number {
    return this.#ends[countBelow(this.#orders, order) - 1] ?? 0;
  }
}

/** The position behind the last record that an answer tells of. */
function provenBy(call: Call): number {
  const { answer } = call;
  if (answer === undefined || typeof answer === 'number') return 0;
  if (Array.isArray(answer)) return Math.max(0, ...answer.map((item: unknown) => lsnOf(item)));
  return lsnOf(answer);
}

function lsnOf(item: unknown): number {
  return typeof item === 'object' && item !== null && 'lsn' in item && typeof item.lsn === 'number' ? item.lsn + 1 : 0;
}
