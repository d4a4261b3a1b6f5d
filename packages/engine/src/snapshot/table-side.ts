/** One side's derived state of one table: where its rows are, and its indexes. */
import { assert } from '@k-lani/base';
import { Combinations, type RowKeys } from '../index/combinations.ts';
import { EqualityIndex } from '../index/equality-index.ts';
import { OrderedIndex } from '../index/ordered-index.ts';
import type { Intersection } from '../index/intersection.ts';
import type { TermList } from '../index/term.ts';
import { NONE } from '../memory/none.ts';
import { PAGE_SIZE_BYTES, type PageStore } from '../memory/page-store.ts';
import { RowLocations } from '../table/row-locations.ts';
import { FirstMatches, type RecentChanges } from './first-matches.ts';
import type { IndexDeclaration } from '../table/stored-table.ts';

export type FieldIndex = EqualityIndex | OrderedIndex;

/** Where the structures of one table begin in the store: the root pages. */
export interface TableRoots {
  readonly locations: number;
  readonly indexes: readonly { readonly fieldIndex: number; readonly isOrdered: boolean; readonly rootPage: number }[];
}

/** Memory of one side of a table, bytes. */
export interface TableMemory {
  readonly locationsBytes: number;
  /** What queries left behind: where matches begin and how many there are. Not in pages, and not in checkpoints. */
  readonly rememberedBytes: number;
  readonly indexes: readonly { readonly fieldIndex: number; readonly sizeBytes: number }[];
}

export class TableSide {
  readonly locations: RowLocations;
  /** By field index; `undefined` for a field without one. */
  readonly #indexes: (FieldIndex | undefined)[] = [];
  /** Where matches of terms begin and how many there are; only where this object is told of every change. */
  #combinations: Combinations | undefined;
  /** Where matches begin, where this object is told of nothing. */
  #firstMatches: FirstMatches | undefined;

  private constructor(locations: RowLocations) {
    this.locations = locations;
  }

  static create(store: PageStore): TableSide {
    return new TableSide(RowLocations.create(store)).remembering();
  }

  /** The structures that begin at `roots`, in their store or in a copy of it. */
  static attach(store: PageStore, roots: TableRoots): TableSide {
    const side = new TableSide(new RowLocations(store, roots.locations));
    for (const { fieldIndex, isOrdered, rootPage } of roots.indexes) {
      side.#indexes[fieldIndex] = isOrdered ? new OrderedIndex(store, rootPage) : new EqualityIndex(store, rootPage);
    }
    return side;
  }

  /** Lets it remember what it finds, which asks for `changed` to be called from now on. Returns itself. */
  remembering(): this {
    this.#combinations = new Combinations();
    return this;
  }

  /** Lets it remember where matches begin, by what the side lists as changed. Returns itself. */
  following(changes: RecentChanges): this {
    this.#firstMatches = new FirstMatches(changes);
    return this;
  }

  /** Says that what was found last was found in a whole snapshot: it may be remembered. */
  confirm(): void {
    this.#firstMatches?.confirm();
  }

  /** Where its structures begin, indexes by rising field. */
  get roots(): TableRoots {
    const indexes = [...this.#indexes.entries()].flatMap(([fieldIndex, index]) =>
      index === undefined ? [] : [{ fieldIndex, isOrdered: index instanceof OrderedIndex, rootPage: index.rootPage }],
    );
    return { locations: this.locations.rootPage, indexes };
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

  /**
   * A row id below which no row meets all terms, `NONE` when none does at all.
   *
   * @param walk is begun anew for it
   */
  firstMatch(terms: TermList, walk: Intersection): number {
    return this.#combinations?.find(this, terms, walk) ?? this.#firstMatches?.find(this, terms, walk) ?? 1;
  }

  /** How many rows meet all terms. */
  countMatches(terms: TermList, walk: Intersection): number {
    const count = this.#combinations?.countOf(this, terms, walk) ?? NONE;
    return count === NONE ? walk.count(this, terms) : count;
  }

  /** What its structures take: pages in use, all of each counted. */
  get memory(): TableMemory {
    return {
      locationsBytes: this.locations.pageCount * PAGE_SIZE_BYTES,
      rememberedBytes: this.#combinations?.sizeBytes ?? 0,
      indexes: [...this.#indexes.entries()].flatMap(([fieldIndex, index]) =>
        index === undefined ? [] : [{ fieldIndex, sizeBytes: index.pageCount * PAGE_SIZE_BYTES }],
      ),
    };
  }

  /** Hears that a row was changed, as {@link Combinations.changed}; its indexes have been. */
  changed(rowId: number, before: RowKeys | undefined, after: RowKeys | undefined): void {
    this.#combinations?.changed(rowId, before, after);
  }

  /** A row id above which no row meets the terms; 0 when none does. */
  lastPossible(terms: TermList): number {
    let last = this.locations.rowIdMax;
    for (let place = 0; place < terms.count; place += 1) {
      const { fieldIndex, isEqual, low } = terms.at(place);
      const index = this.index(fieldIndex);
      if (!isEqual || !(index instanceof EqualityIndex)) continue;
      last = Math.min(last, index.bitmapOf(low)?.last ?? last);
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
