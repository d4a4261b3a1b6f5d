/**
 * The table handles of one session. Numbers are given once in the life of a server (until they wrap), so that a handle of another session
 * or a closed one is never taken for another table.
 */
import type { StoredTable } from '@k-lani/engine';
import { KLaniError, type LayoutSource, type RowLayout } from '@k-lani/protocol';
import type { Numbers } from './numbers.ts';

/** A table as a session has opened it. Rows travel in its layout. */
export interface TableHandle {
  readonly number: number;
  readonly table: StoredTable;
  readonly layout: RowLayout;
}

export class TableHandles implements LayoutSource {
  readonly #handles = new Map<number, TableHandle>();
  readonly #numbers: Numbers;
  readonly #countMax: number;
  /** The one used last: most sessions use one table. */
  #last: TableHandle | undefined;

  constructor(numbers: Numbers, countMax: number) {
    this.#numbers = numbers;
    this.#countMax = countMax;
  }

  /** @throws {KLaniError} LimitReached */
  open(table: StoredTable): TableHandle {
    if (this.#handles.size >= this.#countMax) {
      throw new KLaniError(
        'LimitReached',
        `Cannot open table "${table.name}": ${this.#handles.size} handles are open, maxHandles is ${this.#countMax}`,
      );
    }
    const handle = { number: this.#numbers.next(), table, layout: table.layout };
    this.#handles.set(handle.number, handle);
    return handle;
  }

  /** @throws {KLaniError} InvalidHandle */
  get(number: number): TableHandle {
    const last = this.#last;
    if (last !== undefined && last.number === number) return last;
    const handle = this.#handles.get(number);
    if (handle === undefined) {
      throw new KLaniError('InvalidHandle', `Cannot use table handle ${number}: this session has not opened it, or has closed it`);
    }
    this.#last = handle;
    return handle;
  }

  /** Makes a handle speak the table's newest layout. Does nothing when it was closed. */
  renew({ number, table }: TableHandle): void {
    if (!this.#handles.has(number)) return;
    this.#last = undefined;
    this.#handles.set(number, { number, table, layout: table.layout });
  }

  /** @throws {KLaniError} InvalidHandle */
  close(number: number): void {
    this.get(number);
    this.#last = undefined;
    this.#handles.delete(number);
  }

  closeAll(): void {
    this.#last = undefined;
    this.#handles.clear();
  }

  layoutOf(handle: number): RowLayout {
    return this.get(handle).layout;
  }
}
