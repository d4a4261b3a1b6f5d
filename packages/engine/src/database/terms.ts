/** Turns the terms of a request into ranges of keys. */
import { assert } from '@k-lani/base';
import {
  NO_SLOT,
  TermForm,
  decrementKey,
  expectIndexed,
  fieldLayoutAt,
  highestKey,
  incrementKey,
  keyFromSlot,
  lowestKey,
  type Field,
  type WireTerm,
} from '@k-lani/protocol';
import type { Term, TermList } from '../index/term.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { indexOf } from './state.ts';

/**
 * Fills `list` with terms that were decoded from memory that `view` reads.
 *
 * @throws {KLaniError} UnknownField, FieldNotIndexed
 */
export function fillTerms(list: TermList, table: StoredTable, terms: readonly WireTerm[], view: DataView): void {
  list.clear();
  for (const wire of terms) {
    const { field } = fieldLayoutAt(table.layout, wire.field);
    const isEqual = wire.form === TermForm.equal;
    expectIndexed(table.layout, field, isEqual ? 'equality' : 'range');
    const term = list.add();
    term.fieldIndex = wire.field;
    term.keyWords = indexOf(table, wire.field).keyWords;
    term.isEqual = isEqual;
    if (isEqual) {
      assert(wire.lowOffset !== NO_SLOT, 'An equality has a value');
      keyFromSlot(field, view, wire.lowOffset + 1, view.getUint8(wire.lowOffset) === 1, term.low, 0);
      for (let word = 0; word < term.keyWords; word += 1) term.high[word] = term.low[word] as number;
    } else setRange(term, field, wire, view);
  }
}

function setRange(term: Term, field: Field, wire: WireTerm, view: DataView): void {
  const { low, high, keyWords } = term;
  if (wire.lowOffset === NO_SLOT) lowestKey(field, low, 0);
  else keyFromSlot(field, view, wire.lowOffset + 1, true, low, 0);
  if (wire.highOffset === NO_SLOT) highestKey(field, high, 0);
  else keyFromSlot(field, view, wire.highOffset + 1, true, high, 0);
  const hasLow = (wire.form & TermForm.lowExclusive) === 0 || incrementKey(low, 0, keyWords);
  const hasHigh = (wire.form & TermForm.highExclusive) === 0 || decrementKey(high, 0, keyWords);
  if (hasLow && hasHigh) return;
  // Nothing lies beyond the last key: an inverted range, which matches no row.
  low.fill(0xffff_ffff, 0, keyWords);
  high.fill(0, 0, keyWords);
}
