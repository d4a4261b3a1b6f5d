/**
 * The index of a field that is not unique. It has two forms:
 *
 * - *bitmaps*: as long as the rows have at most `BITMAP_VALUES_MAX` different values, a bitmap for each value;
 * - *ordered*: from the first row with one value more, an `OrderedIndex`, and for good.
 *
 * | words of the root page | meaning                                                                                       |
 * | ---------------------- | --------------------------------------------------------------------------------------------- |
 * | 0                      | kind, "EQUL"                                                                                  |
 * | 1                      | words of a key                                                                                |
 * | 2                      | root page of the `OrderedIndex`, 0 in the form of bitmaps; then the words below mean nothing  |
 * | 3                      | how many values there are                                                                     |
 * | 16–79                  | the slots of the values in the order of their keys                                            |
 * | 80–143                 | by slot: root page of the value's bitmap, 0 = the slot is free                                |
 * | 144–207                | pages of keys, 2^n to a page, as many as fit: slot `s` is in page `s >>> n`; 0 = not yet made      |
 *
 * 1. Keys in the order list are strictly ascending, and each has a bitmap with a row in it.
 *    (The bitmap, but nothing else, may be left empty when the store was full.)
 * 2. Which form and which slots there are depends on nothing but the calls, so both sides of a snapshot come out alike.
 */
import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { PAGE_WORDS, pageOffset, type PageStore } from '../memory/page-store.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { OrderedIndex } from './ordered-index.ts';

/** The most values that the form of bitmaps has. */
export const BITMAP_VALUES_MAX = 64;

const KIND = 0x4c555145;
const KIND_WORD = 0;
const KEY_WORDS_WORD = 1;
const ORDERED_WORD = 2;
const VALUE_COUNT_WORD = 3;
const ORDER_WORD = 16;
const BITMAPS_WORD = 80;
const KEYS_WORD = 144;

const KEY_WORDS_MAX = PAGE_WORDS;

/** Imports that the hot path uses: see `pageOffset()`. */
const offsetOf = pageOffset;

/**
 * Key to row ids. Keys are the first `keyWords` words of an array, the most significant first; a range has both its bounds. All state is in
 * the store: further objects may be attached to the same root page at any time, and stay right when the store becomes a copy of one with
 * the same structures.
 */
export class EqualityIndex {
  readonly rootPage: number;
  readonly keyWords: number;
  readonly #store: PageStore;
  readonly #root: Uint32Array;
  readonly #offset: number;
  readonly #keysPerPageBits: number;
  /** Objects for the bitmaps of the slots; one whose root page is no longer the slot's is made anew. */
  readonly #bitmaps: Bitmap[] = [];
  #ordered: OrderedIndex | undefined;

