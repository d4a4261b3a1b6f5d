/**
 * Payloads as plain JSON, for golden bytes and property tests: bytes are hexadecimal, integers of 64 bits are decimal texts unless they
 * are below 2^53 by rule (an lsn, a time), values of fields are as `field-json.ts` has them. The golden files carry these forms, so that
 * a client in any language can compare what it decodes.
 */
import {
  type ByteReader,
  type ByteWriter,
  decodeFieldSlot,
  decodeRow,
  defineTable,
  encodeRow,
  encodeTerm,
  encodeTerms,
  fencingToken,
  fencingTokenHigh,
  fencingTokenLow,
  type FieldValue,
  fieldPositionOf,
  fieldValueFromJson,
  fieldValueToJson,
  type JsonFieldValue,
  KLaniError,
  type LayoutSource,
  NO_SLOT,
  Opcode,
  type OpcodeName,
  type RowLayout,
  rowLayoutOf,
  TermForm,
  type TermOf,
  validateRow,
  type WireTerm,
} from '@k-lani/protocol';

/** One side of one command: how its payload is written from JSON and read back into it. */
export interface WireForm {
  /** "Seek request", "Claim answer with rows". */
  readonly name: string;
  readonly opcode: number;
  readonly isAnswer: boolean;
  encode(writer: ByteWriter, value: unknown): void;
  decode(reader: ByteReader): unknown;
}

/** A row in JSON. */
export type JsonRow = Readonly<Record<string, JsonFieldValue>>;

/** A term in JSON. */
export interface JsonTerm {
  readonly field: string;
  readonly eq?: JsonFieldValue;
  readonly gte?: JsonFieldValue;
  readonly gt?: JsonFieldValue;
  readonly lte?: JsonFieldValue;
  readonly lt?: JsonFieldValue;
}

/** The table that rows, terms and slots of the golden frames are of. */
export const SEATS = defineTable({
  table: 'seats',
  ownerField: 'event',
  fields: {
    event: { type: 'uint32', index: 'non_unique' },
    rank: { type: 'uint8', index: 'non_unique' },
    is_booked: { type: 'bool', index: 'non_unique', default: false },
    price: { type: 'accounting_numeric', scale: 2, index: 'ordered' },
    buyer: { type: 'fixed_string', length: 12, index: 'non_unique', required: false },
  },
});

/** The layout that every handle but 0 speaks here. */
export const SEATS_LAYOUT: RowLayout = rowLayoutOf(SEATS);

/** Gives every handle but 0 the table of seats. */
export const SEATS_LAYOUTS: LayoutSource = {
  layoutOf(handle) {
    if (handle === 0) throw new KLaniError('InvalidHandle', 'Cannot use handle: it is 0');
    return SEATS_LAYOUT;
  },
};

/** The form of a command's request. */
export function requestForm<T>(
  command: OpcodeName,
  encode: (writer: ByteWriter, value: T) => void,
  decode: (reader: ByteReader) => T,
): WireForm {
  return {
    name: `${command} request`,
    opcode: Opcode[command],
    isAnswer: false,
    encode: (writer, value) => encode(writer, value as T),
    decode,
  };
}

/** The form of a command's answer. */
export function answerForm<T>(
  command: OpcodeName,
  encode: (writer: ByteWriter, value: T) => void,
  decode: (reader: ByteReader) => T,
  variant = 'answer',
): WireForm {
  return {
    name: `${command} ${variant}`,
    opcode: Opcode[command],
    isAnswer: true,
    encode: (writer, value) => encode(writer, value as T),
    decode,
  };
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.subarray(start, end)).toString('hex');
}

/** The bytes of hexadecimal digits. */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

/** The halves of a fencing token in JSON. */
export function tokenHalves(token: string): { readonly tokenLow: number; readonly tokenHigh: number } {
  return { tokenLow: fencingTokenLow(BigInt(token)), tokenHigh: fencingTokenHigh(BigInt(token)) };
}

/** A fencing token in JSON. */
export function tokenJson({ tokenLow, tokenHigh }: { readonly tokenLow: number; readonly tokenHigh: number }): string {
  return fencingToken(tokenLow, tokenHigh).toString();
}

/** Writes a row of a layout from JSON. */
export function encodeJsonRow(writer: ByteWriter, row: JsonRow, layout = SEATS_LAYOUT): void {
  const values = Object.entries(row).map(([name, json]) => [name, fieldValue(layout, name, json)] as const);
  encodeRow(layout, Object.fromEntries(values), writer);
}

/** The bytes of a row of the table of seats. */
export function jsonRowBytes(writer: ByteWriter, row: JsonRow): { bytes: Uint8Array; start: number; end: number } {
  const before = writer.length;
  encodeJsonRow(writer, row);
  const bytes = writer.bytes.slice(before, writer.length);
  writer.length = before;
  return { bytes, start: 0, end: bytes.length };
}

/** A row of a layout in JSON. */
export function jsonRow(reader: ByteReader, start: number, end: number, layout = SEATS_LAYOUT): JsonRow {
  validateRow(layout, reader.bytes, reader.view, start, end - start);
  const row = decodeRow(layout, reader.bytes, reader.view, start, end - start);
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, fieldValueToJson(value)]));
}

/** The value that JSON holds for a field of the layout. */
export function fieldValue(layout: RowLayout, name: string, json: JsonFieldValue): FieldValue {
  const field = layout.fields[fieldPositionOf(layout, name)]?.field;
  return field === undefined ? null : fieldValueFromJson(field, json);
}

/** Writes a term of the table of seats from JSON. */
export function encodeJsonTerm(writer: ByteWriter, term: JsonTerm): void {
  encodeTerm(writer, SEATS_LAYOUT, termOf(term));
}

/** Writes terms of the table of seats from JSON. */
export function encodeJsonTerms(writer: ByteWriter, terms: readonly JsonTerm[]): void {
  encodeTerms(writer, SEATS_LAYOUT, terms.map(termOf));
}

/** A term of the table of seats in JSON. */
export function jsonTerm(reader: ByteReader, { field, form, lowOffset, highOffset }: WireTerm): JsonTerm {
  const term: Record<string, JsonFieldValue> = {};
  if (form === TermForm.equal) term['eq'] = jsonSlot(reader, field, lowOffset);
  else {
    if (lowOffset !== NO_SLOT) term[(form & TermForm.lowExclusive) === 0 ? 'gte' : 'gt'] = jsonSlot(reader, field, lowOffset);
    if (highOffset !== NO_SLOT) term[(form & TermForm.highExclusive) === 0 ? 'lte' : 'lt'] = jsonSlot(reader, field, highOffset);
  }
  return { field: fieldName(field), ...term };
}

/** A value of a field of seats in JSON. */
export function jsonSlot(reader: ByteReader, field: number, offset: number): JsonFieldValue {
  return fieldValueToJson(decodeFieldSlot(SEATS_LAYOUT, field, reader.bytes, reader.view, offset));
}

/** The name of a field of seats. */
export function fieldName(position: number): string {
  return SEATS_LAYOUT.fields[position]?.name ?? `#${position}`;
}

/** A term of seats as a client takes it. */
export function termOf({ field, ...conditions }: JsonTerm): TermOf<RowLayout['schema']> {
  const values = Object.entries(conditions).map(([condition, json]) => [condition, fieldValue(SEATS_LAYOUT, field, json)]);
  return { field, ...Object.fromEntries(values) };
}
