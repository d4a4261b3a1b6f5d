/**
 * Appends many rows in batches and counts what was refused.
 *
 * 1. A batch is all or nothing. When one is refused because of a row, its rows are appended one by one, each refused or stored.
 * 2. Batches are sent in the order of the lines, one at a time, so that everything up to some line is stored when something else fails.
 */
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import { LINE_LENGTH_MAX, type Line } from './line-reader.ts';
import { type NewRow, rowFromJson } from './row-text.ts';
import type { OpenedTable } from './store.ts';

/** A line that was not stored, and why. */
export interface Refusal {
  readonly line: number;
  readonly error: KLaniError;
}

/** Told how it goes. */
export interface LoadEvents {
  refused(refusal: Refusal): void;
  /** After each batch, with the line that it ended with. */
  stored(line: number): void;
}

interface PendingRow {
  readonly line: number;
  readonly row: NewRow;
}

const BATCH_ROWS = 500;
const BATCH_LENGTH = 1024 * 1024;

/** What is wrong with a row, and not with the way to the database. */
const ROW_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BatchTooLarge',
  'DuplicateKey',
  'FieldCountMismatch',
  'FieldOutOfRange',
  'FieldOverflow',
  'FieldRequired',
  'FrameTooLarge',
  'InvalidArgument',
  'InvalidUtf8',
  'NotANumber',
  'UnknownField',
]);

/** Appends rows to one table. */
export class RowLoader {
  appended = 0;
  refused = 0;
  /** The row ids of the first and the last row appended; 0 for none. */
  rowIdFirst = 0;
  rowIdLast = 0;
  /** Everything up to this line is stored or refused. */
  lineDone = 0;
  /** The last line that was sent: where an error left the outcome open, it is unknown for the lines from `lineDone + 1` to this one. */
  lineSent = 0;
  readonly #opened: OpenedTable;
  readonly #events: LoadEvents;
  #batch: PendingRow[] = [];
  #batchLength = 0;
  #inFlight: Promise<void> = Promise.resolve();

  constructor(opened: OpenedTable, events: LoadEvents) {
    this.#opened = opened;
    this.#events = events;
  }

  /** Takes a line; waits while the batch before the last is not stored. */
  async add({ number, text }: Line): Promise<void> {
    if (text?.trim() === '') return;
    try {
      if (text === undefined) throw new KLaniError('InvalidArgument', `Cannot read row: it is longer than ${LINE_LENGTH_MAX} characters`);
      this.#batch.push({ line: number, row: rowFromJson(this.#opened.table.schema, text) });
      this.#batchLength += text.length;
    } catch (error) {
      this.#refuse(number, error);
    }
    if (this.#batch.length >= BATCH_ROWS || this.#batchLength >= BATCH_LENGTH) await this.#send();
  }

  /** Sends what is left, and waits for all of it. */
  async end(): Promise<void> {
    await this.#send();
    await this.#inFlight;
  }

  async #send(): Promise<void> {
    await this.#inFlight;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchLength = 0;
    const last = batch.at(-1);
    if (last === undefined) return;
    this.lineSent = last.line;
    const stored = this.#store(batch);
    // Awaited by the next call: until then a failure is not unhandled.
    stored.catch(() => {});
    this.#inFlight = stored;
  }

  async #store(batch: readonly PendingRow[]): Promise<void> {
    try {
      const { changes } = await this.#opened.appendAll(batch.map(({ row }) => row));
      for (const { rowId } of changes) this.#count(rowId);
    } catch (error) {
      if (!isOfRow(error)) throw error;
      await this.#storeEach(batch);
    }
    this.lineDone = batch.at(-1)?.line ?? this.lineDone;
    this.#events.stored(this.lineDone);
  }

  async #storeEach(batch: readonly PendingRow[]): Promise<void> {
    const results = await Promise.allSettled(batch.map(({ row }) => this.#opened.table.append(row)));
    let failure: unknown;
    for (const [index, result] of results.entries()) {
      const line = batch[index]?.line ?? 0;
      if (result.status === 'fulfilled') this.#count(result.value.rowId);
      else if (isOfRow(result.reason)) this.#refuse(line, result.reason);
      else failure ??= result.reason;
    }
    if (failure !== undefined) throw failure;
  }

  #count(rowId: number): void {
    this.appended += 1;
    if (this.rowIdFirst === 0) this.rowIdFirst = rowId;
    this.rowIdLast = rowId;
  }

  #refuse(line: number, error: unknown): void {
    if (!isOfRow(error)) throw error;
    this.refused += 1;
    this.#events.refused({ line, error });
  }
}

function isOfRow(error: unknown): error is KLaniError {
  return error instanceof KLaniError && ROW_ERRORS.has(error.code);
}
