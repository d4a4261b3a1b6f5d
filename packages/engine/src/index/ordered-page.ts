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
 * Reading stays within the store and ends, whatever the words are: a reader whose side was taken away may meet words that change.
 */
import { assert } from '@k-lani/base';
import { PAGE_WORDS, pageOffset, type PageStore } from '../memory/page-store.ts';

/** The longest key: a text of 256 bytes and the word that says whether it is null. */
export const KEY_WORDS_MAX = 65;
/** The greatest row id. */
export const ROW_ID_MAX = 0xffff_fffe;
/** Above every row id: with a high key it is a bound behind all entries of that key, as 0 is one before them. */
export const ROW_ID_BEYOND = 0xffff_ffff;

const COUNT_WORD = 0;
const LEVEL_WORD = 1;
const ENTRIES_WORD = 2;
/** The greatest number that `orderAt()` gives. */
const ORDER_MAX = 0x7fff_ffff;
/** Fewer words are moved one by one: a call of `copyWithin` costs as much. */
const COPY_WORDS_MIN = 32;

/** How the entries of the leaves, or of the inner pages, of an index lie. */
export interface PageLayout {
  readonly keyWords: number;
  /** Words in an entry. */
  readonly stride: number;
  /** Entries in a full page. */
  readonly capacity: number;
  /** The first entry with words to compare. */
  readonly indexMin: number;
}

/** The layout of pages of `level`, for keys of `keyWords` words. */
export function layoutOf(keyWords: number, level: number): PageLayout {
  const stride = level === 0 ? keyWords + 1 : keyWords + 3;
  return { keyWords, stride, capacity: Math.floor((PAGE_WORDS - ENTRIES_WORD) / stride), indexMin: level === 0 ? 0 : 1 };
}

/** Entries in the page that begins at `start`. */
export function countAt(words: Uint32Array, start: number, layout: PageLayout): number {
  return Math.min(wordAt(words, start + COUNT_WORD), layout.capacity);
}

/** Where in the words the entry at `index` of the page that begins at `start` is. */
export function entryOffset(start: number, layout: PageLayout, index: number): number {
  return start + ENTRIES_WORD + index * layout.stride;
}

/** The row id of the entry at `offset` of a leaf. */
export function rowIdAt(words: Uint32Array, offset: number, layout: PageLayout): number {
  return wordAt(words, offset + layout.keyWords);
}

/** The child of the entry at `offset` of an inner page. */
export function childAt(words: Uint32Array, offset: number, layout: PageLayout): number {
  return wordAt(words, offset + layout.keyWords + 1);
}

/** Entries in the leaves below the child of the entry at `offset` of an inner page. */
export function belowAt(words: Uint32Array, offset: number, layout: PageLayout): number {
  return wordAt(words, offset + layout.keyWords + 2);
}

/** Entries in the leaves below the children from `offset` on, up to `end`. */
export function belowBetween(words: Uint32Array, offset: number, end: number, layout: PageLayout): number {
  let sum = 0;
  for (let entry = offset; entry < end; entry += layout.stride) sum += belowAt(words, entry, layout);
  return sum;
}

/**
 * The index of the first entry of the page that is not less than `bound` (key words, then row id), or the count; in an inner page the first
 * separator is passed over, so that the child that may hold what is less than `bound` is the one before the index returned.
 *
 * Column by column: the entries from `low` to `high` are equal to `bound` in all words before. A word that all entries have in common, as
 * long keys do, costs one comparison.
 */
export function lowerBound(words: Uint32Array, start: number, layout: PageLayout, bound: Uint32Array): number {
  const { keyWords, stride } = layout;
  let low = layout.indexMin;
  let high = countAt(words, start, layout);
  let column = start + ENTRIES_WORD;
  for (let word = 0; word <= keyWords && low < high; word += 1, column += 1) {
    const wanted = orderAt(bound, word);
    const first = orderAt(words, column + low * stride);
    if (first === orderAt(words, column + (high - 1) * stride)) {
      if (first === wanted) continue;
      return first < wanted ? high : low;
    }
    low = firstNotLess(words, column, stride, low, high, wanted);
    if (low === high || word === keyWords || orderAt(words, column + low * stride) !== wanted) return low;
    if (low + 1 === high || orderAt(words, column + (low + 1) * stride) !== wanted) high = low + 1;
    else if (wanted < ORDER_MAX) high = firstNotLess(words, column, stride, low, high, wanted + 1);
  }
  return low;
}

/** Whether the first `length` words of the entry at `offset` are less than those of `bound`, or equal to them. */
export function isUpTo(words: Uint32Array, offset: number, bound: Uint32Array, length: number): boolean {
  for (let word = 0; word < length; word += 1) {
    const own = orderAt(words, offset + word);
    const other = orderAt(bound, word);
    if (own !== other) return own < other;
  }
  return true;
}

/** A window on one page at a time, for changing it. It makes no garbage: an index keeps a few and moves them. */
export class OrderedPage {
  readonly #store: PageStore;
  readonly #leaf: PageLayout;
  readonly #inner: PageLayout;
  #layout: PageLayout;
  #words: Uint32Array;
  #start = 0;

  constructor(store: PageStore, keyWords: number) {
    this.#store = store;
    this.#leaf = layoutOf(keyWords, 0);
    this.#inner = layoutOf(keyWords, 1);
    this.#layout = this.#leaf;
    this.#words = store.words(0);
  }

  /** Moves the window to `page`, which is of `level`. */
  open(page: number, level: number): void {
    this.#words = this.#store.words(page);
    this.#start = pageOffset(page);
    this.#layout = level === 0 ? this.#leaf : this.#inner;
  }

