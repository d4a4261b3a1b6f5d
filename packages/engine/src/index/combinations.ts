/**
 * Remembers of combinations of equality terms from which row id on rows meet them, and how many do. Without the first, every claim in a
 * large table would walk over everything that is sold already: each term alone has rows there, only all together have none. Without the
 * second, a count would walk over all that meets the rarest term.
 *
 * 1. No row below an entry's first meets all its terms, in the side that this belongs to; a count that is known is exact.
 * 2. `changed` hears of every row that is changed, with the keys of all its indexes before and after. So it finds the one combination of
 *    each set of fields that the row left, and the one that it came to meet, however many are remembered.
 */
import type { Intersection, IntersectionSource } from './intersection.ts';
import { CombinationTable, NOT_ANY } from './combination-table.ts';
import type { Term, Terms } from './term.ts';
import { NONE } from '../memory/none.ts';

/** Most sets of fields whose combinations are remembered; the oldest is forgotten. */
const TABLES_MAX = 8;

/** A combination of which a term has no more rows is not remembered: walking over them costs less. */
const ROWS_NOT_REMEMBERED = 64;

/** A row's keys by field, those of the fields that have indexes. */
export type RowKeys = readonly (Uint32Array | undefined)[];

export class Combinations implements Terms {
  readonly #tables: CombinationTable[] = [];
  /** The equality terms being asked for, in the order of their fields, each field once. */
  readonly #terms: Term[] = [];
  count = 0;
  /** What of the terms asked for is beside: ranges. */
  #others = 0;

  /** The term at `index` of those being asked for. */
  at(index: number): Term {
    return this.#terms[index] as Term;
  }

  /** Memory held, bytes. */
  get sizeBytes(): number {
    return this.#tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /**
   * A row id below which no row meets all terms, {@link NONE} when none does. It is that of the first row where all terms are equalities,
   * at least two; 1 where nothing is remembered, because the terms have less than two equalities or few rows.
   *
   * @param walk is begun anew for it
   */
  find(source: IntersectionSource, terms: Terms, walk: Intersection): number {
    if (terms.count < 2) return 1;
    if (!this.#take(terms)) return NONE;
    if (this.count < 2) return 1;
    const table = this.#table();
    const slot = this.#slot(table, source, walk);
    if (slot < 0) return 1;
    const first = table.first(slot);
    if (first === NOT_ANY) return NONE;
    walk.begin(source, this, undefined, first, first);
    const rowId = walk.next();
    table.setFirst(slot, rowId === NONE ? NOT_ANY : rowId);
    return rowId;
  }

  /**
   * How many rows meet all terms, {@link NONE} where that is not remembered, because there are ranges, less than two equalities, or few rows.
   *
   * @param walk counts them when they are asked for first
   */
  countOf(source: IntersectionSource, terms: Terms, walk: Intersection): number {
    if (terms.count < 2) return NONE;
    if (!this.#take(terms)) return 0;
    if (this.count < 2 || this.#others > 0) return NONE;
    const table = this.#table();
    const slot = this.#slot(table, source, walk);
    if (slot < 0) return NONE;
    const first = table.first(slot);
    if (first === NOT_ANY) return 0;
    const known = table.count(slot);
    if (known !== NOT_ANY) return known;
    walk.begin(source, this, undefined, first, first);
    const count = walk.countRest();
    table.setCount(slot, count);
    if (count === 0) table.setFirst(slot, NOT_ANY);
    return count;
  }

  /** Hears that a row is changed. `before` or `after` is `undefined` where the row is none. */
  changed(rowId: number, before: RowKeys | undefined, after: RowKeys | undefined): void {
    for (let place = 0; place < this.#tables.length; place += 1) {
      const table = this.#tables[place] as CombinationTable;
      if (before !== undefined && after !== undefined && table.areAlike(before, after)) continue;
      if (before !== undefined) left(table, before);
      if (after !== undefined) came(table, after, rowId);
    }
  }

  /** Takes the equalities of the terms, in order. Returns false when two of them exclude each other. */
  #take(terms: Terms): boolean {
    this.count = 0;
    this.#others = 0;
    for (let place = 0; place < terms.count; place += 1) {
      const term = terms.at(place);
      if (!term.isEqual) {
        this.#others += 1;
        continue;
      }
      let at = this.count;
      while (at > 0 && (this.#terms[at - 1] as Term).fieldIndex > term.fieldIndex) at -= 1;
      const same = at > 0 ? (this.#terms[at - 1] as Term) : undefined;
      if (same?.fieldIndex === term.fieldIndex) {
        if (!haveSameKey(same, term)) return false;
        continue;
      }
      for (let from = this.count; from > at; from -= 1) this.#terms[from] = this.#terms[from - 1] as Term;
      this.#terms[at] = term;
      this.count += 1;
    }
    this.#terms.length = this.count;
    return true;
  }

  /** The slot of the combination; -1 when it is not remembered, and so few rows may meet it that it need not be. */
  #slot(table: CombinationTable, source: IntersectionSource, walk: Intersection): number {
    const slot = table.slotOf(this.#terms);
    return slot >= 0 || walk.estimate(source, this) <= ROWS_NOT_REMEMBERED ? slot : table.add();
  }

  #table(): CombinationTable {
    for (const table of this.#tables) if (table.isOf(this.#terms, this.count)) return table;
    const table = new CombinationTable(this.#terms);
    if (this.#tables.length === TABLES_MAX) this.#tables.shift();
    this.#tables.push(table);
    return table;
  }
}

/** A row is no longer what its keys say: one fewer meets their combination. */
function left(table: CombinationTable, keys: RowKeys): void {
  const slot = table.slotOfRow(keys);
  if (slot < 0) return;
  const count = table.count(slot);
  if (count !== NOT_ANY) table.setCount(slot, count - 1);
}

/** A row has come to be what its keys say: one more meets their combination. */
function came(table: CombinationTable, keys: RowKeys, rowId: number): void {
  const slot = table.slotOfRow(keys);
  if (slot < 0) return;
  const count = table.count(slot);
  if (count !== NOT_ANY) table.setCount(slot, count + 1);
  if (rowId < table.first(slot)) table.setFirst(slot, rowId);
}

function haveSameKey(one: Term, other: Term): boolean {
  for (let word = 0; word < one.keyWords; word += 1) if (one.low[word] !== other.low[word]) return false;
  return true;
}
