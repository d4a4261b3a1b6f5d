/**
 * A set of row ids as bits, with summaries above them so that empty regions cost nothing, neither pages nor time.
 *
 * | words of the root page | meaning                                          |
 * | ---------------------- | ------------------------------------------------ |
 * | 0                      | kind, "BMAP"                                     |
 * | 1                      | how many row ids are in the set                  |
 * | 2                      | all nodes belong to spans below this one         |
 * | 16–1023                | span directory; a span's page is its node        |
 *
 * | words of a node        | meaning: 524,288 row ids in 16 leaves            |
 * | ---------------------- | ------------------------------------------------ |
 * | 0–511                  | 32 summary words a leaf: a bit for each leaf word |
 * | 512–527                | the page of each leaf, 0 = none                  |
 * | 528–543                | a top word a leaf: a bit for each summary word   |
 * | 544                    | how many leaves have a page                      |
 *
 * A leaf is a page of 32,768 bits, the lowest row id in the lowest bit of the first word.
 *
 * 1. A summary bit is set exactly when its leaf word is not 0, a top bit exactly when its summary word is not 0.
 * 2. A leaf has a page exactly when its top word is not 0; a node without leaves has no page.
 *    (A node, but no leaf, may be left behind empty when the store was full.)
 */
import { assert } from '@k-lani/base';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { SPANS_MAX, SPAN_BITS, SpanDirectory } from '../memory/span-directory.ts';

const KIND = 0x50414d42;
const KIND_WORD = 0;
const COUNT_WORD = 1;
const SPAN_END_WORD = 2;

/** A leaf is the row ids that are equal but for so many low bits. */
export const LEAF_BITS = 15;
/** Leaves of a node. */
export const NODE_LEAVES = 1 << (SPAN_BITS - LEAF_BITS);
/** In a node: where the pages of its leaves begin. */
export const LEAF_PAGES_WORD = 512;
/** In a node: where the top words of its leaves begin. */
export const TOPS_WORD = 528;
const LEAF_COUNT_WORD = 544;

/** Imports and exports that the hot path uses: see `pageOffset()`. */
const offsetOf = pageOffset;
const NODE_SHIFT = SPAN_BITS;
const LEAF_SHIFT = LEAF_BITS;
const LEAF_MASK = NODE_LEAVES - 1;
const PAGES_WORD = LEAF_PAGES_WORD;

/** A set of row ids. All state is in the store: further objects may be attached to the same root page at any time. */
export class Bitmap {
  readonly store: PageStore;
  readonly rootPage: number;
  readonly #root: Uint32Array;
  readonly #offset: number;
  readonly #nodes: SpanDirectory;

