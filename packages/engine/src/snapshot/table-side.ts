/** One side's derived state of one table: where its rows are, and its indexes. */
import { assert } from '@k-lani/base';
import { EqualityIndex } from '../index/equality-index.ts';
import { FirstMatches } from '../index/first-matches.ts';
import { OrderedIndex } from '../index/ordered-index.ts';
import type { TermList } from '../index/term.ts';
import type { PageStore } from '../memory/page-store.ts';
import { RowLocations } from '../table/row-locations.ts';
import type { IndexDeclaration } from '../table/stored-table.ts';

export type FieldIndex = EqualityIndex | OrderedIndex;

export class TableSide {
  readonly locations: RowLocations;
  /** Knows where matches of terms begin; told of every key that is added. */
  readonly firstMatches = new FirstMatches();
  /** By field index; `undefined` for a field without one. */
  readonly #indexes: (FieldIndex | undefined)[] = [];

  private constructor(locations: RowLocations) {
    this.locations = locations;
  }

  static create(store: PageStore): TableSide {
    return new TableSide(RowLocations.create(store));
  }

  /** The same structures in another store, which was copied from that of `other`. */
  static attach(store: PageStore, other: TableSide): TableSide {
    const side = new TableSide(new RowLocations(store, other.locations.rootPage));
    for (const [fieldIndex, index] of other.#indexes.entries()) {
      if (index === undefined) continue;
      side.#indexes[fieldIndex] =
        index instanceof EqualityIndex ? new EqualityIndex(store, index.rootPage) : new OrderedIndex(store, index.rootPage);
    }
    return side;
  }

  hasIndex(fieldIndex: number): boolean {
    return this.#indexes[fieldIndex] !== undefined;
  }

  /** Whether the fields of all terms are indexed here: a new index is not, before the schema that adds it is visible. */
  hasIndexes(terms: TermList): boolean {
    for (let place = 0; place < terms.count; place += 1) if (!this.hasIndex(terms.at(place).fieldIndex)) return false;
    return true;
  }

  /** The index of a field that has one. */
  index(fieldIndex: number): FieldIndex {
    const index = this.#indexes[fieldIndex];
    assert(index !== undefined, 'The field is indexed');
    return index;
  }

  /** A row id above which no row meets the terms; 0 when none does. */
  lastPossible(terms: TermList): number {
    let last = this.locations.rowIdMax;
    for (let place = 0; place < terms.count; place += 1) {
      const { fieldIndex, isEqual, low } = terms.at(place);
      const index = this.index(fieldIndex);
      if (!isEqual || !(index instanceof EqualityIndex) || index.ordered !== undefined) continue;
      last = Math.min(last, index.bitmapOf(low)?.last ?? 0);
    }
    return last;
  }

  /** Makes an empty index for a field. */
  addIndex(store: PageStore, declaration: IndexDeclaration): FieldIndex {
    const { fieldIndex, kind, keyWords } = declaration;
    const index = kind === 'non_unique' ? EqualityIndex.create(store, keyWords) : OrderedIndex.create(store, keyWords);
    this.#indexes[fieldIndex] = index;
    return index;
  }
}
