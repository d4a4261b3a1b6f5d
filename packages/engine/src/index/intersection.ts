/**
 * Row ids that meet every term of a query, by whatever indexes the fields have.
 *
 * One term (or all terms that are bitmaps together) drives: it yields candidates. The other terms filter them: a bitmap by its bit, any
 * other index by the key of the candidate's row.
 *
 * | driver | when | order of the row ids |
 * | --- | --- | --- |
 * | `none` | a term matches nothing | – |
 * | `bitmaps` | bitmaps are there, and no ordered term is much smaller | ascending, from the start round |
 * | `ordered` | the smallest ordered term otherwise | by key, from the start's part of the range round |
 * | `rows` | there are no terms | ascending, from the start round |
 */
import { assert } from '@k-lani/base';
import type { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { EqualityIndex } from './equality-index.ts';
import type { OrderedCursor } from './ordered-cursor.ts';
import { OrderedIndex } from './ordered-index.ts';
import type { Term, TermList } from './term.ts';
import { NONE } from '../memory/none.ts';
import type { RowLocations } from '../table/row-locations.ts';

/** An ordered term drives when the bitmaps' smallest is more than so many times larger: checking a row costs more than a bit. */
const BITMAPS_PREFERRED = 8;

/** What an intersection reads of a table. */
export interface IntersectionSource {
  readonly locations: RowLocations;
  index(fieldIndex: number): EqualityIndex | OrderedIndex;
}

/** Tells whether a row's field lies in a term's range, by reading the row. */
export type RowTest = (rowId: number, term: Term) => boolean;

export type Driver = 'none' | 'bitmaps' | 'ordered' | 'rows';

/** A plan as people read it. */
export interface Plan {
  readonly driver: Driver;
  /** At most how many rows the driver yields. */
  readonly estimate: number;
  /** What each term is: it drives, or it filters; and how many rows meet it alone. */
  readonly terms: readonly { readonly fieldIndex: number; readonly role: 'drives' | 'filters'; readonly rows: number }[];
}

/** Reusable: `begin`, then `next` until {@link NONE}, within one synchronous call. */
export class Intersection {
  readonly #bitmaps = new BitmapIntersection();
  readonly #driving: Bitmap[] = [];
  readonly #filters: Term[] = [];
  readonly #filterBitmaps: (Bitmap | undefined)[] = [];
  /** One cursor for each index that has driven, as long as the index is the same object. */
  readonly #cursors = new WeakMap<OrderedIndex, OrderedCursor>();
  #driver: Driver = 'none';
  #orderedTerm: Term | undefined;
  #cursor: OrderedCursor | undefined;
  #locations: RowLocations | undefined;
  #exclude: Bitmap | undefined;
  #test: RowTest;
  #startRowId = 1;
  #nextRowId = 0;
  #rowsLeft = 0;
  #estimate = 0;

  /** @param test decides ordered terms that filter */
  constructor(test: RowTest) {
    this.#test = test;
  }

  /**
   * Plans the query and begins it.
   *
   * @param exclude row ids to pass over
   * @param startRowId where to begin; the ids before it come last
   */
  begin(source: IntersectionSource, terms: TermList, exclude: Bitmap | undefined, startRowId: number): void {
    this.#plan(source, terms);
    this.#exclude = exclude;
    this.#startRowId = startRowId;
    if (this.#driver === 'bitmaps') {
      this.#bitmaps.begin(this.#driving, this.#driving.length, exclude, startRowId);
    } else if (this.#driver === 'ordered') this.#beginOrdered(source);
    else if (this.#driver === 'rows') {
      this.#locations = source.locations;
      this.#rowsLeft = source.locations.rowIdMax;
      this.#nextRowId = startRowId <= this.#rowsLeft ? startRowId : 1;
    }
  }

  /** The next row id that meets all terms; {@link NONE} at the end. */
  next(): number {
    for (;;) {
      const rowId = this.#candidate();
      if (rowId === NONE || this.#passes(rowId)) return rowId;
    }
  }

  /** How many row ids meet all terms. */
  count(source: IntersectionSource, terms: TermList): number {
    this.begin(source, terms, undefined, 1);
    if (this.#filters.length === 0) {
      if (this.#driver === 'bitmaps') return this.#driving.length === 1 ? this.#estimate : this.#bitmaps.countRest();
      if (this.#driver !== 'rows') return this.#estimate;
      return source.locations.liveCount;
    }
    let count = 0;
    while (this.next() !== NONE) count += 1;
    return count;
  }

  /** At most how many row ids meet all terms, without looking at rows. */
  estimate(source: IntersectionSource, terms: TermList): number {
    this.#plan(source, terms);
    return this.#driver === 'rows' ? source.locations.liveCount : this.#estimate;
  }

  /** How the query would be carried out. */
  explain(source: IntersectionSource, terms: TermList): Plan {
    const estimate = this.estimate(source, terms);
    const explained = [];
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const role = this.#filters.includes(term) || this.#driver === 'none' ? ('filters' as const) : ('drives' as const);
      explained.push({ fieldIndex: term.fieldIndex, role, rows: rowsOf(source.index(term.fieldIndex), term) });
    }
    return { driver: this.#driver, estimate, terms: explained };
  }

  #plan(source: IntersectionSource, terms: TermList): void {
    this.#driving.length = 0;
    this.#filters.length = 0;
    this.#filterBitmaps.length = 0;
    this.#orderedTerm = undefined;
    this.#driver = terms.count === 0 ? 'rows' : 'bitmaps';
    let fewestByBitmap = Infinity;
    let fewestByOrder = Infinity;
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const bitmap = bitmapOf(source, term);
      if (bitmap !== undefined) {
        this.#driving.push(bitmap);
        fewestByBitmap = Math.min(fewestByBitmap, bitmap.count);
        continue;
      }
      const rows = rowsOf(source.index(term.fieldIndex), term);
      if (rows === 0) this.#driver = 'none';
      if (rows < fewestByOrder) {
        fewestByOrder = rows;
        this.#orderedTerm = term;
      }
      this.#filters.push(term);
      this.#filterBitmaps.push(undefined);
    }
    this.#estimate = this.#driver === 'none' ? 0 : Math.min(fewestByBitmap, fewestByOrder);
    const ordered = this.#orderedTerm;
    if (ordered !== undefined && this.#driver === 'bitmaps' && fewestByOrder * BITMAPS_PREFERRED < fewestByBitmap) {
      this.#driveByOrder(source, terms, ordered);
    }
  }

  #driveByOrder(source: IntersectionSource, terms: TermList, driver: Term): void {
    this.#driver = 'ordered';
    this.#filters.length = 0;
    this.#filterBitmaps.length = 0;
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      if (term === driver) continue;
      this.#filters.push(term);
      this.#filterBitmaps.push(bitmapOf(source, term));
    }
  }

  #beginOrdered(source: IntersectionSource): void {
    const term = this.#orderedTerm;
    assert(term !== undefined, 'An ordered term drives');
    const index = orderedOf(source.index(term.fieldIndex));
    let cursor = this.#cursors.get(index);
    if (cursor === undefined) {
      cursor = index.cursor();
      this.#cursors.set(index, cursor);
    }
    const rowIdMax = source.locations.rowIdMax;
    cursor.begin(term.low, term.high, this.#startRowId > rowIdMax ? 0 : (this.#startRowId - 1) / rowIdMax);
    this.#cursor = cursor;
  }

  #candidate(): number {
    if (this.#driver === 'bitmaps') return this.#bitmaps.next();
    if (this.#driver === 'none') return NONE;
    for (;;) {
      const rowId = this.#driver === 'ordered' ? (this.#cursor?.next() ?? NONE) : this.#nextRow();
      if (rowId === NONE || this.#exclude === undefined || !this.#exclude.has(rowId)) return rowId;
    }
  }

  #nextRow(): number {
    const locations = this.#locations;
    assert(locations !== undefined, 'The rows drive');
    while (this.#rowsLeft > 0) {
      const rowId = this.#nextRowId;
      this.#rowsLeft -= 1;
      this.#nextRowId = rowId === locations.rowIdMax ? 1 : rowId + 1;
      if (locations.get(rowId) > 0) return rowId;
    }
    return NONE;
  }

  #passes(rowId: number): boolean {
    for (const [place, term] of this.#filters.entries()) {
      const bitmap = this.#filterBitmaps[place];
      if (bitmap === undefined ? !this.#test(rowId, term) : !bitmap.has(rowId)) return false;
    }
    return true;
  }
}

/** The bitmap of the rows that meet a term, where the index has one. */
function bitmapOf(source: IntersectionSource, term: Term): Bitmap | undefined {
  const index = source.index(term.fieldIndex);
  return index instanceof EqualityIndex && term.isEqual ? index.bitmapOf(term.low) : undefined;
}

function orderedOf(index: EqualityIndex | OrderedIndex): OrderedIndex {
  const ordered = index instanceof OrderedIndex ? index : index.ordered;
  assert(ordered !== undefined, 'An index that is no bitmap is ordered');
  return ordered;
}

/** How many rows meet a term alone. */
function rowsOf(index: EqualityIndex | OrderedIndex, term: Term): number {
  if (index instanceof OrderedIndex) return index.count(term.low, term.high);
  return index.estimate(term.low, term.high);
}
