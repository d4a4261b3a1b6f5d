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

/** An import that the search uses: see `pageOffset()`. */
const NO_ROW = NONE;

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
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const index = source.index(term.fieldIndex);
      if (!term.isEqual || !(index instanceof EqualityIndex) || index.ordered !== undefined) return 1;
      const bitmap = index.bitmapOf(term.low);
      if (bitmap === undefined) return NO_ROW;
      this.#bitmaps[place] = bitmap;
    }
    const entry = this.#entryOf(terms);
    if (entry.rowId === Infinity) return NO_ROW;
    this.#intersection.begin(this.#bitmaps, terms.count, undefined, entry.rowId);
    const rowId = this.#intersection.next();
    entry.rowId = rowId === NO_ROW ? Infinity : rowId;
    return rowId;
  }

  /** Hears that a row is entered into the index of a field under a key of `keyWords` words. */
  added(fieldIndex: number, key: Uint32Array, keyWords: number, rowId: number): void {
    if (this.#byTerm.size === 0) return;
    const entries = this.#byTerm.get(hashOfKey(fieldIndex, key, keyWords));
    if (entries === undefined) return;
    for (const entry of entries) if (rowId < entry.rowId) entry.rowId = rowId;
  }

  #entryOf(terms: TermList): Entry {
    const hash = hashOfTerms(terms);
    const known = this.#entries.get(hash);
    if (known !== undefined && isOf(known, terms)) return known;
    if (known !== undefined) this.#forget(hash, known);
    return this.#remember(hash, terms);
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
      const termHash = hashOfKey(entry.fields[place] as number, key, key.length);
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
    const key = entry.keys[place] as Uint32Array;
    for (let word = 0; word < term.keyWords; word += 1) if (key[word] !== term.low[word]) return false;
  }
  return true;
}

/** What combinations are told apart by first; the later of two with the same hash takes the place of the earlier. */
export function hashOfTerms(terms: TermList): number {
  let hash = terms.count;
  for (let place = 0; place < terms.count; place += 1) hash = mix(hash, hashOfTerm(terms.at(place)));
  return hash;
}

function hashOfTerm(term: Term): number {
  return hashOfKey(term.fieldIndex, term.low, term.keyWords);
}

function hashOfKey(fieldIndex: number, key: Uint32Array, keyWords: number): number {
  let hash = mix(0, fieldIndex);
  for (let word = 0; word < keyWords; word += 1) hash = mix(hash, key[word] as number);
  return hash;
}

/** One step of MurmurHash3 (Appleby): fields and values are small numbers, for which simpler sums come out alike all the time. */
function mix(hash: number, word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
