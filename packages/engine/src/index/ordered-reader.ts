/**
 * The reading half of an ordered index, a B+tree whose nodes are pages (`OrderedPage`) and whose state is in its header page:
 *
 * | word | field    | meaning                                              |
 * | ---- | -------- | ---------------------------------------------------- |
 * | 0    | kind     | `ORDERED_KIND`                                       |
 * | 1    | keyWords | words of a key, 1 to `KEY_WORDS_MAX`                 |
 * | 2    | tree     | page of the root node                                |
 * | 3    | height   | levels of nodes, 1 = the root node is a leaf         |
 * | 4    | size     | entries                                              |
 *
 * A position in the index is a rank: how many entries come before it. Inner pages count what is below them, so a rank is found, and an
 * entry found by its rank, in one descent.
 */
import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import {
  KEY_WORDS_MAX,
  ROW_ID_BEYOND,
  belowBetween,
  childAt,
  countAt,
  entryOffset,
  isUpTo,
  layoutOf,
  lowerBound,
  rowIdAt,
  type PageLayout,
} from './ordered-page.ts';

/** Marks the header page of an ordered index. */
export const ORDERED_KIND = 0x6f72_6465;
/** More levels than 2^32 entries of the widest keys can fill. */
export const HEIGHT_MAX = 32;

export const KIND_WORD = 0;
export const KEY_WORDS_WORD = 1;
export const TREE_WORD = 2;
export const HEIGHT_WORD = 3;
export const SIZE_WORD = 4;

/** Attached to an index, reads it. Makes no garbage. */
export class OrderedReader {
  readonly rootPage: number;
  readonly keyWords: number;
  readonly #store: PageStore;
  readonly #leaf: PageLayout;
  readonly #inner: PageLayout;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;

  constructor(store: PageStore, rootPage: number) {
    this.rootPage = rootPage;
    this.#store = store;
    assert(this.#headerWord(KIND_WORD) === ORDERED_KIND, 'OrderedReader: the page is not the root page of an ordered index');
    this.keyWords = this.#headerWord(KEY_WORDS_WORD);
    assert(this.keyWords >= 1 && this.keyWords <= KEY_WORDS_MAX, 'OrderedReader: keyWords is out of range');
    this.#leaf = layoutOf(this.keyWords, 0);
    this.#inner = layoutOf(this.keyWords, 1);
    this.#low = new Uint32Array(this.keyWords + 1);
    this.#high = new Uint32Array(this.keyWords + 1);
  }

  /** Entries in the index. */
  get size(): number {
    return this.#headerWord(SIZE_WORD);
  }

  /** The page of the root node. */
  get tree(): number {
    return this.#headerWord(TREE_WORD);
  }

  /** Levels of nodes. */
  get height(): number {
    return Math.min(this.#headerWord(HEIGHT_WORD), HEIGHT_MAX);
  }

  /** How many entries are less than (`key`, `rowId`). */
  rank(key: Uint32Array, rowId: number): number {
    setBound(this.#low, key, rowId);
    return this.#rankBelow(this.tree, this.height - 1, this.#low);
  }

  /** How many entries have a key from `low` to `high`. */
  count(low: Uint32Array, high: Uint32Array): number {
    setBound(this.#low, low, 0);
    setBound(this.#high, high, ROW_ID_BEYOND);
    const inner = this.#inner;
    let page = this.tree;
    let level = this.height - 1;
    for (; level > 0; level -= 1) {
      const words = this.#store.words(page);
      const start = pageOffset(page);
      const first = entryOffset(start, inner, lowerBound(words, start, inner, this.#low) - 1);
      const last = entryOffset(start, inner, lowerBound(words, start, inner, this.#high) - 1);
      if (first > last) return 0;
      page = childAt(words, first, inner);
      if (first < last) {
        const before = this.#rankBelow(page, level - 1, this.#low);
        return belowBetween(words, first, last, inner) - before + this.#rankBelow(childAt(words, last, inner), level - 1, this.#high);
      }
    }
    return Math.max(0, this.#rankBelow(page, 0, this.#high) - this.#rankBelow(page, 0, this.#low));
  }

  /** The row id of the first entry with a key from `low` to `high`, or `NONE`. */
  first(low: Uint32Array, high: Uint32Array): number {
    setBound(this.#low, low, 0);
    const inner = this.#inner;
    const leaf = this.#leaf;
    let page = this.tree;
    let next = 0;
    let nextLevel = 0;
    for (let level = this.height - 1; level > 0; level -= 1) {
      const words = this.#store.words(page);
      const start = pageOffset(page);
      const index = lowerBound(words, start, inner, this.#low);
      const offset = entryOffset(start, inner, index);
      page = childAt(words, offset - inner.stride, inner);
      if (index < countAt(words, start, inner)) {
        next = childAt(words, offset, inner);
        nextLevel = level - 1;
      }
    }
    let words = this.#store.words(page);
    let start = pageOffset(page);
    let index = lowerBound(words, start, leaf, this.#low);
    if (index === countAt(words, start, leaf)) {
      if (next === 0) return NONE;
      page = this.#firstLeafBelow(next, nextLevel);
      words = this.#store.words(page);
      start = pageOffset(page);
      index = 0;
    }
    const offset = entryOffset(start, leaf, index);
    return isUpTo(words, offset, high, leaf.keyWords) ? rowIdAt(words, offset, leaf) : NONE;
  }

  /** How many entries below `top`, which is of `topLevel`, are less than `bound`. */
  #rankBelow(top: number, topLevel: number, bound: Uint32Array): number {
    const inner = this.#inner;
    let page = top;
    let before = 0;
    for (let level = topLevel; level > 0; level -= 1) {
      const words = this.#store.words(page);
      const start = pageOffset(page);
      const offset = entryOffset(start, inner, lowerBound(words, start, inner, bound) - 1);
      before += belowBetween(words, entryOffset(start, inner, 0), offset, inner);
      page = childAt(words, offset, inner);
    }
    return before + lowerBound(this.#store.words(page), pageOffset(page), this.#leaf, bound);
  }

  #firstLeafBelow(top: number, topLevel: number): number {
    const inner = this.#inner;
    let page = top;
    for (let level = topLevel; level > 0; level -= 1) page = childAt(this.#store.words(page), entryOffset(pageOffset(page), inner, 0), inner);
    return page;
  }

  #headerWord(word: number): number {
    return this.#store.words(this.rootPage)[pageOffset(this.rootPage) + word] as number;
  }
}

function setBound(bound: Uint32Array, key: Uint32Array, rowId: number): void {
  const length = bound.length - 1;
  assert(key.length >= length, 'OrderedIndex: the key has fewer than keyWords words');
  for (let word = 0; word < length; word += 1) bound[word] = key[word] as number;
  bound[length] = rowId;
}
