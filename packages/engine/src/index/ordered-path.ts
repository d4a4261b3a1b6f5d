import { assert } from '@k-lani/base';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import { HEIGHT_MAX, HEIGHT_WORD, SIZE_WORD, TREE_WORD, type OrderedHeader } from './ordered-header.ts';
import { COUNT_WORD, ENTRIES_WORD, OrderedPages, search } from './ordered-pages.ts';

/**
 * A place among the entries of an ordered index: the node on each level from the root to a leaf, and an index in each. In the leaf, the index
 * is that of an entry, or the count: then the place is behind its last entry, which is also before the first of the next leaf.
 *
 * A path makes no garbage and is set again and again. It holds only until the index changes.
 */
export class OrderedPath {
  readonly #store: PageStore;
  readonly #header: OrderedHeader;
  readonly #leaf: OrderedPages;
  readonly #inner: OrderedPages;
  readonly #pages = new Int32Array(HEIGHT_MAX);
  readonly #indexes = new Int32Array(HEIGHT_MAX);
  readonly #bound: Uint32Array;
  #levels = 1;
  #leafSize = 0;

  constructor(store: PageStore, header: OrderedHeader) {
    this.#store = store;
    this.#header = header;
    this.#leaf = new OrderedPages(store, header.keyWords, 'leaf');
    this.#inner = new OrderedPages(store, header.keyWords, 'inner');
    this.#bound = new Uint32Array(header.keyWords + 1);
  }

  /** How many levels the path has, the leaf's included. */
  get levels(): number {
    return this.#levels;
  }

  /** Entries in the leaf. */
  get leafSize(): number {
    return this.#leafSize;
  }

  /** The page of the node on `level`, 0 = leaf. */
  page(level: number): number {
    return this.#pages[level] as number;
  }

  /** The index in the node on `level`. */
  index(level: number): number {
    return this.#indexes[level] as number;
  }

  /** Goes before the first entry that is not less than (`key`, `rowId`). Returns whether it is equal. */
  seek(key: Uint32Array, rowId: number): boolean {
    const bound = this.#bound;
    const keyWords = bound.length - 1;
    assert(key.length >= keyWords, 'OrderedIndex: the key has fewer than keyWords words');
    for (let word = 0; word < keyWords; word += 1) bound[word] = key[word] as number;
    bound[keyWords] = rowId;
    const index = this.#descendTo(bound);
    this.#indexes[0] = index < 0 ? ~index : index;
    return index >= 0;
  }

  /**
   * Goes to the leaf that holds `bound`, or would, and returns what `search()` does there. It reads words itself instead of asking
   * `OrderedPages` for one after the other: half of the time of a look-up is at stake.
   */
  #descendTo(bound: Uint32Array): number {
    const store = this.#store;
    const { rootPage } = this.#header;
    let words = store.words(rootPage);
    let start = pageOffset(rootPage);
    let page = (words[start + TREE_WORD] as number) | 0;
    let size = (words[start + SIZE_WORD] as number) | 0;
    const levels = this.#setLevels(words[start + HEIGHT_WORD] as number);
    for (let level = levels - 1; ; level -= 1) {
      words = store.words(page);
      start = pageOffset(page);
      const isLeaf = level <= 0;
      const pages = isLeaf ? this.#leaf : this.#inner;
      const count = pages.clamp(isLeaf ? size : (words[start + COUNT_WORD] as number));
      const found = search(words, start + ENTRIES_WORD, pages.stride, isLeaf ? 0 : 1, count, bound);
      this.#pages[level] = page;
      if (isLeaf) {
        this.#leafSize = count;
        return found;
      }
      const index = found < 0 ? ~found - 1 : found;
      const child = start + ENTRIES_WORD + bound.length + Math.imul(index, pages.stride);
      this.#indexes[level] = index;
      page = (words[child] as number) | 0;
      size = (words[child + 1] as number) | 0;
    }
  }

  /** Goes before the entry that has `rank` entries before it, or behind the last. */
  seekRank(rank: number): void {
    let left = rank;
    let page = this.#start();
    for (let level = this.#levels - 1; level > 0; level -= 1) {
      const count = this.#inner.count(page);
      let index = 0;
      for (; index + 1 < count && left >= this.#inner.belowAt(page, index); index += 1) left -= this.#inner.belowAt(page, index);
      page = this.#descend(level, page, index);
    }
    this.#pages[0] = page;
    this.#indexes[0] = left;
  }

  /** Goes behind the last entry. */
  seekEnd(): void {
    let page = this.#start();
    for (let level = this.#levels - 1; level > 0; level -= 1) page = this.#descend(level, page, this.#inner.count(page) - 1);
    this.#pages[0] = page;
    this.#indexes[0] = this.#leafSize;
  }

  /** Goes behind an entry that was just put into the leaf, which had room, at this place. */
  passInserted(): void {
    this.#indexes[0] = this.index(0) + 1;
    this.#leafSize += 1;
  }

  /** Goes to the beginning of the next leaf, if there is one; else the path stays as it was. Returns whether there is. */
  nextLeaf(): boolean {
    let level = 1;
    while (level < this.#levels && this.index(level) + 1 >= this.#inner.count(this.page(level))) level += 1;
    if (level >= this.#levels) return false;
    let page = this.#descend(level, this.page(level), this.index(level) + 1);
    for (level -= 1; level > 0; level -= 1) page = this.#descend(level, page, 0);
    this.#pages[0] = page;
    this.#indexes[0] = 0;
    return true;
  }

  /** How many entries are before this place. */
  rank(): number {
    let before = this.index(0);
    for (let level = this.#levels - 1; level > 0; level -= 1) before += this.#inner.belowBetween(this.page(level), 0, this.index(level));
    return before;
  }

  /** How many entries are between this place and `end`; 0 if `end` comes first. */
  countTo(end: OrderedPath): number {
    let level = this.#levels - 1;
    while (level > 0 && this.index(level) === end.index(level)) level -= 1;
    if (this.index(level) >= end.index(level)) return 0;
    if (level === 0) return end.index(0) - this.index(0);
    let count = this.#inner.belowBetween(this.page(level), this.index(level), end.index(level)) + end.index(0) - this.index(0);
    for (level -= 1; level > 0; level -= 1) {
      count -= this.#inner.belowBetween(this.page(level), 0, this.index(level));
      count += this.#inner.belowBetween(end.page(level), 0, end.index(level));
    }
    return count;
  }

  /** Goes to the root node, and returns its page. */
  #start(): number {
    this.#leafSize = this.#leaf.clamp(this.#header.size);
    this.#setLevels(this.#header.height);
    return this.#header.tree;
  }

  #setLevels(height: number): number {
    const int = height | 0;
    this.#levels = int < HEIGHT_MAX ? int : HEIGHT_MAX;
    return this.#levels;
  }

  /** Goes through the child at `index` of `page`, and returns it. */
  #descend(level: number, page: number, index: number): number {
    this.#pages[level] = page;
    this.#indexes[level] = index;
    if (level === 1) this.#leafSize = this.#leaf.clamp(this.#inner.belowAt(page, index));
    return this.#inner.childAt(page, index);
  }
}
