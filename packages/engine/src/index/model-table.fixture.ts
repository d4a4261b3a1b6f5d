/** For tests: a table of plain values, with the locations and indexes that the engine would keep of it. */
import { assert } from '@k-lani/base';
import { PageStore } from '../memory/page-store.ts';
import { RowLocations } from '../table/row-locations.ts';
import type { RowKeys } from './combinations.ts';
import { EqualityIndex } from './equality-index.ts';
import type { IntersectionSource } from './intersection.ts';
import { OrderedIndex } from './ordered-index.ts';
import { type Term, TermList } from './term.ts';

/** Words of every key. */
const MODEL_KEY_WORDS = 2;

/** A condition on a field, with plain values: equal to `low` when there is no `high`, else from `low` to `high`. */
export interface ModelTerm {
  readonly field: number;
  readonly low: number;
  readonly high?: number;
}

export class ModelTable implements IntersectionSource {
  readonly locations: RowLocations;
  /** The values of each row by field. */
  readonly rows = new Map<number, readonly number[]>();
  readonly #indexes: readonly (EqualityIndex | OrderedIndex)[];
  readonly #changed: (rowId: number, before: RowKeys | undefined, after: RowKeys | undefined) => void;

  /**
   * @param kinds the kind of index of each field
   * @param changed hears of every row that is changed, after it is
   */
  constructor(
    kinds: readonly ('equality' | 'ordered')[],
    changed: (rowId: number, before: RowKeys | undefined, after: RowKeys | undefined) => void = () => {},
  ) {
    const store = new PageStore();
    this.locations = RowLocations.create(store);
    this.#indexes = kinds.map((kind) =>
      kind === 'equality' ? EqualityIndex.create(store, MODEL_KEY_WORDS) : OrderedIndex.create(store, MODEL_KEY_WORDS),
    );
    this.#changed = changed;
  }

  index(fieldIndex: number): EqualityIndex | OrderedIndex {
    const index = this.#indexes[fieldIndex];
    assert(index !== undefined, 'ModelTable.index(): there is no such field');
    return index;
  }

  /** Puts a row in, or another in its place. */
  set(rowId: number, ...values: readonly number[]): void {
    const before = this.rows.get(rowId);
    for (const [field, value] of values.entries()) {
      if (before?.[field] === value) continue;
      if (before !== undefined) this.index(field).remove(modelKey(before[field]), rowId);
      this.index(field).add(modelKey(value), rowId);
    }
    this.#changed(
      rowId,
      before?.map((value) => modelKey(value)),
      values.map((value) => modelKey(value)),
    );
    this.locations.set(rowId, rowId * 100);
    this.rows.set(rowId, values);
  }

  delete(rowId: number): void {
    const before = this.rows.get(rowId);
    if (before === undefined) return;
    for (const [field, value] of before.entries()) this.index(field).remove(modelKey(value), rowId);
    this.#changed(
      rowId,
      before.map((value) => modelKey(value)),
      undefined,
    );
    this.rows.delete(rowId);
    this.locations.set(rowId, -rowId);
  }

  /** The row's value of a field. */
  value(rowId: number, field: number): number {
    const value = this.rows.get(rowId)?.[field];
    assert(value !== undefined, 'ModelTable.value(): there is no such row or field');
    return value;
  }

  /** The ids of the rows that meet all terms, ascending. */
  matching(terms: readonly ModelTerm[]): number[] {
    const meets = (rowId: number, { field, low, high = low }: ModelTerm): boolean => {
      const value = this.value(rowId, field);
      return value >= low && value <= high;
    };
    return [...this.rows.keys()].filter((rowId) => terms.every((term) => meets(rowId, term))).toSorted((a, b) => a - b);
  }

  /** What an `Intersection` over this table is given to test rows by. */
  test(rowId: number, { fieldIndex, low, high }: Term): boolean {
    const key = modelKey(this.value(rowId, fieldIndex));
    return compareKeys(low, key) <= 0 && compareKeys(key, high) <= 0;
  }
}

/** The key of a value from 0 to 2^30: ascending with it, the lower bits spread over the second word. */
function modelKey(value = 0): Uint32Array {
  return Uint32Array.of(value >>> 2, (value & 3) * 0x5555_5555);
}

/** The same terms as the engine has them. */
export function modelTerms(terms: readonly ModelTerm[]): TermList {
  const list = new TermList();
  for (const { field, low, high } of terms) {
    const term = list.add();
    term.fieldIndex = field;
    term.keyWords = MODEL_KEY_WORDS;
    term.isEqual = high === undefined;
    term.low.set(modelKey(low));
    term.high.set(modelKey(high ?? low));
  }
  return list;
}

function compareKeys(a: Uint32Array, b: Uint32Array): number {
  for (let word = 0; word < MODEL_KEY_WORDS; word += 1) {
    const difference = (a[word] as number) - (b[word] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
