/**
 * Row ids that meet every term of a query, by whatever indexes the fields have.
 *
 * A term is met by a bitmap where its value has one, else by a range of an ordered index: a single key of it is a range too. All bitmaps
 * together, or one range, drive: they yield candidates. What does not drive filters them: a bitmap by its bit, a range by the key of the
 * candidate's row.
 *
 * | driver | when | order of the row ids |
 * | --- | --- | --- |
 * | `none` | a term matches nothing | – |
 * | `ordered` | testing the rows of the smallest equality costs more than walking the smallest range | by key, from the start's part of the range round |
 * | `bitmaps` | otherwise, if the smallest equality has a bitmap | ascending, from the start round |
 * | `ordered` | otherwise: that equality is one key of a tree | ascending, from the start round |
 * | `rows` | there are no terms | ascending, from the start round |
 *
 * 1. Each row id that meets all terms comes exactly once, whatever drives.
 * 2. The order follows from the terms and how many rows meet each of them, not from the form that a value has in its index, which depends on
 *    what became of it before.
 */
import { assert } from '@k-lani/base';
import type { Bitmap } from './bitmap.ts';
import { BitmapIntersection } from './bitmap-intersection.ts';
import { EqualityIndex } from './equality-index.ts';
import type { OrderedCursor } from './ordered-cursor.ts';
import { OrderedIndex } from './ordered-index.ts';
import type { Term, Terms } from './term.ts';
import { NONE } from '../memory/none.ts';
import type { RowLocations } from '../table/row-locations.ts';

/** Testing a row by its record costs as much as so many steps of a range. */
const ROW_TEST_STEPS = 8;

/** Of a term that is a bitmap, among the ranges. */
const NO_PLACE = -1;

/** An import that the walk uses: see `pageOffset()`. */
const NO_ROW = NONE;

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
  /** At most how many rows meet all terms. */
  readonly estimate: number;
  /** What each term is: it drives, or it filters; and how many rows meet it alone. */
  readonly terms: readonly { readonly fieldIndex: number; readonly role: 'drives' | 'filters'; readonly rows: number }[];
}

/**
 * Reusable: `begin`, then `next` until {@link NONE}, within one synchronous call. Makes no garbage once it has seen as many terms as it will,
 * and each ordered index.
 */
export class Intersection {
  readonly #walk = new BitmapIntersection();
  /** The terms that are bitmaps. */
  readonly #bitmaps: Bitmap[] = [];
  #bitmapCount = 0;
  /** The terms that are ranges, but for the one that drives. */
  readonly #ranges: Term[] = [];
  #rangeCount = 0;
  /** One cursor for each index that has driven, as long as the index is the same object. */
  readonly #cursors = new WeakMap<OrderedIndex, OrderedCursor>();
  #driver: Driver = 'none';
  #drivingRange: Term | undefined;
  /** At most how many rows meet all terms; exact where nothing filters and not several bitmaps drive. */
  #estimate = 0;

  /** Where the candidates are from if ranges or rows drive, and what they are not. */
  #cursor: OrderedCursor | undefined;
  #locations: RowLocations | undefined;
  #exclude: Bitmap | undefined;
  /** If rows drive: the next one to look at, how many there still are, and after which to go round. */
  #nextRowId = 0;
  #rowsLeft = 0;
  #rowIdMax = 0;
  readonly #test: RowTest;

  /** @param test decides ranges that filter */
  constructor(test: RowTest) {
    this.#test = test;
  }

