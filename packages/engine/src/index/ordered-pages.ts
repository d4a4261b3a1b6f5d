/**
 * One node of an ordered index: a page of a `PageStore`, seen as an array of entries.
 *
 * | word | field   | meaning                                              |
 * | ---- | ------- | ---------------------------------------------------- |
 * | 0    | count   | entries in use; the words after them mean nothing    |
 * | 1    | level   | distance to the leaves, 0 = leaf                     |
 * | 2    | entries | one after the other, ascending by key, then row id   |
 *
 * With n = keyWords, an entry is:
 *
 * | word  | leaf (n + 1 words)                | inner page (n + 3 words)                      |
 * | ----- | --------------------------------- | --------------------------------------------- |
 * | 0     | key, most significant word first  | separator: key                                |
 * | n     | row id                            | separator: row id                             |
 * | n + 1 | –                                 | child: page of the subtree                    |
 * | n + 2 | –                                 | below: entries in the leaves of the subtree   |
 *
 * Separator i > 0 is greater than every entry below child i - 1 and not greater than any below child i. Separator 0 is never looked at.
 *
 * Reading stays within the store, and each call ends, whatever the words are: a reader whose side was taken away meets words that change. What
 * it gets then is wrong, or an error, and is to be thrown away.
 */
import { assert } from '@k-lani/base';
import { PAGE_WORDS, pageOffset, type PageStore } from '../memory/page-store.ts';

/** Above every row id: with a high key it is a bound behind all entries of that key, as 0 is one before them. */
export const ROW_ID_BEYOND = 0xffff_ffff;

/** Where in a page its count is. */
export const COUNT_WORD = 0;
/** Where in a page the first entry begins. */
export const ENTRIES_WORD = 2;
const LEVEL_WORD = 1;
/** Fewer words are moved one by one: a call of `copyWithin` costs as much. */
const COPY_WORDS_MIN = 32;

/**
 * Access to the leaves, or to the inner pages, of the indexes of one store whose keys have the same width. It holds no state of a tree and
 * makes no garbage. `bound` and `entry` are key words, then a row id, then what else the page's entries have.
 */
export class OrderedPages {
  /** Words in an entry. */
  readonly stride: number;
  /** Entries in a full page. */
  readonly capacity: number;
  readonly #store: PageStore;
  readonly #keyWords: number;
  readonly #isLeaf: boolean;

  constructor(store: PageStore, keyWords: number, kind: 'leaf' | 'inner') {
    this.#store = store;
    this.#keyWords = keyWords;
    this.#isLeaf = kind === 'leaf';
    this.stride = this.#isLeaf ? keyWords + 1 : keyWords + 3;
    this.capacity = Math.floor((PAGE_WORDS - ENTRIES_WORD) / this.stride);
  }

  /** Takes a page for a node of `level` without entries. */
  allocate(level: number): number {
    const page = this.#store.allocate();
    this.#store.words(page)[pageOffset(page) + LEVEL_WORD] = level;
    return page;
  }