  /** Moves the window to a page just allocated, and makes it a node of `level` without entries. */
  openNew(page: number, level: number): void {
    this.open(page, level);
    this.#words[this.#start + COUNT_WORD] = 0;
    this.#words[this.#start + LEVEL_WORD] = level;
  }

  get count(): number {
    return countAt(this.#words, this.#start, this.#layout);
  }

  get level(): number {
    return wordAt(this.#words, this.#start + LEVEL_WORD);
  }

  get capacity(): number {
    return this.#layout.capacity;
  }

  get isFull(): boolean {
    return this.count === this.#layout.capacity;
  }

  rowIdAt(index: number): number {
    return rowIdAt(this.#words, this.#offsetOf(index), this.#layout);
  }

  childAt(index: number): number {
    return childAt(this.#words, this.#offsetOf(index), this.#layout);
  }

  belowAt(index: number): number {
    return belowAt(this.#words, this.#offsetOf(index), this.#layout);
  }

  /** Entries in this page if it is a leaf, else in the leaves below it. */
  get size(): number {
    const { count } = this;
    return this.#layout === this.#leaf ? count : belowBetween(this.#words, this.#offsetOf(0), this.#offsetOf(count), this.#layout);
  }

  addBelow(index: number, difference: number): void {
    const offset = this.#offsetOf(index) + this.#layout.keyWords + 2;
    this.#words[offset] = wordAt(this.#words, offset) + difference;
  }

  /** Copies the key and row id of the entry at `index` to the front of `target`. */
  copyEntry(index: number, target: Uint32Array): void {
    const offset = this.#offsetOf(index);
    for (let word = 0; word <= this.#layout.keyWords; word += 1) target[word] = wordAt(this.#words, offset + word);
  }

  /** Overwrites the key and row id of the entry at `index` with the front of `source`. */
  setSeparator(index: number, source: Uint32Array): void {
    const offset = this.#offsetOf(index);
    for (let word = 0; word <= this.#layout.keyWords; word += 1) this.#words[offset + word] = wordAt(source, word);
  }

  /** Whether key and row id of the entry at `index` are the front of `entry`. */
  isEqual(index: number, entry: Uint32Array): boolean {
    const offset = this.#offsetOf(index);
    for (let word = 0; word <= this.#layout.keyWords; word += 1) {
      if (orderAt(this.#words, offset + word) !== orderAt(entry, word)) return false;
    }
    return true;
  }

  /** Whether the entry at `index` is less than `bound`. */
  isLess(index: number, bound: Uint32Array): boolean {
    return isUpTo(this.#words, this.#offsetOf(index), bound, this.#layout.keyWords + 1) && !this.isEqual(index, bound);
  }

  /** The index of the first entry that is not less than `bound`, as `lowerBound()` gives it. */
  lowerBound(bound: Uint32Array): number {
    return lowerBound(this.#words, this.#start, this.#layout, bound);
  }

  /** Puts an entry, whose words are at the front of `entry`, before the one at `index`. There must be room. */
  insert(index: number, entry: Uint32Array): void {
    const { count } = this;
    const { capacity, stride } = this.#layout;
    assert(index <= count && count < capacity, 'OrderedPage.insert(): there is no room, or no such place');
    const words = this.#words;
    const offset = this.#offsetOf(index);
    moveWords(words, offset + stride, offset, (count - index) * stride);
    for (let word = 0; word < stride; word += 1) words[offset + word] = wordAt(entry, word);
    this.#setCount(count + 1);
  }

  /** Takes the entry at `index` out. */
  remove(index: number): void {
    const { count } = this;
    const { stride } = this.#layout;
    assert(index < count, 'OrderedPage.remove(): there is no such entry');
    const offset = this.#offsetOf(index);
    moveWords(this.#words, offset, offset + stride, (count - index - 1) * stride);
    this.#setCount(count - 1);
  }

  /** Moves the entries from `index` on behind those of `target`, a page of the same level with room for them. */
  moveEntries(index: number, target: OrderedPage): void {
    const { count } = this;
    const moved = count - index;
    const targetCount = target.count;
    assert(index <= count && targetCount + moved <= target.capacity, 'OrderedPage.moveEntries(): there is no room, or no such entry');
    const source = this.#offsetOf(index);
    const offset = target.#offsetOf(targetCount);
    const length = moved * this.#layout.stride;
    for (let word = 0; word < length; word += 1) target.#words[offset + word] = wordAt(this.#words, source + word);
    target.#setCount(targetCount + moved);
    this.#setCount(index);
  }

  #offsetOf(index: number): number {
    return entryOffset(this.#start, this.#layout, index);
  }

  #setCount(count: number): void {
    this.#words[this.#start + COUNT_WORD] = count;
  }
}

/** The first index from `from` to `to` whose word in the column is not less than `wanted`; the column ascends there. */
function firstNotLess(words: Uint32Array, column: number, stride: number, from: number, to: number, wanted: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (orderAt(words, column + middle * stride) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
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
    for (let from = source, to = target; from < end; from += 1, to += 1) words[to] = wordAt(words, from);
  } else {
    for (let from = source + length - 1, to = target + length - 1; from >= source; from -= 1, to -= 1) words[to] = wordAt(words, from);
  }
}

/**
 * A word as a signed number of the same order. It always fits into a tagged integer: unsigned words above 2^31 would become objects on the
 * heap wherever a call is not inlined.
 */
function orderAt(words: Uint32Array, index: number): number {
  return (words[index] as number) ^ 0x8000_0000;
}

function wordAt(words: Uint32Array, index: number): number {
  return words[index] as number;
}
