/**
 * The index of a field that is not unique. A value with many rows has a bitmap, at most `BITMAP_VALUES_MAX` values do; the rows of all
 * others are entries of one tree, an `OrderedIndex`. So one field may have values with ten rows beside one with ten million, and each costs
 * what suits it.
 *
 * | words of the root page | meaning                                                                                       |
 * | ---------------------- | --------------------------------------------------------------------------------------------- |
 * | 0                      | kind, "EQUL"                                                                                  |
 * | 1                      | words of a key                                                                                |
 * | 2                      | root page of the tree, 0 = not yet made                                                       |
 * | 3                      | how many values have bitmaps                                                                  |
 * | 4                      | how many rows were ever entered into the tree, modulo 2^32                                    |
 * | 16–79                  | the slots of the values with bitmaps, in the order of their keys                              |
 * | 80–143                 | by slot: root page of the value's bitmap, 0 = the slot is free                                |
 * | 144–207                | pages of keys, 2^n to a page, as many as fit: slot `s` is in page `s >>> n`; 0 = not yet made |
 *
 * 1. Keys in the order list are strictly ascending, and each has a bitmap with a row in it.
 *    (The bitmap, but nothing else, may be left empty when the store was full.)
 * 2. The rows of a value are all in its bitmap, or all in the tree.
 * 3. What is where depends on nothing but the calls, so both sides of a snapshot come out alike.
 *
 * A new value gets a bitmap as long as there is a slot. One in the tree is given a bitmap when it is seen to have `BITMAP_ROWS_MIN` rows, and
 * a slot is free or it has twice the rows of the smallest bitmap, whose rows go into the tree instead. That is looked at on one of 256
 * entries into the tree, by chance as their count decides it: values with many rows come under it soon, and moving rows costs less than
 * entering them did.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { NONE } from '../memory/none.ts';
import { PAGE_WORDS, pageOffset, type PageStore } from '../memory/page-store.ts';
import { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { OrderedIndex } from './ordered-index.ts';

/** The most values that have bitmaps. */
export const BITMAP_VALUES_MAX = 64;
/** With fewer rows, a value does not leave the tree for a bitmap. */
export const BITMAP_ROWS_MIN = 1024;

const KIND = 0x4c555145;
const KIND_WORD = 0;
const KEY_WORDS_WORD = 1;
const TREE_WORD = 2;
const VALUE_COUNT_WORD = 3;
const ENTERED_WORD = 4;
const ORDER_WORD = 16;
const BITMAPS_WORD = 80;
const KEYS_WORD = 144;

const KEY_WORDS_MAX = PAGE_WORDS;
/** One of 256 entries into the tree looks whether its value is to have a bitmap. */
const PROMOTION_MASK = 255;

/** Imports that the hot path uses: see `pageOffset()`. */
const offsetOf = pageOffset;