  count(page: number): number {
    return this.clamp(this.#store.words(page)[pageOffset(page) + COUNT_WORD] as number);
  }

  /**
   * What was read as a page's count, at most the capacity. It is an integer of 32 bits with a sign: `Math.min` of an unsigned word would
   * make the compiler count in floating point from there on.
   */
  clamp(count: number): number {
    const int = count | 0;
    return int < this.capacity ? int : this.capacity;
  }

  level(page: number): number {
    return this.#store.words(page)[pageOffset(page) + LEVEL_WORD] as number;
  }

  /** Where the entry at `index` begins in `store.words(page)`. */
  offset(page: number, index: number): number {
    return pageOffset(page) + ENTRIES_WORD + Math.imul(index, this.stride);
  }

  rowIdAt(page: number, index: number): number {
    return this.#store.words(page)[this.offset(page, index) + this.#keyWords] as number;
  }

  childAt(page: number, index: number): number {
    return this.#store.words(page)[this.offset(page, index) + this.#keyWords + 1] as number;
  }

  belowAt(page: number, index: number): number {
    return this.#store.words(page)[this.offset(page, index) + this.#keyWords + 2] as number;
  }

  /** Entries in the leaves below the children from `from` up to `to`, that one not included. */
  belowBetween(page: number, from: number, to: number): number {
    const words = this.#store.words(page);
    const { stride } = this;
    const end = this.offset(page, to) + this.#keyWords + 2;
    let sum = 0;
    for (let offset = this.offset(page, from) + this.#keyWords + 2; offset < end; offset += stride) sum += words[offset] as number;
    return sum;
  }

  /** Entries in this page if it is a leaf, else in the leaves below it. */
  size(page: number): number {
    const count = this.count(page);
    return this.#isLeaf ? count : this.belowBetween(page, 0, count);
  }

  addBelow(page: number, index: number, difference: number): void {
    const words = this.#store.words(page);
    const offset = this.offset(page, index) + this.#keyWords + 2;
    words[offset] = (words[offset] as number) + difference;
  }

  /** Whether the entry at `index` is less than (`key`, `rowId`). */
  isLess(page: number, index: number, key: Uint32Array, rowId: number): boolean {
    const words = this.#store.words(page);
    const offset = this.offset(page, index);
    for (let word = 0; word < this.#keyWords; word += 1) {
      const own = orderAt(words, offset + word);
      const other = orderAt(key, word);
      if (own !== other) return own < other;
    }
    return (words[offset + this.#keyWords] as number) < rowId;
  }

  /** Copies key and row id of the entry at `index` to the front of `entry`. */
  copyEntry(page: number, index: number, entry: Uint32Array): void {
    const words = this.#store.words(page);
    const offset = this.offset(page, index);
    for (let word = 0; word <= this.#keyWords; word += 1) entry[word] = words[offset + word] as number;
  }

  /** Overwrites key and row id of the entry at `index` with those of `entry`. */
  setEntry(page: number, index: number, entry: Uint32Array): void {
    const words = this.#store.words(page);
    const offset = this.offset(page, index);
    for (let word = 0; word <= this.#keyWords; word += 1) words[offset + word] = entry[word] as number;
  }

  /** Puts an entry before the one at `index`. There must be room. */
  insert(page: number, index: number, entry: Uint32Array): void {
    const words = this.#store.words(page);
    const count = this.count(page);
    const { stride } = this;
    assert(index <= count && count < this.capacity, 'OrderedPages.insert(): there is no room, or no such place');
    const offset = this.offset(page, index);
    moveWords(words, offset + stride, offset, (count - index) * stride);
    for (let word = 0; word < stride; word += 1) words[offset + word] = entry[word] as number;
    words[pageOffset(page) + COUNT_WORD] = count + 1;
  }

  /** Takes the entry at `index` out. */
  remove(page: number, index: number): void {
    const words = this.#store.words(page);
    const count = this.count(page);
    assert(index < count, 'OrderedPages.remove(): there is no such entry');
    const offset = this.offset(page, index);
    moveWords(words, offset, offset + this.stride, (count - index - 1) * this.stride);
    words[pageOffset(page) + COUNT_WORD] = count - 1;
  }

  /** Moves the entries of `page` from `index` on behind those of `target`, a page of the same level with room for them. */
  moveEntries(page: number, index: number, target: number): void {
    const count = this.count(page);
    const targetCount = this.count(target);
    assert(
      index <= count && targetCount + count - index <= this.capacity,
      'OrderedPages.moveEntries(): there is no room, or no such entry',
    );
    const words = this.#store.words(page);
    const targetWords = this.#store.words(target);
    const end = this.offset(page, count);
    let to = this.offset(target, targetCount);
    for (let from = this.offset(page, index); from < end; from += 1, to += 1) targetWords[to] = words[from] as number;
    targetWords[pageOffset(target) + COUNT_WORD] = targetCount + count - index;
    words[pageOffset(page) + COUNT_WORD] = index;
  }
}

/**
 * The index in [`from`, `to`) of the entry that is `bound`, or else ~i, where i is the index of the first that is greater, or `to`. The
 * entries, of `stride` words each, begin at `offset`.
 *
 * Column by column: what is from `low` to `high` is equal to `bound` in all words before. A word that all entries have in common, as long
 * keys do, costs one comparison. The arguments are plain numbers and the arithmetic is that of integers, spelled out, because this is
 * where every operation of an index spends its time.
 */
export function search(words: Uint32Array, offset: number, stride: number, from: number, to: number, bound: Uint32Array): number {
  let column = offset | 0;
  let low = from | 0;
  let high = to | 0;
  for (let word = 0; word < bound.length && low < high; word += 1) {
    const wanted = orderAt(bound, word);
    const first = orderAt(words, column + Math.imul(low, stride));
    if (first !== orderAt(words, column + Math.imul(high - 1, stride))) {
      const end = high;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (orderAt(words, column + Math.imul(middle, stride)) < wanted) low = (middle + 1) | 0;
        else high = middle;
      }
      if (low === end || orderAt(words, column + Math.imul(low, stride)) !== wanted) return ~low;
      high = endOfRun(words, column, stride, low, end) | 0;
    } else if (first !== wanted) return first < wanted ? ~high : ~low;
    column = (column + 1) | 0;
  }
  return low < high ? low : ~low;
}

/** The first index from `from` to `to` whose word in the column is not the one at `from`; the words ascend. */
function endOfRun(words: Uint32Array, column: number, stride: number, from: number, to: number): number {
  const word = orderAt(words, column + Math.imul(from, stride));
  let low = (from + 1) | 0;
  let high = to | 0;
  if (low < high && orderAt(words, column + Math.imul(low, stride)) !== word) return low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orderAt(words, column + Math.imul(middle, stride)) === word) low = (middle + 1) | 0;
    else high = middle;
  }
  return low;
}

/** Whether the first `length` words of the entry at `offset` are those of `high`, or less. */
export function isUpTo(words: Uint32Array, offset: number, high: Uint32Array, length: number): boolean {
  for (let word = 0; word < length; word += 1) {
    const own = orderAt(words, offset + word);
    const other = orderAt(high, word);
    if (own !== other) return own < other;
  }
  return true;
}

/**
 * Moves `length` words. A shared buffer is copied by 8 bytes at once where both ends allow it, which is when a stride is even; otherwise
 * word by word, and then this loop does it as fast.
 */
function moveWords(words: Uint32Array, target: number, source: number, length: number): void {
  if (length >= COPY_WORDS_MIN && ((target ^ source) & 1) === 0) {
    words.copyWithin(target, source, source + length);
  } else if (target < source) {
    const end = source + length;
    for (let from = source, to = target; from < end; from += 1, to += 1) words[to] = words[from] as number;
  } else {
    for (let from = source + length - 1, to = target + length - 1; from >= source; from -= 1, to -= 1) words[to] = words[from] as number;
  }
}

/**
 * A word as a signed number of the same order. It always fits into a tagged integer: unsigned words above 2^31 would become objects on the
 * heap wherever a call is not inlined.
 */
function orderAt(words: Uint32Array, index: number): number {
  return (words[index] as number) ^ 0x8000_0000;
}
