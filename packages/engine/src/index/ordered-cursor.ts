import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import type { PageStore } from '../memory/page-store.ts';
import { OrderedHeader } from './ordered-header.ts';
import { OrderedPages, ROW_ID_BEYOND } from './ordered-pages.ts';
import { OrderedPath } from './ordered-path.ts';

/**
 * Walks the row ids of a range of keys in the order of the index, from about any point of the range and round to it again, each once.
 *
 * The walk is valid while the index does not change: begin and use it within one synchronous call. A cursor makes no garbage, so keep it
 * and begin again.
 */
export class OrderedCursor {
  readonly #store: PageStore;
  readonly #leaf: OrderedPages;
  readonly #keyWords: number;
  readonly #path: OrderedPath;
  readonly #end: OrderedPath;
  /** Where in `#words` the row id of the next entry is, and where one behind the leaf's last would be. */
  #words: Uint32Array;
  #offset = 0;
  #offsetEnd = 0;
  /** Entries to give before going round, or afterwards at all. */
  #left = 0;
  /** Entries to give after going round, and the rank of the first of them. */
  #leftAfterWrap = 0;
  #rankAfterWrap = 0;

  constructor(store: PageStore, rootPage: number) {
    const header = new OrderedHeader(store, rootPage);
    this.#store = store;
    this.#keyWords = header.keyWords;
    this.#leaf = new OrderedPages(store, header.keyWords, 'leaf');
    this.#path = new OrderedPath(store, header);
    this.#end = new OrderedPath(store, header);
    this.#words = store.words(0);
  }

  /**
   * Begins a walk over the entries with a key from `low` to `high`, both included. The keys are not kept.
   *
   * @param startFraction where in the range to begin, 0 to less than 1: behind that part of its entries
   */
  begin(low: Uint32Array, high: Uint32Array, startFraction = 0): void {
    assert(startFraction >= 0 && startFraction < 1, 'OrderedCursor.begin(): startFraction is out of range');
    const path = this.#path;
    path.seek(low, 0);
    this.#end.seek(high, ROW_ID_BEYOND);
    const size = path.countTo(this.#end);
    const skipped = Math.floor(size * startFraction);
    this.#left = size - skipped;
    this.#leftAfterWrap = skipped;
    if (skipped > 0) {
      this.#rankAfterWrap = path.rank();
      path.seekRank(this.#rankAfterWrap + skipped);
    }
    this.#openLeaf();
  }

  /**
   * Begins a walk over the entries of one key, by rising row id: those from `startRowId` on, then the others from `firstRowId` on. The key
   * is not kept.
   */
  beginKey(key: Uint32Array, startRowId: number, firstRowId: number): void {
    const path = this.#path;
    const end = this.#end;
    path.seek(key, startRowId);
    this.#leftAfterWrap = 0;
    if (startRowId > firstRowId) {
      end.seek(key, firstRowId);
      this.#leftAfterWrap = end.countTo(path);
      if (this.#leftAfterWrap > 0) this.#rankAfterWrap = end.rank();
    }
    end.seek(key, ROW_ID_BEYOND);
    this.#left = path.countTo(end);
    this.#openLeaf();
  }

  /** The next row id, or `NONE` when all have been given, and from then on. */
  next(): number {
    if (this.#left === 0) {
      if (this.#leftAfterWrap === 0) return NONE;
      this.#goRound();
    }
    if (this.#offset === this.#offsetEnd) {
      if (!this.#path.nextLeaf()) return NONE;
      this.#openLeaf();
    }
    const rowId = this.#words[this.#offset] as number;
    this.#offset += this.#leaf.stride;
    this.#left -= 1;
    return rowId;
  }

  #goRound(): void {
    this.#left = this.#leftAfterWrap;
    this.#leftAfterWrap = 0;
    this.#path.seekRank(this.#rankAfterWrap);
    this.#openLeaf();
  }

  /** Takes over the place of the path. */
  #openLeaf(): void {
    const page = this.#path.page(0);
    this.#words = this.#store.words(page);
    this.#offset = this.#leaf.offset(page, this.#path.index(0)) + this.#keyWords;
    this.#offsetEnd = this.#leaf.offset(page, this.#path.leafSize) + this.#keyWords;
  }
}
