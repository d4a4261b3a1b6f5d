import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import { ROW_ID_BEYOND, belowAt, childAt, countAt, entryOffset, layoutOf, rowIdAt, type PageLayout } from './ordered-page.ts';
import { OrderedReader } from './ordered-reader.ts';

/**
 * Walks the row ids of a range of keys in the order of the index, from about any point of the range and round to it again, each once.
 *
 * The walk is valid while the index does not change: begin and use it within one synchronous call. A cursor makes no garbage, so keep it
 * and begin again.
 */
export class OrderedCursor {
  readonly #store: PageStore;
  readonly #reader: OrderedReader;
  readonly #leaf: PageLayout;
  readonly #inner: PageLayout;
  /** The words of the leaf, the offset in them of the next entry, and the end of the leaf's last one. */
  #words: Uint32Array;
  #offset = 0;
  #offsetEnd = 0;
  /** The same for the next child of the page above the leaf. */
  #parentWords: Uint32Array;
  #parentOffset = 0;
  #parentOffsetEnd = 0;
  /** Rank of the first entry of the range. */
  #low = 0;
  /** Rank behind the last entry to give before going round, or afterwards of all. */
  #end = 0;
  /** Entries to give up to `#end`. */
  #left = 0;
  /** Entries to give from the first of the range on after that. */
  #leftAfterWrap = 0;

  constructor(store: PageStore, rootPage: number) {
    this.#store = store;
    this.#reader = new OrderedReader(store, rootPage);
    this.#leaf = layoutOf(this.#reader.keyWords, 0);
    this.#inner = layoutOf(this.#reader.keyWords, 1);
    this.#words = store.words(0);
    this.#parentWords = this.#words;
  }

  /**
   * Begins a walk over the entries with a key from `low` to `high`, both included. The keys are not kept.
   *
   * @param startFraction where in the range to begin, 0 to less than 1: behind that part of its entries
   */
  begin(low: Uint32Array, high: Uint32Array, startFraction = 0): void {
    assert(startFraction >= 0 && startFraction < 1, 'OrderedCursor.begin(): startFraction is out of range');
    this.#low = this.#reader.rank(low, 0);
    this.#end = this.#reader.rank(high, ROW_ID_BEYOND);
    const size = Math.max(0, this.#end - this.#low);
    this.#leftAfterWrap = Math.floor(size * startFraction);
    this.#left = size - this.#leftAfterWrap;
    if (size > 0) this.#openAt(this.#low + this.#leftAfterWrap);
  }

  /** The next row id, or `NONE` when all have been given, and from then on. */
  next(): number {
    if (this.#left === 0) {
      if (this.#leftAfterWrap === 0) return NONE;
      this.#goRound();
    } else if (this.#offset === this.#offsetEnd) {
      this.#openNextLeaf();
    }
    const rowId = rowIdAt(this.#words, this.#offset, this.#leaf);
    this.#offset += this.#leaf.stride;
    this.#left -= 1;
    return rowId;
  }

  #goRound(): void {
    this.#end = this.#low + this.#leftAfterWrap;
    this.#left = this.#leftAfterWrap;
    this.#leftAfterWrap = 0;
    this.#openAt(this.#low);
  }

  #openNextLeaf(): void {
    if (this.#parentOffset < this.#parentOffsetEnd) this.#openChild();
    else this.#openAt(this.#end - this.#left);
  }

  /** Opens the leaf that `#parentOffset` names, and passes on to the next. */
  #openChild(): void {
    const page = childAt(this.#parentWords, this.#parentOffset, this.#inner);
    this.#parentOffset += this.#inner.stride;
    this.#openLeaf(page, 0);
  }

  #openLeaf(page: number, index: number): void {
    const words = this.#store.words(page);
    const start = pageOffset(page);
    this.#words = words;
    this.#offset = entryOffset(start, this.#leaf, index);
    this.#offsetEnd = entryOffset(start, this.#leaf, countAt(words, start, this.#leaf));
  }

  /** Goes to the entry with `rank` entries before it. */
  #openAt(rank: number): void {
    const inner = this.#inner;
    let page = this.#reader.tree;
    let index = rank;
    this.#parentOffset = 0;
    this.#parentOffsetEnd = 0;
    for (let level = this.#reader.height - 1; level > 0; level -= 1) {
      const words = this.#store.words(page);
      const start = pageOffset(page);
      const end = entryOffset(start, inner, countAt(words, start, inner));
      let offset = entryOffset(start, inner, 0);
      for (; offset + inner.stride < end && index >= belowAt(words, offset, inner); offset += inner.stride) {
        index -= belowAt(words, offset, inner);
      }
      page = childAt(words, offset, inner);
      this.#parentWords = words;
      this.#parentOffset = offset + inner.stride;
      this.#parentOffsetEnd = end;
    }
    this.#openLeaf(page, index);
  }
}
