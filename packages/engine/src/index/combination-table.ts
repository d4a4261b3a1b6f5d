/**
 * What is remembered of combinations of keys of some fields: a table in flat memory, from the keys to where matches begin and how many
 * there are. Sets of `WAYS` slots, each combination in the set that its hash names; when a set is full and the table may not grow, the
 * combination that was looked up least lately in it is forgotten.
 *
 * | words of a slot | meaning                                                                     |
 * | --------------- | --------------------------------------------------------------------------- |
 * | 0               | no row below this one matches; 0 = the slot is free, 2^32 - 1 = none matches |
 * | 1               | how many rows match; 2^32 - 1 = not known                                   |
 * | 2               | when it was last looked up, in look-ups of this table modulo 2^32           |
 * | 3               | the keys, field after field                                                 |
 */
import type { Term } from './term.ts';

/** Stands for "no row matches" and "not known how many do". */
export const NOT_ANY = 0xffff_ffff;

const FIRST_WORD = 0;
const COUNT_WORD = 1;
const USED_WORD = 2;
const KEYS_WORD = 3;

const WAYS = 8;
const INITIAL_SETS = 8;
/** Memory of a table, at most. */
const SIZE_BYTES_MAX = 2 << 20;

/** Combinations of the keys of the same fields. */
export class CombinationTable {
  /** Indexes of the fields, ascending. */
  readonly fields: readonly number[];
  readonly #keyWords: readonly number[];
  readonly #stride: number;
  readonly #setsMax: number;
  #words: Uint32Array;
  /** A power of two. */
  #sets = INITIAL_SETS;
  #lookUps = 0;
  /** The combination that is looked for. */
  readonly #wanted: Uint32Array;

  /** @param terms equality terms in the order of their fields, each with a field of its own */
  constructor(terms: readonly Term[]) {
    this.fields = terms.map(({ fieldIndex }) => fieldIndex);
    this.#keyWords = terms.map(({ keyWords }) => keyWords);
    const words = this.#keyWords.reduce((sum, keyWords) => sum + keyWords, 0);
    this.#stride = KEYS_WORD + words;
    this.#wanted = new Uint32Array(words);
    this.#setsMax = Math.max(INITIAL_SETS, 2 ** Math.floor(Math.log2(SIZE_BYTES_MAX / 4 / (this.#stride * WAYS))));
    this.#words = new Uint32Array(INITIAL_SETS * WAYS * this.#stride);
  }

  /** Memory held, bytes. */
  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Whether this is the table of these terms' fields. */
  isOf(terms: readonly Term[], count: number): boolean {
    if (this.fields.length !== count) return false;
    for (let place = 0; place < count; place += 1) if (this.fields[place] !== terms[place]?.fieldIndex) return false;
    return true;
  }

  /** The slot of the terms' combination, -1 when it is not remembered. It is good until the next call. */
  slotOf(terms: readonly Term[]): number {
    let at = 0;
    for (const [place, keyWords] of this.#keyWords.entries()) {
      const { low } = terms[place] as Term;
      for (let word = 0; word < keyWords; word += 1, at += 1) this.#wanted[at] = low[word] as number;
    }
    this.#lookUps = (this.#lookUps + 1) >>> 0;
    const slot = this.#find();
    if (slot >= 0) this.#words[slot + USED_WORD] = this.#lookUps;
    return slot;
  }

  /** The slot of a row's keys, by field; -1 when their combination is not remembered. It is good until the next call. */
  slotOfRow(keys: readonly (Uint32Array | undefined)[]): number {
    let at = 0;
    for (let place = 0; place < this.fields.length; place += 1) {
      const key = keys[this.fields[place] as number] as Uint32Array;
      const keyWords = this.#keyWords[place] as number;
      for (let word = 0; word < keyWords; word += 1, at += 1) this.#wanted[at] = key[word] as number;
    }
    return this.#find();
  }

  /** Whether a row's keys before and after a change are alike in all the fields. */
  areAlike(before: readonly (Uint32Array | undefined)[], after: readonly (Uint32Array | undefined)[]): boolean {
    for (let place = 0; place < this.fields.length; place += 1) {
      const field = this.fields[place] as number;
      const keyWords = this.#keyWords[place] as number;
      for (let word = 0; word < keyWords; word += 1) if (before[field]?.[word] !== after[field]?.[word]) return false;
    }
    return true;
  }

  /** No row below this one matches; {@link NOT_ANY} when none does. */
  first(slot: number): number {
    return this.#words[slot + FIRST_WORD] as number;
  }

  setFirst(slot: number, rowId: number): void {
    this.#words[slot + FIRST_WORD] = rowId;
  }

  /** How many rows match; {@link NOT_ANY} when that is not known. */
  count(slot: number): number {
    return this.#words[slot + COUNT_WORD] as number;
  }

  setCount(slot: number, count: number): void {
    this.#words[slot + COUNT_WORD] = count;
  }

  /** The slot of the combination wanted, or -1. */
  #find(): number {
    const words = this.#words;
    const wanted = this.#wanted;
    const set = this.#setOf(wanted, 0);
    for (let slot = set; slot < set + WAYS * this.#stride; slot += this.#stride) {
      if (words[slot + FIRST_WORD] === 0) continue;
      let word = 0;
      while (word < wanted.length && words[slot + KEYS_WORD + word] === wanted[word]) word += 1;
      if (word === wanted.length) return slot;
    }
    return -1;
  }

  /** Remembers the combination that `slotOf` has just not found; nothing is known of it yet. */
  add(): number {
    let slot = this.#freeSlot();
    while (slot < 0 && this.#sets < this.#setsMax) {
      this.#grow();
      slot = this.#freeSlot();
    }
    if (slot < 0) slot = this.#leastLately();
    this.#words[slot + FIRST_WORD] = 1;
    this.#words[slot + COUNT_WORD] = NOT_ANY;
    this.#words[slot + USED_WORD] = this.#lookUps;
    this.#words.set(this.#wanted, slot + KEYS_WORD);
    return slot;
  }

  #freeSlot(): number {
    const set = this.#setOf(this.#wanted, 0);
    for (let slot = set; slot < set + WAYS * this.#stride; slot += this.#stride) if (this.#words[slot + FIRST_WORD] === 0) return slot;
    return -1;
  }

  #leastLately(): number {
    const set = this.#setOf(this.#wanted, 0);
    let least = set;
    for (let slot = set; slot < set + WAYS * this.#stride; slot += this.#stride) if (this.#age(slot) > this.#age(least)) least = slot;
    return least;
  }

  #age(slot: number): number {
    return (this.#lookUps - (this.#words[slot + USED_WORD] as number)) >>> 0;
  }

  /** Doubles the sets. A combination goes into one of two, so there is room for each. */
  #grow(): void {
    const before = this.#words;
    const stride = this.#stride;
    this.#sets *= 2;
    this.#words = new Uint32Array(before.length * 2);
    for (let from = 0; from < before.length; from += stride) {
      if (before[from + FIRST_WORD] === 0) continue;
      let slot = this.#setOf(before, from + KEYS_WORD);
      while (this.#words[slot + FIRST_WORD] !== 0) slot += stride;
      this.#words.set(before.subarray(from, from + stride), slot);
    }
  }

  /** Where the set of the keys at `offset` begins. */
  #setOf(words: Uint32Array, offset: number): number {
    let hash = 0;
    for (let word = 0; word < this.#wanted.length; word += 1) {
      hash = Math.imul(hash ^ (words[offset + word] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return ((hash ^ (hash >>> 13)) & (this.#sets - 1)) * WAYS * this.#stride;
  }
}
