/**
 * Where matches of equality terms begin, as a reader beside the writer remembers it. Nobody tells it of changes: it looks at the row ids that
 * the side lists as changed last (`side-root.ts`).
 *
 * 1. No row below an entry's `first` met all its terms when the side had listed `seen` changes. A row comes to meet them only by a change; so
 *    only rows listed since have to be looked at, and whether they meet the terms is asked of the indexes as they are now.
 * 2. What was found in a stay is remembered once the stay is known to have been whole.
 */
import { EqualityIndex } from '../index/equality-index.ts';
import type { Intersection, IntersectionSource } from '../index/intersection.ts';
import { hashOfTerms, type TermList } from '../index/term.ts';
import { NONE } from '../memory/none.ts';

/** Most combinations of terms that are remembered for a table; then all are forgotten. */
const ENTRIES_MAX = 1024;

/** The rows that were changed last, all tables together. */
export interface RecentChanges {
  /** How many there ever were, modulo 2^32. */
  readonly changes: number;
  /** How many of them are listed. */
  readonly listed: number;
  /** The row of change `number`, which is listed. */
  changedRow(number: number): number;
}

interface Entry {
  readonly fields: readonly number[];
  readonly keys: readonly Uint32Array[];
  first: number;
  seen: number;
}

export class FirstMatches {
  readonly #changes: RecentChanges;
  /** By the hash of the terms. */
  readonly #entries = new Map<number, Entry>();
  /** What the stay under way has found. */
  #found: Entry | undefined;
  #foundHash = 0;

  constructor(changes: RecentChanges) {
    this.#changes = changes;
  }

  /**
   * The first row that meets all terms, {@link NONE} when none does; 1 where it is not worth remembering, because the terms are less than two
   * or not all bitmaps.
   */
  find(source: IntersectionSource, terms: TermList, walk: Intersection): number {
    this.#found = undefined;
    if (terms.count < 2 || !areBitmaps(source, terms)) return 1;
    const { changes } = this.#changes;
    const hash = hashOfTerms(terms);
    const known = this.#entries.get(hash);
    const from = known !== undefined && isOf(known, terms) ? this.#firstSince(known, changes, { source, terms }) : 1;
    let first = from;
    if (from !== Infinity) {
      walk.begin(source, terms, undefined, from, from);
      const rowId = walk.next();
      first = rowId === NONE ? Infinity : rowId;
    }
    this.#foundHash = hash;
    this.#found = entryOf(terms, first, changes);
    return first === Infinity ? NONE : first;
  }

  /** Says that the stay of the last `find` was whole. */
  confirm(): void {
    if (this.#found === undefined) return;
    if (this.#entries.size >= ENTRIES_MAX) this.#entries.clear();
    this.#entries.set(this.#foundHash, this.#found);
    this.#found = undefined;
  }

  /** No row below this one meets the terms now. */
  #firstSince({ first, seen }: Entry, changes: number, asked: { source: IntersectionSource; terms: TermList }): number {
    const missed = (changes - seen) >>> 0;
    if (missed > this.#changes.listed) return 1;
    let lowest = first;
    for (let back = 1; back <= missed; back += 1) {
      const rowId = this.#changes.changedRow(changes - back);
      if (rowId < lowest && meetsAll(rowId, asked.source, asked.terms)) lowest = rowId;
    }
    return lowest;
  }
}

function areBitmaps(source: IntersectionSource, terms: TermList): boolean {
  for (let place = 0; place < terms.count; place += 1) {
    const { fieldIndex, isEqual, low } = terms.at(place);
    const index = source.index(fieldIndex);
    if (!isEqual || !(index instanceof EqualityIndex) || index.bitmapOf(low) === undefined) return false;
  }
  return true;
}

function meetsAll(rowId: number, source: IntersectionSource, terms: TermList): boolean {
  for (let place = 0; place < terms.count; place += 1) {
    const { fieldIndex, low } = terms.at(place);
    const index = source.index(fieldIndex);
    if (!(index instanceof EqualityIndex) || index.bitmapOf(low)?.has(rowId) !== true) return false;
  }
  return true;
}

function entryOf(terms: TermList, first: number, seen: number): Entry {
  const all = Array.from({ length: terms.count }, (_, place) => terms.at(place));
  return { fields: all.map(({ fieldIndex }) => fieldIndex), keys: all.map(({ low, keyWords }) => low.slice(0, keyWords)), first, seen };
}

function isOf({ fields, keys }: Entry, terms: TermList): boolean {
  if (fields.length !== terms.count) return false;
  for (let place = 0; place < terms.count; place += 1) {
    const { fieldIndex, low, keyWords } = terms.at(place);
    const key = keys[place] as Uint32Array;
    if (fields[place] !== fieldIndex || key.length !== keyWords) return false;
    for (let word = 0; word < keyWords; word += 1) if (key[word] !== low[word]) return false;
  }
  return true;
}
