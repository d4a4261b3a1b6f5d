/** The scans and streams that one session has open, by the numbers that the client knows them by. */
import type { Cursor } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { Numbers } from './numbers.ts';
import type { TableHandle } from './table-handles.ts';

/** A cursor, and what its pages look like. */
export interface OpenCursor {
  readonly cursor: Cursor;
  readonly handle: TableHandle;
  /** Most rows of a page. */
  readonly pageRows: number;
}

export class Cursors {
  readonly #cursors = new Map<number, OpenCursor>();
  readonly #numbers: Numbers;
  readonly #countMax: number;

  constructor(numbers: Numbers, countMax: number) {
    this.#numbers = numbers;
    this.#countMax = countMax;
  }

  /**
   * Keeps a cursor and returns its number. At the limit a cursor that was left too long makes room.
   *
   * @throws {KLaniError} LimitReached
   */
  open(cursor: OpenCursor): number {
    if (this.#cursors.size >= this.#countMax) this.#dropExpired();
    if (this.#cursors.size >= this.#countMax) {
      throw new KLaniError('LimitReached', `Cannot open cursor: ${this.#cursors.size} are open, maxCursors is ${this.#countMax}`);
    }
    const number = this.#numbers.next();
    this.#cursors.set(number, cursor);
    return number;
  }

  /** @throws {KLaniError} InvalidCursor */
  get(number: number): OpenCursor {
    const cursor = this.#cursors.get(number);
    if (cursor !== undefined) return cursor;
    throw new KLaniError('InvalidCursor', `Cannot use cursor ${number}: this session has not opened it, or it is closed`);
  }

  /** @throws {KLaniError} InvalidCursor */
  close(number: number): void {
    this.get(number).cursor.close();
    this.#cursors.delete(number);
  }

  closeAll(): void {
    for (const { cursor } of this.#cursors.values()) cursor.close();
    this.#cursors.clear();
  }

  #dropExpired(): void {
    for (const [number, { cursor }] of this.#cursors) if (cursor.isExpired) this.#cursors.delete(number);
  }
}