/**
 * Key to row ids. Keys are the first `keyWords` words of an array, the most significant first. All state is in the store: further objects
 * may be attached to the same root page at any time, and stay right when the store becomes a copy of one with the same structures.
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
  #tree: OrderedIndex | undefined;

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
   * Makes an empty index.
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

  /** The rows of the values without bitmaps; `undefined` as long as every value had one. */
  get tree(): OrderedIndex | undefined {
    const rootPage = this.#get(TREE_WORD);
    if (rootPage === 0) return undefined;
    if (this.#tree?.rootPage !== rootPage) this.#tree = new OrderedIndex(this.#store, rootPage);
    return this.#tree;
  }

  /** How many values have bitmaps. */
  get bitmapCount(): number {
    return Math.min(this.#get(VALUE_COUNT_WORD), BITMAP_VALUES_MAX);
  }

  /** Pages that the index takes. */
  get pageCount(): number {
    let count = 1 + (this.tree?.pageCount ?? 0);
    for (let place = 0; place < this.bitmapCount; place += 1) count += this.#bitmapAt(place).pageCount;
    for (let word = KEYS_WORD; word < KEYS_WORD + BITMAP_VALUES_MAX; word += 1) if (this.#get(word) !== 0) count += 1;
    return count;
  }

  /**
   * Enters a row that is not there under this key.
   *
   * @throws {KLaniError} LimitReached when the store is full; the row is not in the index then
   */
  add(key: Uint32Array, rowId: number): void {
    const place = this.#lowerBound(key);
    if (this.#isAt(place, key)) {
      assert(this.#bitmapAt(place).set(rowId), 'EqualityIndex.add(): the row is there already');
    } else if (this.bitmapCount < BITMAP_VALUES_MAX && !this.#isInTree(key)) {
      this.#reserveKeysPage();
      this.#insertValue(place, key, Bitmap.create(this.#store));
      this.#bitmapAt(place).set(rowId);
    } else this.#enter(key, rowId);
  }

  /** Takes a row out. Returns whether it was there. */
  remove(key: Uint32Array, rowId: number): boolean {
    const place = this.#lowerBound(key);
    if (!this.#isAt(place, key)) return this.tree?.remove(key, rowId) ?? false;
    const bitmap = this.#bitmapAt(place);
    if (!bitmap.clear(rowId)) return false;
    if (bitmap.count === 0) this.#dropValue(place, bitmap);
    return true;
  }

  /** How many rows the key has, exactly. */
  count(key: Uint32Array): number {
    return this.bitmapOf(key)?.count ?? this.tree?.count(key, key) ?? 0;
  }

  /**
   * The rows of a value; `undefined` when there are none, or when they are in the tree. The bitmap is good until the next change of the
   * index, and not to be changed.
   */
  bitmapOf(key: Uint32Array): Bitmap | undefined {
    const place = this.#lowerBound(key);
    return this.#isAt(place, key) ? this.#bitmapAt(place) : undefined;
  }

  #isInTree(key: Uint32Array): boolean {
    const { tree } = this;
    return tree !== undefined && tree.first(key, key) !== NONE;
  }

  /** The first place in the order list whose key is not less than `key`. */
  #lowerBound(key: Uint32Array): number {
    let low = 0;
    let high = this.bitmapCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(place: number, key: Uint32Array): boolean {
    return place < this.bitmapCount && this.#compare(place, key) === 0;
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

  #freeSlot(): number {
    let slot = 0;
    while (this.#get(BITMAPS_WORD + slot) !== 0) slot += 1;
    assert(slot < BITMAP_VALUES_MAX, 'EqualityIndex: no slot is free');
    return slot;
  }

  /** Makes the page for the key of the slot that is free. */
  #reserveKeysPage(): void {
    const slot = this.#freeSlot();
    if (this.#keysPage(slot) === 0) this.#set(KEYS_WORD + (slot >>> this.#keysPerPageBits), this.#store.allocate());
  }

  /** Gives a value with its bitmap the slot that is free, for which there is a page of keys. */
  #insertValue(place: number, key: Uint32Array, bitmap: Bitmap): void {
    const slot = this.#freeSlot();
    const page = this.#keysPage(slot);
    const keys = this.#store.words(page);
    const offset = this.#keyOffset(slot, page);
    for (let word = 0; word < this.keyWords; word += 1) keys[offset + word] = key[word] as number;
    this.#set(BITMAPS_WORD + slot, bitmap.rootPage);
    this.#bitmaps[slot] = bitmap;
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

  /** Enters a row of a value without a bitmap. */
  #enter(key: Uint32Array, rowId: number): void {
    let { tree } = this;
    if (tree === undefined) {
      tree = OrderedIndex.create(this.#store, this.keyWords);
      this.#set(TREE_WORD, tree.rootPage);
      this.#tree = tree;
    }
    tree.add(key, rowId);
    const entered = (this.#get(ENTERED_WORD) + 1) >>> 0;
    this.#set(ENTERED_WORD, entered);
    if ((mix(entered) & PROMOTION_MASK) === 0) this.#considerPromotion(tree, key);
  }

  /** Gives a value of the tree a bitmap if it has come to have many rows. */
  #considerPromotion(tree: OrderedIndex, key: Uint32Array): void {
    const rows = tree.count(key, key);
    if (rows < BITMAP_ROWS_MIN) return;
    const smallest = this.bitmapCount === BITMAP_VALUES_MAX ? this.#smallestPlace() : -1;
    if (smallest >= 0 && rows < this.#bitmapAt(smallest).count * 2) return;
    const bitmap = this.#copyToBitmap(tree, key);
    if (bitmap === undefined) return;
    if (smallest >= 0 && !this.#demote(tree, smallest)) {
      bitmap.release();
      return;
    }
    this.#insertValue(this.#lowerBound(key), key, bitmap);
    const walk = new BitmapIntersection();
    walk.begin([bitmap], 1, undefined, 0);
    for (let rowId = walk.next(); rowId !== NONE; rowId = walk.next()) tree.remove(key, rowId);
  }

  #smallestPlace(): number {
    let smallest = 0;
    for (let place = 1; place < this.bitmapCount; place += 1) {
      if (this.#bitmapAt(place).count < this.#bitmapAt(smallest).count) smallest = place;
    }
    return smallest;
  }

  /** The rows that a value has in the tree as a bitmap; `undefined` when the store is full, which leaves the value as it is. */
  #copyToBitmap(tree: OrderedIndex, key: Uint32Array): Bitmap | undefined {
    let bitmap: Bitmap | undefined;
    try {
      if (this.bitmapCount < BITMAP_VALUES_MAX) this.#reserveKeysPage();
      bitmap = Bitmap.create(this.#store);
      const cursor = tree.cursor();
      cursor.begin(key, key);
      for (let rowId = cursor.next(); rowId !== NONE; rowId = cursor.next()) bitmap.set(rowId);
      return bitmap;
    } catch (error) {
      if (!isLimitReached(error)) throw error;
      bitmap?.release();
      return undefined;
    }
  }

  /** Moves the rows of the value at `place` from its bitmap into the tree; false when the store is full, and nothing has changed. */
  #demote(tree: OrderedIndex, place: number): boolean {
    const slot = this.#get(ORDER_WORD + place);
    const page = this.#keysPage(slot);
    const offset = this.#keyOffset(slot, page);
    const key = this.#store.words(page).slice(offset, offset + this.keyWords);
    const bitmap = this.#bitmapAt(place);
    const walk = new BitmapIntersection();
    walk.begin([bitmap], 1, undefined, 0);
    let moved = 0;
    try {
      for (let rowId = walk.next(); rowId !== NONE; rowId = walk.next()) {
        tree.add(key, rowId);
        moved = rowId;
      }
    } catch (error) {
      if (!isLimitReached(error)) throw error;
      walk.begin([bitmap], 1, undefined, 0);
      for (let rowId = walk.next(); rowId !== NONE && rowId <= moved; rowId = walk.next()) tree.remove(key, rowId);
      return false;
    }
    this.#dropValue(place, bitmap);
    return true;
  }

  #get(word: number): number {
    return this.#root[this.#offset + word] as number;
  }

  #set(word: number, value: number): void {
    this.#root[this.#offset + word] = value;
  }
}

function isLimitReached(error: unknown): boolean {
  return error instanceof KLaniError && error.code === 'LimitReached';
}

/** Spreads counts evenly (the finalizer of MurmurHash3, by Appleby), so that no round of values escapes being looked at. */
function mix(count: number): number {
  const first = Math.imul(count ^ (count >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return second ^ (second >>> 16);
}