  /**
   * Plans the query and begins it.
   *
   * @param terms are not to change before the last `next()`, nor are the indexes
   * @param exclude row ids to pass over
   * @param startRowId where to begin, 1 to 2^32 - 1; the ids before it come last
   * @param firstRowId no row below this one meets all terms; where candidates come ascending, they begin there
   */
  begin(source: IntersectionSource, terms: Terms, exclude: Bitmap | undefined, startRowId: number, firstRowId = 1): void {
    assert(startRowId >= 1, 'Intersection.begin(): the start is not a row id');
    this.#plan(source, terms);
    this.#exclude = exclude;
    if (this.#driver === 'bitmaps')
      this.#walk.begin(this.#bitmaps, this.#bitmapCount, exclude, Math.max(startRowId, firstRowId), firstRowId);
    else if (this.#driver === 'ordered') this.#beginOrdered(source, startRowId, firstRowId);
    else if (this.#driver === 'rows') this.#beginRows(source, startRowId);
  }

  /** The next row id that meets all terms; {@link NONE} at the end. */
  next(): number {
    if (this.#driver === 'bitmaps') return this.#rangeCount === 0 ? this.#walk.next() : this.#nextOfBitmaps();
    if (this.#driver === 'ordered') return this.#nextOrdered();
    return this.#driver === 'rows' ? this.#nextRow() : NO_ROW;
  }

  /** How many row ids meet all terms. */
  count(source: IntersectionSource, terms: Terms): number {
    this.begin(source, terms, undefined, 1);
    const filters = this.#rangeCount + (this.#driver === 'ordered' ? this.#bitmapCount : 0);
    const isExact = this.#driver === 'none' || (filters === 0 && (this.#driver !== 'bitmaps' || this.#bitmapCount === 1));
    return isExact ? this.#estimate : this.countRest();
  }

  /** How many row ids `next()` would still return; afterwards it returns none. */
  countRest(): number {
    if (this.#driver === 'bitmaps' && this.#rangeCount === 0) return this.#walk.countRest();
    let count = 0;
    while (this.next() !== NO_ROW) count += 1;
    return count;
  }

  /** At most how many row ids meet all terms, without looking at rows. */
  estimate(source: IntersectionSource, terms: Terms): number {
    this.#plan(source, terms);
    return this.#estimate;
  }

  /** How the query would be carried out. */
  explain(source: IntersectionSource, terms: Terms): Plan {
    this.#plan(source, terms);
    const explained = [];
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const index = source.index(term.fieldIndex);
      const drives = this.#driver === 'bitmaps' ? bitmapOf(index, term) !== undefined : term === this.#drivingRange;
      const role = drives ? ('drives' as const) : ('filters' as const);
      explained.push({ fieldIndex: term.fieldIndex, role, rows: rowsOf(index, term) });
    }
    return { driver: this.#driver, estimate: this.#estimate, terms: explained };
  }

  #plan(source: IntersectionSource, terms: Terms): void {
    this.#bitmapCount = 0;
    this.#rangeCount = 0;
    this.#drivingRange = undefined;
    // Of equalities in whatever form, and of ranges: the fewest rows, and the place among the ranges of the term that has them.
    let rowsOfEquality = Infinity;
    let smallestEquality = NO_PLACE;
    let rowsOfRange = Infinity;
    let smallestRange = NO_PLACE;
    let rangeTerms = 0;
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      const index = source.index(term.fieldIndex);
      const bitmap = bitmapOf(index, term);
      const rows = bitmap === undefined ? rowsOf(index, term) : bitmap.count;
      const rangePlace = bitmap === undefined ? this.#rangeCount : NO_PLACE;
      if (bitmap !== undefined) {
        this.#bitmaps[this.#bitmapCount] = bitmap;
        this.#bitmapCount += 1;
      } else {
        this.#ranges[this.#rangeCount] = term;
        this.#rangeCount += 1;
      }
      if (!term.isEqual) rangeTerms += 1;
      if (term.isEqual && rows < rowsOfEquality) {
        rowsOfEquality = rows;
        smallestEquality = rangePlace;
      } else if (!term.isEqual && rows < rowsOfRange) {
        rowsOfRange = rows;
        smallestRange = rangePlace;
      }
    }
    this.#estimate = terms.count === 0 ? source.locations.liveCount : Math.min(rowsOfEquality, rowsOfRange);
    if (terms.count === 0) this.#driver = 'rows';
    else if (this.#estimate === 0) this.#driver = 'none';
    else if (rangeTerms > 0 && rowsOfRange * stepsPerRow(rangeTerms) <= rowsOfEquality * ROW_TEST_STEPS) this.#driveByRange(smallestRange);
    else if (smallestEquality === NO_PLACE) this.#driver = 'bitmaps';
    else this.#driveByRange(smallestEquality);
  }

  #driveByRange(place: number): void {
    this.#driver = 'ordered';
    this.#drivingRange = this.#ranges[place];
    this.#rangeCount -= 1;
    this.#ranges[place] = this.#ranges[this.#rangeCount] as Term;
  }

  #beginOrdered(source: IntersectionSource, startRowId: number, firstRowId: number): void {
    const term = this.#drivingRange;
    assert(term !== undefined, 'A range drives');
    const index = orderedOf(source.index(term.fieldIndex));
    let cursor = this.#cursors.get(index);
    if (cursor === undefined) {
      cursor = index.cursor();
      this.#cursors.set(index, cursor);
    }
    const { rowIdMax } = source.locations;
    if (term.isEqual) cursor.beginKey(term.low, Math.max(startRowId, firstRowId), firstRowId);
    else cursor.begin(term.low, term.high, startRowId > rowIdMax ? 0 : (startRowId - 1) / rowIdMax);
    this.#cursor = cursor;
  }

  #beginRows({ locations }: IntersectionSource, startRowId: number): void {
    this.#locations = locations;
    this.#rowIdMax = locations.rowIdMax;
    this.#rowsLeft = this.#rowIdMax;
    this.#nextRowId = startRowId <= this.#rowIdMax ? startRowId : 1;
  }

  #nextOfBitmaps(): number {
    for (;;) {
      const rowId = this.#walk.next();
      if (rowId === NO_ROW || this.#passesRanges(rowId)) return rowId;
    }
  }

  #nextOrdered(): number {
    const cursor = this.#cursor as OrderedCursor;
    const exclude = this.#exclude;
    for (;;) {
      const rowId = cursor.next();
      if (rowId === NO_ROW) return NO_ROW;
      if (exclude !== undefined && exclude.has(rowId)) continue;
      if (this.#passesBitmaps(rowId) && this.#passesRanges(rowId)) return rowId;
    }
  }

  #nextRow(): number {
    const locations = this.#locations as RowLocations;
    const exclude = this.#exclude;
    while (this.#rowsLeft > 0) {
      const rowId = this.#nextRowId;
      this.#rowsLeft -= 1;
      this.#nextRowId = rowId === this.#rowIdMax ? 1 : rowId + 1;
      if (locations.get(rowId) > 0 && (exclude === undefined || !exclude.has(rowId))) return rowId;
    }
    return NO_ROW;
  }

  #passesBitmaps(rowId: number): boolean {
    for (let place = 0; place < this.#bitmapCount; place += 1) {
      if (!(this.#bitmaps[place] as Bitmap).has(rowId)) return false;
    }
    return true;
  }

  #passesRanges(rowId: number): boolean {
    for (let place = 0; place < this.#rangeCount; place += 1) {
      if (!this.#test(rowId, this.#ranges[place] as Term)) return false;
    }
    return true;
  }
}

/** The bitmap of the rows that meet a term, where its value has one. */
function bitmapOf(index: EqualityIndex | OrderedIndex, term: Term): Bitmap | undefined {
  return index instanceof EqualityIndex && term.isEqual ? index.bitmapOf(term.low) : undefined;
}

/** How many rows meet a term alone. */
function rowsOf(index: EqualityIndex | OrderedIndex, { low, high }: Term): number {
  return index instanceof EqualityIndex ? index.count(low) : index.count(low, high);
}

/** What a row of a range that drives costs, in steps, when there are so many ranges: the others test it by its record. */
function stepsPerRow(rangeCount: number): number {
  return rangeCount === 1 ? 1 : 1 + ROW_TEST_STEPS;
}

function orderedOf(index: EqualityIndex | OrderedIndex): OrderedIndex {
  const ordered = index instanceof OrderedIndex ? index : index.tree;
  assert(ordered !== undefined, 'A value that has rows and no bitmap has them in the tree');
  return ordered;
}
