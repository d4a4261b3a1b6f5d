/**
 * Terms: what a query asks of one indexed field. Little-endian; `slot` is the table of `row-field-slot.ts`, so terms can only be read with
 * the layout of their table.
 *
 * Terms
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 1 | count | 0 to 16 |
 * | 1 | … | terms | one after the other |
 *
 * Term
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 2 | field | its position in the schema, from 0 |
 * | 2 | 1 | form | 0: equal to the one slot that follows; else bits: 1 has a lower bound, 2 that one is exclusive, 4 has an upper bound, 8 that one is exclusive |
 * | 3 | … | slots | form 0: the value; else the lower bound if there is one, then the upper bound if there is one |
 *
 * 1. A form other than 0 has at least one bound, and a bound for each exclusive bit.
 * 2. A bound is not null. Equality with null finds the rows without a value.
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { showValue } from '../field-error.ts';
import { TERMS_MAX } from '../limits.ts';
import { encodeFieldSlot, validateFieldSlot } from '../row-field-slot.ts';
import { fieldPositionOf, type RowLayout } from '../row-layout.ts';
import type { TableSchema, TermOf } from '../schema-types.ts';
import { checkCount } from './bounds.ts';
import { arrayOf } from './list.ts';

/** The bits of a term's form. */
export const TermForm = { equal: 0, low: 1, lowExclusive: 2, high: 4, highExclusive: 8 } as const;

/** In place of an offset: there is no such slot. */
export const NO_SLOT = -1;

/** One term in the bytes that it was read from, and valid as long as they are. */
export interface WireTerm {
  /** Position of the field in the schema. */
  readonly field: number;
  /** Bits of {@link TermForm}. */
  readonly form: number;
  /** Where the slot of the value or of the lower bound begins, checked; or `NO_SLOT`. */
  readonly lowOffset: number;
  /** Where the slot of the upper bound begins, checked; or `NO_SLOT`. */
  readonly highOffset: number;
}

/** Finds the layout that a session's handle speaks. */
export interface LayoutSource {
  /** @throws {KLaniError} `InvalidHandle` */
  layoutOf(handle: number): RowLayout;
}

interface AnyTerm {
  readonly field: string;
  readonly eq?: unknown;
  readonly gte?: unknown;
  readonly gt?: unknown;
  readonly lte?: unknown;
  readonly lt?: unknown;
}

/**
 * Writes the terms of a query, from values that nobody has checked.
 *
 * @throws {KLaniError} `InvalidArgument` for too many terms or one without a condition, `UnknownField`, and what `encodeFieldSlot` throws
 */
export function encodeTerms<S extends TableSchema>(writer: ByteWriter, layout: RowLayout<S>, terms: readonly TermOf<S>[]): void {
  checkCount('count of terms', terms.length, 0, TERMS_MAX);
  writer.u8(terms.length);
  for (let index = 0; index < terms.length; index += 1) encodeTerm(writer, layout, terms[index] as TermOf<S>);
}

/**
 * Writes one term, from values that nobody has checked.
 *
 * @throws {KLaniError} `InvalidArgument` for one without a condition, `UnknownField`, and what `encodeFieldSlot` throws
 */
export function encodeTerm<S extends TableSchema>(writer: ByteWriter, layout: RowLayout<S>, term: TermOf<S>): void {
  const { field, eq, gte, gt, lte, lt } = term as AnyTerm;
  const position = fieldPositionOf(layout, field);
  // Not `??`: null is a bound, and a wrong one.
  const low = gt === undefined ? gte : gt;
  const high = lt === undefined ? lte : lt;
  writer.u16(position);
  if (eq !== undefined) {
    if (low !== undefined || high !== undefined) throw termError(field, 'it has eq and a bound, must have one of them');
    writer.u8(TermForm.equal);
    encodeFieldSlot(layout, position, eq, writer);
    return;
  }
  const exclusive = (gt === undefined ? 0 : TermForm.lowExclusive) | (lt === undefined ? 0 : TermForm.highExclusive);
  const form = (low === undefined ? 0 : TermForm.low) | (high === undefined ? 0 : TermForm.high) | exclusive;
  if (form === 0) throw termError(field, 'it has no condition, must have eq, gte, gt, lte or lt');
  if ((gt !== undefined && gte !== undefined) || (lt !== undefined && lte !== undefined)) {
    throw termError(field, 'it has two bounds on one side, must have one');
  }
  writer.u8(form);
  if (low !== undefined) encodeBound(writer, layout, position, low);
  if (high !== undefined) encodeBound(writer, layout, position, high);
}

function encodeBound(writer: ByteWriter, layout: RowLayout, position: number, bound: unknown): void {
  const start = writer.length;
  encodeFieldSlot(layout, position, bound, writer);
  if (writer.bytes[start] === 0) throw nullBound(layout, position);
}

/**
 * Reads the terms of a query.
 *
 * @throws {KLaniError} `InvalidArgument` for too many terms or a null bound, `UnknownField`, `Protocol`, and what `validateFieldSlot` throws
 */
export function decodeTerms(reader: ByteReader, layout: RowLayout): WireTerm[] {
  const count = reader.u8();
  checkCount('count of terms', count, 0, TERMS_MAX);
  const terms = arrayOf<WireTerm>(count);
  for (let index = 0; index < count; index += 1) terms[index] = decodeTerm(reader, layout);
  return terms;
}

/**
 * Reads one term.
 *
 * @throws {KLaniError} as `decodeTerms`
 */
export function decodeTerm(reader: ByteReader, layout: RowLayout): WireTerm {
  const field = reader.u16();
  const form = reader.u8();
  if (form === TermForm.equal) return { field, form, lowOffset: takeSlot(reader, layout, field), highOffset: NO_SLOT };
  if (!isForm(form)) throw new KLaniError('Protocol', `Cannot read term: form is ${form}, must be 0 or bounds with their exclusive bits`);
  const lowOffset = (form & TermForm.low) === 0 ? NO_SLOT : takeBound(reader, layout, field);
  const highOffset = (form & TermForm.high) === 0 ? NO_SLOT : takeBound(reader, layout, field);
  return { field, form, lowOffset, highOffset };
}

/**
 * Passes over the value of a field.
 *
 * @returns where it begins
 * @throws {KLaniError} what `validateFieldSlot` throws
 */
export function takeSlot(reader: ByteReader, layout: RowLayout, field: number): number {
  const { offset } = reader;
  reader.offset = validateFieldSlot(layout, field, reader.bytes, reader.view, offset, reader.end);
  return offset;
}

function takeBound(reader: ByteReader, layout: RowLayout, field: number): number {
  const offset = takeSlot(reader, layout, field);
  if (reader.bytes[offset] === 0) throw nullBound(layout, field);
  return offset;
}

function isForm(form: number): boolean {
  if (form > 15 || (form & (TermForm.low | TermForm.high)) === 0) return false;
  if ((form & TermForm.lowExclusive) !== 0 && (form & TermForm.low) === 0) return false;
  return (form & TermForm.highExclusive) === 0 || (form & TermForm.high) !== 0;
}

function nullBound(layout: RowLayout, position: number): KLaniError {
  return termError(layout.fields[position]?.name ?? position, 'a bound is null, must be a value');
}

function termError(field: unknown, problem: string): KLaniError {
  return new KLaniError('InvalidArgument', `Cannot ask field ${showValue(field)}: ${problem}`);
}
