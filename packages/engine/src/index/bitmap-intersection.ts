/**
 * Walks the row ids that are in all of several bitmaps. The summaries of the bitmaps are intersected first, so that a region that one of
 * them leaves empty is passed over: 32 ids by a summary bit, 1,024 by a top bit, 32,768 by a top word, 524,288 by a node.
 *
 * State, from wide to narrow, at each level the bits that are still to be opened: a leaf (`#top`), a summary word of it (`#summary`), a word
 * of that (`#bits`). The next one of a level is opened when everything below it is used up.
 *
 * 1. The walk has two rounds: ids from the start upwards, then those below it. What is opened on the way to the start itself is cut there.
 * 2. The first two bitmaps are read directly; further ones and what is excluded are asked only about the bits that these two leave. A bitmap
 *    that is alone counts as two.
 * 3. Bits are kept as signed 32-bit integers and positions as word numbers (id >>> 5), so that neither is ever boxed.
 */
import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { PAGE_WORDS, pageOffset } from '../memory/page-store.ts';
import { SPANS_MAX, SPAN_BITS } from '../memory/span-directory.ts';
import { type Bitmap, LEAF_BITS, LEAF_PAGES_WORD, NODE_LEAVES, TOPS_WORD } from './bitmap.ts';

/** Imports that the walk uses: see `pageOffset()`. */
const NO_ROW = NONE;
const offsetOf = pageOffset;
const PAGES_WORD = LEAF_PAGES_WORD;
const TOPS = TOPS_WORD;
const LEAF_MASK = NODE_LEAVES - 1;
const SUMMARY_MASK = NODE_LEAVES * 32 - 1;
const LEAF_SHIFT = LEAF_BITS;
const NODE_SHIFT = SPAN_BITS - LEAF_BITS;

/** Read in the place of a page that a bitmap does not have. */
const ZEROS = new Uint32Array(PAGE_WORDS);

/** A bitmap as the walk reads it: the present node and leaf, each an array and where it begins there. Without a bitmap, it is empty. */
class Member {
  bitmap: Bitmap | undefined;
  node: Uint32Array = ZEROS;
  nodeOffset = 0;
  leaf: Uint32Array = ZEROS;
  leafOffset = 0;

  /** @returns whether there can be row ids in the span */
  openNode(span: number): boolean {
    const { bitmap } = this;
    const page = bitmap === undefined ? 0 : bitmap.nodePage(span);
    if (bitmap === undefined || page === 0) {
      this.node = ZEROS;
      this.nodeOffset = 0;
      return false;
    }
    this.node = bitmap.store.words(page);
    this.nodeOffset = offsetOf(page);
    return true;
  }

  openLeaf(leafIndex: number): void {
    const { bitmap } = this;
    const page = this.node[this.nodeOffset + PAGES_WORD + leafIndex] as number;
    if (bitmap === undefined || page === 0) {
      this.leaf = ZEROS;
      this.leafOffset = 0;
      return;
    }
    this.leaf = bitmap.store.words(page);
    this.leafOffset = offsetOf(page);
  }
}

/** Iterates over an intersection of bitmaps. Reusable, and makes no garbage once it has seen as many bitmaps as it will. */
export class BitmapIntersection {
  readonly #first = new Member();
  readonly #second = new Member();
  readonly #exclude = new Member();
  readonly #further: Member[] = [];
  #furtherCount = 0;
  /** Whether there is more than `#first` and `#second` to look at. */
  #narrows = false;

  #startWord = 0;
  /** The bits of the start's word that are below the start. */
  #bitsBelowStart = 0;
  #wrapped = false;

  /** Where the second round begins. */
  #leafFirst = 0;
  #leafLimit = 0;
  #leafEnd = 0;
  #leafNext = 0;
  #span = -1;
  #leaf = 0;
  #top = 0;
  #summaryIndex = 0;
  #summary = 0;
  #wordIndex = 0;
  #bits = 0;

