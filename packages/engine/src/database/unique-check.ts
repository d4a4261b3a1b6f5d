/**
 * Uniqueness: no two rows have one value in a unique field, in the latest state and within a request. Null is no value.
 *
 * A key is taken when the visible index or the overlay names a row that still has it, unless the request itself takes it away from that row.
 */
import { type FieldValue, KLaniError, fieldValueToJson, showValue } from '@k-lani/protocol';
import { KEY_WORDS_MAX } from '../index/term.ts';
import { NONE } from '../memory/none.ts';
import { OrderedIndex } from '../index/ordered-index.ts';
import type { IndexDeclaration, StoredTable } from '../table/stored-table.ts';
import type { State } from './state.ts';
import { UniqueHolders } from '../snapshot/unique-holders.ts';

/** Stands for any row of a request: two rows of one request never share a key. */
const GIVEN = 1;

/** A row and the unique key that a request gives it; `row` reads like a record's body. */
export interface UniqueClaim {
  readonly table: StoredTable;
  /** 0 for a row that is appended. */
  readonly rowId: number;
  readonly index: IndexDeclaration;
  readonly key: Uint32Array;
  /** The value that the key is of, for messages. */
  readonly value: () => FieldValue;
}

export class UniqueCheck {
  readonly #state: State;
  readonly #key = new Uint32Array(KEY_WORDS_MAX);
  /** Keys that this request has given away already, by index, and those of them that have any. */
  readonly #given = new WeakMap<IndexDeclaration, UniqueHolders>();
  readonly #giving: UniqueHolders[] = [];
  /** Rows that this request changes: whether they still have a key is not for the stored state to say. */
  readonly #changed = new Set<string>();

  constructor(state: State) {
    this.#state = state;
  }

  /** Begins a request. */
  begin(): void {
    // Clearing an empty collection makes a new table for it.
    for (let given = this.#giving.pop(); given !== undefined; given = this.#giving.pop()) given.settle(Infinity);
    if (this.#changed.size > 0) this.#changed.clear();
  }

  /** Says that the request changes this row's unique key, or deletes the row. */
  releases(tableId: number, rowId: number, fieldIndex: number): void {
    this.#changed.add(`${tableId}/${rowId}/${fieldIndex}`);
  }

  /**
   * Takes a key for a row within the request.
   *
   * @throws {KLaniError} DuplicateKey
   */
  take(claim: UniqueClaim): void {
    const holder = this.#holder(claim);
    if (holder !== 0) throw duplicateKey(claim, `row ${holder} has it`);
    const given = this.#givenOf(claim.index);
    if (given.find(claim.key) !== 0) throw duplicateKey(claim, 'another row of the same request has it');
    if (given.count === 0) this.#giving.push(given);
    given.add(claim.key, GIVEN, 0);
  }

  #givenOf(index: IndexDeclaration): UniqueHolders {
    let given = this.#given.get(index);
    if (given === undefined) {
      given = new UniqueHolders(index.keyWords);
      this.#given.set(index, given);
    }
    return given;
  }

  /** The other row that has the key now and keeps it, or 0. */
  #holder(claim: UniqueClaim): number {
    const { table, index, key } = claim;
    const visible = this.#state.visible.find(table.id);
    const fieldIndex = visible?.hasIndex(index.fieldIndex) ? visible.index(index.fieldIndex) : undefined;
    const byIndex = fieldIndex instanceof OrderedIndex ? fieldIndex.first(key, key) : NONE;
    if (byIndex !== NONE && this.#keeps(claim, byIndex)) return byIndex;
    const pending = this.#state.overlay(table.id).uniqueHolder(index.fieldIndex, key);
    return pending !== 0 && this.#keeps(claim, pending) ? pending : 0;
  }

  #keeps(claim: UniqueClaim, rowId: number): boolean {
    const { table, index, key } = claim;
    if (rowId === claim.rowId || this.#changed.has(`${table.id}/${rowId}/${index.fieldIndex}`)) return false;
    const position = this.#state.latestPosition(table.id, rowId);
    if (position <= 0) return false;
    const at = this.#state.locateRecord(position);
    table.keyOfRecord(this.#state.log, at, index, this.#key);
    return key.every((word, place) => word === this.#key[place]);
  }
}

/** Whether a key stands for null, which is never a duplicate. */
export function isNullKey(table: StoredTable, index: IndexDeclaration, key: Uint32Array): boolean {
  return table.schema.fields[index.fieldIndex]?.required === false && key[0] === 0;
}

/** A unique key as a string of its own. */
export function uniqueKeyName(index: IndexDeclaration, key: Uint32Array): string {
  let name = String.fromCharCode(index.fieldIndex);
  for (let word = 0; word < index.keyWords; word += 1) {
    name += String.fromCharCode((key[word] ?? 0) >>> 16, (key[word] ?? 0) & 0xffff);
  }
  return name;
}

function duplicateKey(claim: UniqueClaim, why: string): KLaniError {
  const field = claim.table.schema.fields[claim.index.fieldIndex]?.name;
  const value = showValue(fieldValueToJson(claim.value()));
  return new KLaniError('DuplicateKey', `Cannot give field "${field}" of table "${claim.table.name}" the value ${value}: ${why}`);
}
