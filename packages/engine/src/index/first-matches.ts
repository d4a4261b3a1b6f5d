/**
 * Remembers for combinations of equality terms that no row below some id meets them. Without it, every claim in a large table would walk
 * over everything that is sold already: each bitmap alone has bits there, only their intersection has none.
 *
 * 1. No row below an entry's `rowId` meets all its terms, in the side that this belongs to.
 * 2. A row comes to meet an entry's terms only by being entered into an index under one of their keys; `added` hears of every such entry.
 */
import type { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { EqualityIndex } from './equality-index.ts';
import type { OrderedIndex } from './ordered-index.ts';
import type { Term, TermList } from './term.ts';
import { NONE } from '../memory/none.ts';

/** Most combinations that are remembered for a table; the oldest is forgotten. */
const ENTRIES_MAX = 256;

interface Entry {
  readonly fields: readonly number[];
  readonly keys: readonly Uint32Array[];
  /** The first row that may meet the terms; `Infinity` when none does. */
  rowId: number;
}

/** Where the indexes are that terms speak of. */
interface IndexSource {
  index(fieldIndex: number): EqualityIndex | OrderedIndex;
}

export class FirstMatches {
  /** By the hash of all terms. */
  readonly #entries = new Map<number, Entry>();
  /** By the hash of one field and key: the entries with that term. */
  readonly #byTerm = new Map<number, Set<Entry>>();
  readonly #intersection = new BitmapIntersection();
  readonly #bitmaps: Bitmap[] = [];

  /**
   * The first row id that meets all terms, {@link NONE} when none does; 1 where that is not known, because a term is no bitmap or stands
   * alone, so that its own summary is enough.
   */
  find(source: IndexSource, terms: TermList): number {
    if (terms.count < 2) return 1;
    this.#bitmaps.length = 0;
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const index = source.index(term.fieldIndex);
      if (!term.isEqual || !(index instanceof EqualityIndex) || index.ordered !== undefined) return 1;
      const bitmap = index.bitmapOf(term.low);
      if (bitmap === undefined) return NONE;
      this.#bitmaps.push(bitmap);
    }
    const entry = this.#entryOf(terms);
    if (entry.rowId === Infinity) return NONE;
    this.#intersection.begin(this.#bitmaps, this.#bitmaps.length, undefined, entry.rowId);
    const rowId = this.#intersection.next();
    entry.rowId = rowId === NONE ? Infinity : rowId;
    return rowId;
  }

  /** Hears that a row is entered into the index of a field under a key of `keyWords` words. */
  added(fieldIndex: number, key: Uint32Array, keyWords: number, rowId: number): void {
    if (this.#byTerm.size === 0) return;
    const entries = this.#byTerm.get(hashWords(fieldIndex, key, keyWords));
    if (entries === undefined) return;
    for (const entry of entries) if (rowId < entry.rowId) entry.rowId = rowId;
  }

  #entryOf(terms: TermList): Entry {
    let hash = terms.count;
    for (let place = 0; place < terms.count; place += 1) hash = Math.imul(hash, 31) + hashOfTerm(terms.at(place));
    const known = this.#entries.get(hash | 0);
    if (known !== undefined && isOf(known, terms)) return known;
    if (known !== undefined) this.#forget(hash | 0, known);
    return this.#remember(hash | 0, terms);
  }

  #remember(hash: number, terms: TermList): Entry {
    if (this.#entries.size === ENTRIES_MAX) {
      for (const [oldest, entry] of this.#entries) {
        this.#forget(oldest, entry);
        break;
      }
    }
    const all = Array.from({ length: terms.count }, (_, place) => terms.at(place));
    const entry: Entry = {
      fields: all.map(({ fieldIndex }) => fieldIndex),
      keys: all.map(({ low, keyWords }) => low.slice(0, keyWords)),
      rowId: 1,
    };
    this.#entries.set(hash, entry);
    for (const term of all) {
      const termHash = hashOfTerm(term);
      let entries = this.#byTerm.get(termHash);
      if (entries === undefined) {
        entries = new Set();
        this.#byTerm.set(termHash, entries);
      }
      entries.add(entry);
    }
    return entry;
  }

  #forget(hash: number, entry: Entry): void {
    this.#entries.delete(hash);
    for (const [place, key] of entry.keys.entries()) {
      const termHash = hashWords(entry.fields[place] ?? 0, key, key.length);
      const entries = this.#byTerm.get(termHash);
      entries?.delete(entry);
      if (entries?.size === 0) this.#byTerm.delete(termHash);
    }
  }
}

function isOf(entry: Entry, terms: TermList): boolean {
  if (entry.fields.length !== terms.count) return false;
  for (let place = 0; place < terms.count; place += 1) {
    const term = terms.at(place);
    if (entry.fields[place] !== term.fieldIndex) return false;
    const key = entry.keys[place];
    for (let word = 0; word < term.keyWords; word += 1) if (key?.[word] !== term.low[word]) return false;
  }
  return true;
}

function hashOfTerm(term: Term): number {
  return hashWords(term.fieldIndex, term.low, term.keyWords);
}

function hashWords(fieldIndex: number, key: Uint32Array, words: number): number {
  let hash = fieldIndex;
  for (let word = 0; word < words; word += 1) hash = Math.imul(hash ^ (key[word] as number), 0x9e3779b1) ^ (hash >>> 13);
  return hash;
}
