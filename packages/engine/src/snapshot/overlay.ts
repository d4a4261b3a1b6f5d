/**
 * The overlay: the changes of one table that are appended and not visible yet, as the writer must see them.
 *
 * 1. A row is here exactly from the append of its change until the batch of its last change is applied.
 * 2. `rows` has exactly the ids that are here, for intersections to pass over.
 */
import { assert } from '@k-lani/base';
import { Bitmap } from '../index/bitmap.ts';
import { BitmapIntersection } from '../index/bitmap-intersection.ts';
import { PageStore } from '../memory/page-store.ts';
import { RowPositions } from './row-positions.ts';
import { UniqueHolders } from './unique-holders.ts';

/** Pages of the set of row ids: enough for every row of the largest table. */
const OVERLAY_PAGES_MAX = 1 << 18;

export class Overlay {
  readonly rows: Bitmap;
  /** Rises with every change of what is here. */
  version = 0;
  /** Row id → position of its last change, negative for a delete. */
  readonly #positions = new RowPositions();
  readonly #walk = new BitmapIntersection();
  /** By field: who was last given each unique key by the changes that are not visible. */
  readonly #uniqueHolders: (UniqueHolders | undefined)[] = [];

  constructor() {
    this.rows = Bitmap.create(new PageStore(OVERLAY_PAGES_MAX));
  }

  get size(): number {
    return this.#positions.size;
  }

  /** Position of the row's last change that is not visible, negative for a delete, 0 for none. */
  get(rowId: number): number {
    return this.#positions.get(rowId);
  }

  set(rowId: number, position: number): void {
    assert(position !== 0, 'A change has a position');
    this.#positions.set(rowId, position);
    this.rows.set(rowId);
    this.version += 1;
  }

  /** Forgets the change at `position`, which is visible now, unless the row has a later one. Changes are settled in the order of the log. */
  settle(rowId: number, position: number): void {
    for (let field = 0; field < this.#uniqueHolders.length; field += 1) this.#uniqueHolders[field]?.settle(position);
    if (Math.abs(this.#positions.get(rowId)) !== position) return;
    this.#positions.delete(rowId);
    this.version += 1;
    this.rows.clear(rowId);
  }

  /** Begins a walk over the row ids here, ascending. It is good until the next walk or change. */
  walk(): BitmapIntersection {
    this.#walk.begin([this.rows], 1, undefined, 1);
    return this.#walk;
  }

  /** The row that was last given a key of a unique field by a change that is not visible, or 0. Whether it still has it is for the caller to see. */
  uniqueHolder(fieldIndex: number, key: Uint32Array): number {
    return this.#uniqueHolders[fieldIndex]?.find(key) ?? 0;
  }

  /** Remembers that the change at `position` gave a row a key of a unique field, the first `keyWords` words of `key`. */
  holdUnique(unique: { readonly fieldIndex: number; readonly keyWords: number }, key: Uint32Array, rowId: number, position: number): void {
    (this.#uniqueHolders[unique.fieldIndex] ??= new UniqueHolders(unique.keyWords)).add(key, rowId, position);
  }
}
