/**
 * The overlay: the changes of one table that are appended and not visible yet, as the writer must see them.
 *
 * 1. A row is here exactly from the append of its change until the batch of its last change is applied.
 * 2. `rows` has exactly the ids that are here, for intersections to pass over.
 */
import { assert } from '@k-lani/base';
import { Bitmap } from '../index/bitmap.ts';
import { PageStore } from '../memory/page-store.ts';

/** Pages of the set of row ids: enough for every row of the largest table. */
const OVERLAY_PAGES_MAX = 1 << 18;

export class Overlay {
  readonly rows: Bitmap;
  /** Rises with every change of what is here. */
  version = 0;
  /** Row id → position of its last change, negative for a delete. */
  readonly #positions = new Map<number, number>();
  /** Unique key (with its field in front) → the row here that was last given it. */
  readonly #uniqueHolders = new Map<string, number>();
  /** Row id → the unique keys that it was given here. */
  readonly #uniqueKeys = new Map<number, string[]>();

  constructor() {
    this.rows = Bitmap.create(new PageStore(OVERLAY_PAGES_MAX));
  }

  get size(): number {
    return this.#positions.size;
  }

  /** Position of the row's last change that is not visible, negative for a delete, 0 for none. */
  get(rowId: number): number {
    return this.#positions.size === 0 ? 0 : (this.#positions.get(rowId) ?? 0);
  }

  set(rowId: number, position: number): void {
    assert(position !== 0, 'A change has a position');
    this.#positions.set(rowId, position);
    this.rows.set(rowId);
    this.version += 1;
  }

  /** Forgets the change at `position`, which is visible now, unless the row has a later one. */
  settle(rowId: number, position: number): void {
    if (Math.abs(this.#positions.get(rowId) ?? 0) !== position) return;
    this.#positions.delete(rowId);
    this.version += 1;
    this.rows.clear(rowId);
    for (const key of this.#uniqueKeys.get(rowId) ?? []) if (this.#uniqueHolders.get(key) === rowId) this.#uniqueHolders.delete(key);
    this.#uniqueKeys.delete(rowId);
  }

  /** The row ids here with the positions of their last changes. */
  entries(): IterableIterator<[number, number]> {
    return this.#positions.entries();
  }

  /** The row here that was last given a unique key, or 0. Whether it still has it is for the caller to see. */
  uniqueHolder(key: string): number {
    return this.#uniqueHolders.get(key) ?? 0;
  }

  /** Remembers that a row here was given a unique key. */
  holdUnique(key: string, rowId: number): void {
    this.#uniqueHolders.set(key, rowId);
    const keys = this.#uniqueKeys.get(rowId);
    if (keys === undefined) this.#uniqueKeys.set(rowId, [key]);
    else keys.push(key);
  }
}