  /** Attaches to what `create()` made in this store, or in the one that this store is a copy of. */
  constructor(store: PageStore, rootPage: number) {
    this.store = store;
    this.rootPage = rootPage;
    this.#root = store.words(rootPage);
    this.#offset = pageOffset(rootPage);
    this.#nodes = new SpanDirectory(store, rootPage);
    assert(this.#root[this.#offset + KIND_WORD] === KIND, 'Bitmap: the page is not the root of a bitmap');
  }

  /** @throws {KLaniError} LimitReached when the store is full */
  static create(store: PageStore): Bitmap {
    const rootPage = store.allocate();
    store.words(rootPage)[pageOffset(rootPage) + KIND_WORD] = KIND;
    return new Bitmap(store, rootPage);
  }

  /** How many row ids are in the set. */
  get count(): number {
    return this.#getRoot(COUNT_WORD);
  }

  /** Pages that the set takes, counted span by span. */
  get pageCount(): number {
    let count = 1 + this.#nodes.pageCount;
    for (let span = 0; span < Math.min(this.spanEnd, SPANS_MAX); span += 1) {
      const node = this.nodePage(span);
      if (node !== 0) count += 1 + (this.store.words(node)[offsetOf(node) + LEAF_COUNT_WORD] as number);
    }
    return count;
  }

  /** Every row id of the set is in a span below this one. */
  get spanEnd(): number {
    return this.#getRoot(SPAN_END_WORD);
  }

  /** The highest row id of the set, 0 for the empty set. */
  get last(): number {
    // A reader whose side was taken away may read any word: it must come to an end all the same.
    for (let span = Math.min(this.spanEnd, SPANS_MAX) - 1; span >= 0; span -= 1) {
      const node = this.nodePage(span);
      if (node === 0) continue;
      const words = this.store.words(node);
      const offset = pageOffset(node);
      for (let leaf = NODE_LEAVES - 1; leaf >= 0; leaf -= 1) {
        const top = words[offset + TOPS_WORD + leaf] ?? 0;
        if (top === 0) continue;
        const summaryIndex = leaf * 32 + highestBit(top);
        const wordIndex = summaryIndex * 32 + highestBit(words[offset + summaryIndex] ?? 0);
        const page = words[offset + LEAF_PAGES_WORD + leaf] ?? 0;
        const bits = this.store.words(page)[pageOffset(page) + (wordIndex & 1023)] ?? 0;
        return span * 2 ** SPAN_BITS + wordIndex * 32 + highestBit(bits);
      }
    }
    return 0;
  }

  /** The page of the node of `span`, 0 when no row id of the span is in the set. Its words are described above; read them only. */
  nodePage(span: number): number {
    return this.#nodes.get(span);
  }

  /** @param rowId any integer from 0 to 2^32 - 1 */
  has(rowId: number): boolean {
    const { store } = this;
    const node = this.#nodes.get(rowId >>> NODE_SHIFT);
    if (node === 0) return false;
    const leaf = store.words(node)[offsetOf(node) + PAGES_WORD + ((rowId >>> LEAF_SHIFT) & LEAF_MASK)] as number;
    if (leaf === 0) return false;
    return (((store.words(leaf)[offsetOf(leaf) + ((rowId >>> 5) & 1023)] as number) >>> (rowId & 31)) & 1) === 1;
  }

  /**
   * Puts a row id into the set.
   *
   * @param rowId 1 to 2^32 - 2
   * @returns whether it was not there before
   * @throws {KLaniError} LimitReached when the store is full; the set has not changed then
   */
  set(rowId: number): boolean {
    assert(rowId >= 1 && rowId <= ROW_ID_MAX, 'Bitmap.set(): the row id is out of range');
    const { store } = this;
    const node = this.#nodeFor(rowId >>> NODE_SHIFT);
    const nodeWords = store.words(node);
    const nodeOffset = offsetOf(node);
    const leafIndex = (rowId >>> LEAF_SHIFT) & LEAF_MASK;
    const leafWord = nodeOffset + PAGES_WORD + leafIndex;
    let leaf = nodeWords[leafWord] as number;
    if (leaf === 0) {
      leaf = store.allocate();
      nodeWords[leafWord] = leaf;
      nodeWords[nodeOffset + LEAF_COUNT_WORD] = (nodeWords[nodeOffset + LEAF_COUNT_WORD] as number) + 1;
    }
    const leafWords = store.words(leaf);
    const wordIndex = (rowId >>> 5) & 1023;
    const before = leafWords[offsetOf(leaf) + wordIndex] as number;
    const bit = 1 << (rowId & 31);
    if ((before & bit) !== 0) return false;
    leafWords[offsetOf(leaf) + wordIndex] = before | bit;
    if (before === 0) {
      const summary = nodeOffset + leafIndex * 32 + (wordIndex >>> 5);
      const top = nodeOffset + TOPS_WORD + leafIndex;
      nodeWords[summary] = (nodeWords[summary] as number) | (1 << (wordIndex & 31));
      nodeWords[top] = (nodeWords[top] as number) | (1 << (wordIndex >>> 5));
    }
    this.#setRoot(COUNT_WORD, this.#getRoot(COUNT_WORD) + 1);
    return true;
  }

  /**
   * Takes a row id out of the set, and gives back pages that this leaves empty.
   *
   * @param rowId any integer from 0 to 2^32 - 1
   * @returns whether it was there before
   */
  clear(rowId: number): boolean {
    const { store } = this;
    const node = this.#nodes.get(rowId >>> NODE_SHIFT);
    if (node === 0) return false;
    const nodeWords = store.words(node);
    const nodeOffset = offsetOf(node);
    const leafIndex = (rowId >>> LEAF_SHIFT) & LEAF_MASK;
    const leaf = nodeWords[nodeOffset + PAGES_WORD + leafIndex] as number;
    if (leaf === 0) return false;
    const leafWords = store.words(leaf);
    const wordIndex = (rowId >>> 5) & 1023;
    const before = leafWords[offsetOf(leaf) + wordIndex] as number;
    const bit = 1 << (rowId & 31);
    if ((before & bit) === 0) return false;
    const after = before ^ bit;
    leafWords[offsetOf(leaf) + wordIndex] = after;
    this.#setRoot(COUNT_WORD, this.#getRoot(COUNT_WORD) - 1);
    if (after === 0) this.#clearSummary(rowId, node, leaf);
    return true;
  }

  /** Gives all pages back. The bitmap may not be used any more. */
  release(): void {
    const { store } = this;
    for (let span = 0; span < this.spanEnd; span += 1) {
      const node = this.nodePage(span);
      if (node === 0) continue;
      const words = store.words(node);
      const first = offsetOf(node) + PAGES_WORD;
      for (let word = first; word < first + NODE_LEAVES; word += 1) {
        const leaf = words[word] as number;
        if (leaf !== 0) store.release(leaf);
      }
      store.release(node);
    }
    this.#nodes.release();
    this.#setRoot(KIND_WORD, 0);
    store.release(this.rootPage);
  }

  #nodeFor(span: number): number {
    const existing = this.#nodes.get(span);
    if (existing !== 0) return existing;
    const node = this.store.allocate();
    this.#nodes.set(span, node);
    if (span >= this.spanEnd) this.#setRoot(SPAN_END_WORD, span + 1);
    return node;
  }

  /** The leaf word of `rowId` has become 0: keeps the invariants 1 and 2. */
  #clearSummary(rowId: number, node: number, leaf: number): void {
    const { store } = this;
    const words = store.words(node);
    const offset = offsetOf(node);
    const leafIndex = (rowId >>> LEAF_SHIFT) & LEAF_MASK;
    const summaryIndex = (rowId >>> 10) & 31;
    const summary = offset + leafIndex * 32 + summaryIndex;
    const top = offset + TOPS_WORD + leafIndex;
    words[summary] = (words[summary] as number) & ~(1 << ((rowId >>> 5) & 31));
    if (words[summary] !== 0) return;
    words[top] = (words[top] as number) & ~(1 << summaryIndex);
    if (words[top] !== 0) return;
    words[offset + PAGES_WORD + leafIndex] = 0;
    store.release(leaf);
    const leaves = (words[offset + LEAF_COUNT_WORD] as number) - 1;
    words[offset + LEAF_COUNT_WORD] = leaves;
    if (leaves > 0) return;
    this.#nodes.set(rowId >>> NODE_SHIFT, 0);
    store.release(node);
  }

  #getRoot(word: number): number {
    return this.#root[this.#offset + word] as number;
  }

  #setRoot(word: number, value: number): void {
    this.#root[this.#offset + word] = value;
  }
}

/** The number of the highest bit that is set. */
function highestBit(bits: number): number {
  return 31 - Math.clz32(bits);
}