  /** Attaches to what `create()` made in this store, or in the one that this store is a copy of. */
  constructor(store: PageStore, rootPage: number) {
    this.rootPage = rootPage;
    this.#store = store;
    this.#root = store.words(rootPage);
    this.#offset = pageOffset(rootPage);
    assert(this.#get(KIND_WORD) === KIND, 'EqualityIndex: the page is not the root of an equality index');
    this.keyWords = this.#get(KEY_WORDS_WORD);
    this.#keysPerPageBits = 31 - Math.clz32(PAGE_WORDS / this.keyWords);
  }

  /**
   * Makes an empty index, in the form of bitmaps.
   *
   * @param keyWords words of a key, at least 1, and no more than `OrderedIndex` takes
   * @throws {KLaniError} LimitReached when the store is full
   */
  static create(store: PageStore, keyWords: number): EqualityIndex {
    assert(keyWords >= 1 && keyWords <= KEY_WORDS_MAX, 'EqualityIndex.create(): keyWords is out of range');
    const rootPage = store.allocate();
    const root = store.words(rootPage);
    root[pageOffset(rootPage) + KIND_WORD] = KIND;
    root[pageOffset(rootPage) + KEY_WORDS_WORD] = keyWords;
    return new EqualityIndex(store, rootPage);
  }

  /** The index in the ordered form, `undefined` in the form of bitmaps. */
  get ordered(): OrderedIndex | undefined {
    const rootPage = this.#get(ORDERED_WORD);
    if (rootPage === 0) return undefined;
    if (this.#ordered?.rootPage !== rootPage) this.#ordered = new OrderedIndex(this.#store, rootPage);
    return this.#ordered;
  }

  /** How many values there are in the form of bitmaps. */
  get valueCount(): number {
    assert(this.#get(ORDERED_WORD) === 0, 'EqualityIndex.valueCount: the form is ordered');
    return this.#get(VALUE_COUNT_WORD);
  }

  /**
   * Enters a row that is not there under this key.
   *
   * @throws {KLaniError} LimitReached when the store is full; the row is not in the index then
   */
  add(key: Uint32Array, rowId: number): void {
    const { ordered } = this;
    if (ordered !== undefined) {
      ordered.add(key, rowId);
      return;
    }
    const place = this.#lowerBound(key);
    if (this.#isAt(place, key)) {
      assert(this.#bitmapAt(place).set(rowId), 'EqualityIndex.add(): the row is there already');
      return;
    }
    if (this.#get(VALUE_COUNT_WORD) === BITMAP_VALUES_MAX) {
      this.#becomeOrdered().add(key, rowId);
      return;
    }
    this.#insertValue(place, key);
    this.#bitmapAt(place).set(rowId);
  }

  /** Takes a row out. Returns whether it was there. */
  remove(key: Uint32Array, rowId: number): boolean {
    const { ordered } = this;
    if (ordered !== undefined) return ordered.remove(key, rowId);
    const place = this.#lowerBound(key);
    if (!this.#isAt(place, key)) return false;
    const bitmap = this.#bitmapAt(place);
    if (!bitmap.clear(rowId)) return false;
    if (bitmap.count === 0) this.#dropValue(place, bitmap);
    return true;
  }

  /** How many rows there are with keys from `low` to `high`, exactly. */
  count(low: Uint32Array, high: Uint32Array = low): number {
    return this.ordered?.count(low, high) ?? this.#countBitmaps(low, high);
  }

  /**
   * The rows of a value; `undefined` when there are none, and always in the ordered form. The bitmap is good until the next change of the
   * index, and not to be changed.
   */
  bitmapOf(key: Uint32Array): Bitmap | undefined {
    if (this.#get(ORDERED_WORD) !== 0) return undefined;
    const place = this.#lowerBound(key);
    return this.#isAt(place, key) ? this.#bitmapAt(place) : undefined;
  }

  #countBitmaps(low: Uint32Array, high: Uint32Array): number {
    const values = this.#get(VALUE_COUNT_WORD);
    let count = 0;
    for (let place = this.#lowerBound(low); place < values && this.#compare(place, high) <= 0; place += 1) {
      count += this.#bitmapAt(place).count;
    }
    return count;
  }

  /** The first place in the order list whose key is not less than `key`. */
  #lowerBound(key: Uint32Array): number {
    let low = 0;
    let high = this.#get(VALUE_COUNT_WORD);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(place: number, key: Uint32Array): boolean {
    return place < this.#get(VALUE_COUNT_WORD) && this.#compare(place, key) === 0;
  }

  /** Less than 0, 0 or more than 0, as the key at `place` is less than, equal to or greater than `key`. */
  #compare(place: number, key: Uint32Array): number {
    const slot = this.#get(ORDER_WORD + place);
    const page = this.#keysPage(slot);
    const keys = this.#store.words(page);
    const offset = this.#keyOffset(slot, page);
    for (let word = 0; word < this.keyWords; word += 1) {
      const difference = (keys[offset + word] as number) - (key[word] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #keysPage(slot: number): number {
    return this.#get(KEYS_WORD + (slot >>> this.#keysPerPageBits));
  }

  #keyOffset(slot: number, keysPage: number): number {
    return offsetOf(keysPage) + (slot & ((1 << this.#keysPerPageBits) - 1)) * this.keyWords;
  }

  #bitmapAt(place: number): Bitmap {
    const slot = this.#get(ORDER_WORD + place);
    const rootPage = this.#get(BITMAPS_WORD + slot);
    const known = this.#bitmaps[slot];
    if (known?.rootPage === rootPage) return known;
    const bitmap = new Bitmap(this.#store, rootPage);
    this.#bitmaps[slot] = bitmap;
    return bitmap;
  }

  /** Gives a new value a slot and an empty bitmap. */
  #insertValue(place: number, key: Uint32Array): void {
    let slot = 0;
    while (this.#get(BITMAPS_WORD + slot) !== 0) slot += 1;
    const page = this.#keysPage(slot) || this.#store.allocate();
    this.#set(KEYS_WORD + (slot >>> this.#keysPerPageBits), page);
    const keys = this.#store.words(page);
    const offset = this.#keyOffset(slot, page);
    for (let word = 0; word < this.keyWords; word += 1) keys[offset + word] = key[word] as number;

    this.#set(BITMAPS_WORD + slot, Bitmap.create(this.#store).rootPage);
    const count = this.#get(VALUE_COUNT_WORD);
    const first = this.#offset + ORDER_WORD;
    this.#root.copyWithin(first + place + 1, first + place, first + count);
    this.#set(ORDER_WORD + place, slot);
    this.#set(VALUE_COUNT_WORD, count + 1);
  }

  #dropValue(place: number, bitmap: Bitmap): void {
    const slot = this.#get(ORDER_WORD + place);
    const count = this.#get(VALUE_COUNT_WORD);
    const first = this.#offset + ORDER_WORD;
    this.#root.copyWithin(first + place, first + place + 1, first + count);
    this.#set(VALUE_COUNT_WORD, count - 1);
    this.#set(BITMAPS_WORD + slot, 0);
    bitmap.release();
  }

  #becomeOrdered(): OrderedIndex {
    const walk = new BitmapIntersection();
    let place = -1;
    let offset = 0;
    let keys = this.#root;
    const ordered = OrderedIndex.bulkLoad(this.#store, this.keyWords, (key) => {
      let rowId = place < 0 ? NONE : walk.next();
      while (rowId === NONE) {
        place += 1;
        if (place === this.#get(VALUE_COUNT_WORD)) return NONE;
        const slot = this.#get(ORDER_WORD + place);
        const page = this.#keysPage(slot);
        keys = this.#store.words(page);
        offset = this.#keyOffset(slot, page);
        walk.begin([this.#bitmapAt(place)], 1, undefined, 0);
        rowId = walk.next();
      }
      for (let word = 0; word < this.keyWords; word += 1) key[word] = keys[offset + word] as number;
      return rowId;
    });
    this.#releaseBitmaps();
    this.#set(ORDERED_WORD, ordered.rootPage);
    this.#ordered = ordered;
    return ordered;
  }

  /** Gives back all pages of the form of bitmaps but the root. */
  #releaseBitmaps(): void {
    const count = this.#get(VALUE_COUNT_WORD);
    for (let place = 0; place < count; place += 1) this.#bitmapAt(place).release();
    for (let word = KEYS_WORD; word < KEYS_WORD + BITMAP_VALUES_MAX; word += 1) {
      if (this.#get(word) !== 0) this.#store.release(this.#get(word));
    }
    this.#root.fill(0, this.#offset + VALUE_COUNT_WORD, this.#offset + PAGE_WORDS);
  }

  #get(word: number): number {
    return this.#root[this.#offset + word] as number;
  }

  #set(word: number, value: number): void {
    this.#root[this.#offset + word] = value;
  }
}