  /**
   * Starts over: `next()` then returns the row ids that are in each of `bitmaps[0 … count)` and not in `exclude`. None of the bitmaps may
   * change before the last `next()`.
   *
   * @param bitmaps the array is not kept
   * @param count how many of the bitmaps count, at least 1
   * @param startRowId where to begin, 0 to 2^32 - 1: ascending ids from here come first, then ascending ids below it
   * @param firstRowId none of the row ids is below this one: they are not looked for there
   */
  begin(bitmaps: readonly Bitmap[], count: number, exclude: Bitmap | undefined, startRowId: number, firstRowId = 0): void {
    assert(count >= 1 && count <= bitmaps.length, 'BitmapIntersection.begin(): the count of bitmaps is out of range');
    this.#first.bitmap = bitmaps[0];
    this.#second.bitmap = bitmaps[count === 1 ? 0 : 1];
    this.#exclude.bitmap = exclude;
    this.#furtherCount = Math.max(0, count - 2);
    for (let index = 0; index < this.#furtherCount; index += 1) {
      const member = (this.#further[index] ??= new Member());
      member.bitmap = bitmaps[index + 2];
    }
    this.#narrows = this.#furtherCount > 0 || exclude !== undefined;

    let spanEnd = SPANS_MAX;
    for (let index = 0; index < count; index += 1) spanEnd = Math.min(spanEnd, (bitmaps[index] as Bitmap).spanEnd);
    this.#startWord = startRowId >>> 5;
    this.#bitsBelowStart = (1 << (startRowId & 31)) - 1;
    this.#wrapped = false;
    this.#leafFirst = firstRowId >>> LEAF_SHIFT;
    this.#leafLimit = spanEnd << NODE_SHIFT;
    this.#leafEnd = this.#leafLimit;
    this.#leafNext = startRowId >>> LEAF_SHIFT;
    this.#span = -1;
    this.#top = 0;
    this.#summary = 0;
    this.#bits = 0;
  }

  /** The next row id, or `NONE` when each was returned once. */
  next(): number {
    if (this.#bits === 0 && !this.#openWord()) return NO_ROW;
    const bits = this.#bits;
    this.#bits = bits & (bits - 1);
    return this.#wordIndex * 32 + (31 - Math.clz32(bits & -bits));
  }

  /** How many row ids `next()` would still return; afterwards it returns none. */
  countRest(): number {
    let count = bitCount(this.#bits);
    while (this.#openWord()) count += bitCount(this.#bits);
    this.#bits = 0;
    return count;
  }

  /**
   * Goes to the next word with a bit. This is where the time goes: its state is in locals while it runs, and `| 0` tells the compiler that
   * they are 32-bit integers, which halves the time of a word.
   */
  #openWord(): boolean {
    const first = this.#first;
    const second = this.#second;
    const narrows = this.#narrows;
    const startWord = this.#startWord;
    let top = this.#top | 0;
    let summary = this.#summary | 0;
    let summaryIndex = this.#summaryIndex | 0;
    for (;;) {
      const firstLeaf = first.leaf;
      const firstOffset = first.leafOffset;
      const secondLeaf = second.leaf;
      const secondOffset = second.leafOffset;
      while (summary !== 0) {
        const wordIndex = (summaryIndex << 5) + (31 - Math.clz32(summary & -summary));
        summary &= summary - 1;
        const word = wordIndex & 1023;
        let bits = (firstLeaf[firstOffset + word] as number) & (secondLeaf[secondOffset + word] as number);
        if (bits === 0) continue;
        if (narrows) bits = this.#narrowWord(bits, word);
        if (wordIndex === startWord) bits &= this.#wrapped ? this.#bitsBelowStart : ~this.#bitsBelowStart;
        if (bits === 0) continue;
        this.#top = top;
        this.#summary = summary;
        this.#summaryIndex = summaryIndex;
        this.#wordIndex = wordIndex;
        this.#bits = bits;
        return true;
      }
      if (top === 0) {
        if (!this.#openLeaf()) break;
        top = this.#top | 0;
      }
      summaryIndex = (this.#leaf << 5) + (31 - Math.clz32(top & -top));
      top &= top - 1;
      summary = this.#intersectNode(summaryIndex & SUMMARY_MASK) | 0;
      if (summaryIndex === startWord >>> 5) summary = this.#cut(summary, startWord & 31) | 0;
    }
    this.#top = 0;
    this.#summary = 0;
    return false;
  }

  /** Goes to the next leaf whose top word has a bit, in the second round when the first has no more. */
  #openLeaf(): boolean {
    for (;;) {
      while (this.#leafNext < this.#leafEnd) {
        const leaf = this.#leafNext;
        const span = leaf >>> NODE_SHIFT;
        if (span !== this.#span && !this.#openSpan(span)) {
          this.#leafNext = (span + 1) << NODE_SHIFT;
          continue;
        }
        this.#leafNext = leaf + 1;
        const top = this.#intersectNode(TOPS + (leaf & LEAF_MASK));
        this.#top = leaf === this.#startWord >>> 10 ? this.#cut(top, (this.#startWord >>> 5) & 31) : top;
        if (this.#top === 0) continue;
        this.#leaf = leaf;
        this.#openLeafOfEach(leaf & LEAF_MASK);
        return true;
      }
      if (this.#wrapped) return false;
      this.#wrapped = true;
      this.#leafNext = this.#leafFirst;
      this.#leafEnd = Math.min(this.#leafLimit, (this.#startWord >>> 10) + 1);
    }
  }

  /** @returns false when a bitmap has no row id in the span */
  #openSpan(span: number): boolean {
    this.#span = -1;
    if (!this.#first.openNode(span) || !this.#second.openNode(span)) return false;
    for (let index = 0; index < this.#furtherCount; index += 1) {
      if (!(this.#further[index] as Member).openNode(span)) return false;
    }
    this.#exclude.openNode(span);
    this.#span = span;
    return true;
  }

  #openLeafOfEach(leafIndex: number): void {
    this.#first.openLeaf(leafIndex);
    this.#second.openLeaf(leafIndex);
    this.#exclude.openLeaf(leafIndex);
    for (let index = 0; index < this.#furtherCount; index += 1) (this.#further[index] as Member).openLeaf(leafIndex);
  }

  /** The bits from `bit` on in the first round, those up to it in the second. */
  #cut(bits: number, bit: number): number {
    return bits & (this.#wrapped ? ~(-2 << bit) : -1 << bit);
  }

  #intersectNode(word: number): number {
    const first = this.#first;
    const second = this.#second;
    const bits = (first.node[first.nodeOffset + word] as number) & (second.node[second.nodeOffset + word] as number);
    return this.#furtherCount === 0 || bits === 0 ? bits : this.#narrowNode(bits, word);
  }

  #narrowNode(bits: number, word: number): number {
    let left = bits;
    for (let index = 0; index < this.#furtherCount; index += 1) {
      const member = this.#further[index] as Member;
      left &= member.node[member.nodeOffset + word] as number;
    }
    return left;
  }

  #narrowWord(bits: number, word: number): number {
    const exclude = this.#exclude;
    let left = bits & ~(exclude.leaf[exclude.leafOffset + word] as number);
    for (let index = 0; index < this.#furtherCount; index += 1) {
      const member = this.#further[index] as Member;
      left &= member.leaf[member.leafOffset + word] as number;
    }
    return left;
  }
}

/** How many bits are set; see Warren, Hacker's Delight, 5-1. */
function bitCount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
