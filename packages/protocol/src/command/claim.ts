/**
 * Claim: rows that meet the terms are chosen, verified and changed in one step, all lines or nothing. Little-endian; `slot` is in
 * `row-field-slot.ts`, `terms` in `term.ts`, `opid` an operation id of 16 bytes.
 *
 * Request
 *
 * | size | field | meaning |
 * | --- | --- | --- |
 * | 16 | opid | |
 * | 1 | flags | 1: answer with the rows as they are after the change |
 * | 1 | line count | 1 to 64 |
 * | … | lines | one after the other |
 *
 * Line
 *
 * | size | field | meaning |
 * | --- | --- | --- |
 * | 4 | handle | of the table |
 * | … | terms | that a row must meet |
 * | 1 | order | 0: as the search finds them; others are reserved |
 * | 1 | adjacency | 0: any rows; others are reserved |
 * | 2 | count | rows to take, 1 to 1024 |
 * | 1 | assignment count | 1 to 64 |
 * | … | assignments | one after the other |
 *
 * Assignment
 *
 * | size | field | meaning |
 * | --- | --- | --- |
 * | 2 | field | its position in the schema; no field twice in a line |
 * | 1 | mode | 0: set to the slot; 1: add the slot, reserved |
 * | … | slot | the value |
 *
 * Answer
 *
 * | size | field | meaning |
 * | --- | --- | --- |
 * | 8 | lsn | of the last change |
 * | 1 | line count | that of the request |
 * | … | lines | for each: u16 count, then `count` rows: u32 row id, u32 version, and where the request has flag 1: u32 length, row |
 *
 * Refusal: status NoneAvailable, or AllLocked with retry-after in the header
 *
 * | size | field | meaning |
 * | --- | --- | --- |
 * | 4 + n | message | text, as in every refusal |
 * | 1 | line | the first line, from 0, that found too few rows |
 *
 * 1. The reserved values are answered with `Unsupported` and change nothing.
 * 2. A row that was asked for has length 0 where the answer would be longer than the limit for one answer with it: the claim is done, and
 *    the row is there to be fetched.
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { showValue } from '../field-error.ts';
import { ASSIGNMENTS_MAX, CLAIM_LINES_MAX, CLAIM_ROWS_MAX, OPERATION_ID_SIZE } from '../limits.ts';
import { encodeFieldSlot } from '../row-field-slot.ts';
import { fieldPositionOf, type RowLayout } from '../row-layout.ts';
import type { NewRowOf, TableSchema, TermOf } from '../schema-types.ts';
import { checkCount } from './bounds.ts';
import { arrayOf } from './list.ts';
import { encodeErrorAnswer } from './system-commands.ts';
import { decodeTerms, encodeTerms, takeSlot, type LayoutSource, type WireTerm } from './term.ts';

const FLAG_RETURN_ROWS = 1;
const MODE_SET = 0;
const MODE_ADD = 1;

/** What one line of a claim asks for, from values that nobody has checked. */
export interface ClaimLineSource<S extends TableSchema> {
  readonly handle: number;
  readonly where: readonly TermOf<S>[];
  readonly set: Partial<NewRowOf<S>>;
  readonly count: number;
}

/** A claim. Offsets are of the reader's bytes. */
export interface ClaimRequest {
  readonly operationIdOffset: number;
  readonly returnRows: boolean;
  readonly lines: readonly WireClaimLine[];
}

/** One line of a claim. Offsets are of the reader's bytes. */
export interface WireClaimLine {
  readonly handleOffset: number;
  readonly handle: number;
  readonly terms: readonly WireTerm[];
  readonly count: number;
  readonly assignments: readonly WireAssignment[];
}

/** A field, by its position, and the offset of its new value, which is checked. */
export interface WireAssignment {
  readonly field: number;
  readonly slotOffset: number;
}

/** What was claimed. Offsets are of the reader's bytes. */
export interface ClaimAnswer {
  readonly lsn: number;
  readonly lines: readonly (readonly WireClaimedRow[])[];
}

/** A claimed row, whose version is the one that the claim made. */
export interface WireClaimedRow {
  readonly rowId: number;
  readonly version: number;
  /** The row is `[rowStart, rowEnd)`; empty where rows were not asked for, or there was no room for it. */
  readonly rowStart: number;
  readonly rowEnd: number;
}

/**
 * Writes all up to the lines, which the caller writes next (`encodeClaimLine`).
 *
 * @throws {KLaniError} `InvalidArgument` for no line or too many
 */
export function encodeClaimRequest(writer: ByteWriter, operationId: Uint8Array, returnRows: boolean, lineCount: number): void {
  checkCount('count of claim lines', lineCount, 1, CLAIM_LINES_MAX);
  writer.append(operationId, 0, OPERATION_ID_SIZE);
  writer.u8(returnRows ? FLAG_RETURN_ROWS : 0);
  writer.u8(lineCount);
}

/**
 * Writes one line of a claim.
 *
 * @returns where its handle is in the writer
 * @throws {KLaniError} `InvalidArgument`, `UnknownField`, and what `encodeFieldSlot` throws
 */
export function encodeClaimLine<S extends TableSchema>(writer: ByteWriter, layout: RowLayout<S>, line: ClaimLineSource<S>): number {
  checkCount('count of rows to claim', line.count, 1, CLAIM_ROWS_MAX);
  const names = Object.keys(line.set);
  checkCount('count of assignments', names.length, 1, ASSIGNMENTS_MAX);
  const handleOffset = writer.reserve(4);
  writer.view.setUint32(handleOffset, line.handle, true);
  encodeTerms(writer, layout, line.where);
  writer.u16(0); // Order and adjacency.
  writer.u16(line.count);
  writer.u8(names.length);
  const values: Readonly<Record<string, unknown>> = line.set;
  for (let index = 0; index < names.length; index += 1) encodeAssignment(writer, layout, names[index] as string, values);
  return handleOffset;
}

function encodeAssignment(writer: ByteWriter, layout: RowLayout, name: string, values: Readonly<Record<string, unknown>>): void {
  const field = fieldPositionOf(layout, name);
  const value = values[name];
  if (value === undefined) {
    throw new KLaniError('InvalidArgument', `Cannot set field ${showValue(name)}: value is undefined, must be given; null clears it`);
  }
  writer.u16(field);
  writer.u8(MODE_SET);
  encodeFieldSlot(layout, field, value, writer);
}

/**
 * Reads a claim.
 *
 * @throws {KLaniError} `Unsupported` for reserved values, `InvalidArgument` for counts beyond their limits or a field assigned twice,
 *   `InvalidHandle`, `UnknownField`, `Protocol`, and what `validateFieldSlot` throws
 */
export function decodeClaimRequest(reader: ByteReader, layouts: LayoutSource): ClaimRequest {
  const operationIdOffset = reader.take(OPERATION_ID_SIZE);
  const flags = reader.u8();
  if (flags > FLAG_RETURN_ROWS) throw new KLaniError('Protocol', `Cannot read Claim: flags are ${flags}, must be 0 or ${FLAG_RETURN_ROWS}`);
  const lineCount = reader.u8();
  checkCount('count of claim lines', lineCount, 1, CLAIM_LINES_MAX);
  const lines = arrayOf<WireClaimLine>(lineCount);
  for (let index = 0; index < lineCount; index += 1) lines[index] = decodeLine(reader, layouts);
  reader.expectEnd();
  return { operationIdOffset, returnRows: flags === FLAG_RETURN_ROWS, lines };
}

function decodeLine(reader: ByteReader, layouts: LayoutSource): WireClaimLine {
  const handleOffset = reader.offset;
  const handle = reader.u32();
  const layout = layouts.layoutOf(handle);
  const terms = decodeTerms(reader, layout);
  const order = reader.u8();
  if (order !== 0) throw unsupported('order', order);
  const adjacency = reader.u8();
  if (adjacency !== 0) throw unsupported('adjacency', adjacency);
  const count = reader.u16();
  checkCount('count of rows to claim', count, 1, CLAIM_ROWS_MAX);
  const assignmentCount = reader.u8();
  checkCount('count of assignments', assignmentCount, 1, ASSIGNMENTS_MAX);
  const assignments = arrayOf<WireAssignment>(assignmentCount);
  for (let index = 0; index < assignmentCount; index += 1) {
    const assignment = decodeAssignment(reader, layout);
    expectFirst(assignments, index, assignment.field);
    assignments[index] = assignment;
  }
  return { handleOffset, handle, terms, count, assignments };
}

function decodeAssignment(reader: ByteReader, layout: RowLayout): WireAssignment {
  const field = reader.u16();
  const mode = reader.u8();
  if (mode === MODE_ADD) throw unsupported('assignment mode', mode);
  if (mode !== MODE_SET)
    throw new KLaniError('Protocol', `Cannot read Claim: assignment mode is ${mode}, must be ${MODE_SET} or ${MODE_ADD}`);
  return { field, slotOffset: takeSlot(reader, layout, field) };
}

/** Refuses a field that one of the first `count` assignments has too. */
function expectFirst(assignments: readonly WireAssignment[], count: number, field: number): void {
  for (let index = 0; index < count; index += 1) {
    if (assignments[index]?.field !== field) continue;
    throw new KLaniError('InvalidArgument', `Cannot take claim: field number ${field} is assigned twice, must be once`);
  }
}

/**
 * Writes all up to the lines, which the caller writes next: for each `encodeClaimedCount`, and for each of its rows `encodeChangedRow`,
 * followed by `encodeClaimedRowBytes` where rows were asked for.
 */
export function encodeClaimAnswer(writer: ByteWriter, lsn: number, lineCount: number): void {
  writer.u64Safe(lsn);
  writer.u8(lineCount);
}

/** Writes the count of a line's rows. */
export function encodeClaimedCount(writer: ByteWriter, count: number): void {
  writer.u16(count);
}

/** Writes `bytes[start, end)` as the row of the changed row before. */
export function encodeClaimedRowBytes(writer: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  writer.u32(end - start);
  writer.append(bytes, start, end);
}

/** @param returnRows whether the request asked for rows */
export function decodeClaimAnswer(reader: ByteReader, returnRows: boolean): ClaimAnswer {
  const lsn = reader.u64Safe();
  const lineCount = reader.u8();
  const lines = arrayOf<WireClaimedRow[]>(lineCount);
  for (let index = 0; index < lineCount; index += 1) lines[index] = decodeClaimedLine(reader, returnRows);
  reader.expectEnd();
  return { lsn, lines };
}

function decodeClaimedLine(reader: ByteReader, returnRows: boolean): WireClaimedRow[] {
  const count = reader.u16();
  const rows = arrayOf<WireClaimedRow>(count);
  for (let index = 0; index < count; index += 1) {
    const rowId = reader.u32();
    const version = reader.u32();
    const rowStart = reader.take(returnRows ? reader.u32() : 0);
    rows[index] = { rowId, version, rowStart, rowEnd: reader.offset };
  }
  return rows;
}

/** Writes the payload of a claim that was refused as NoneAvailable or AllLocked. */
export function encodeClaimRefusal(writer: ByteWriter, message: string, line: number): void {
  encodeErrorAnswer(writer, message);
  writer.u8(line);
}

/** @returns the first line that found too few rows */
export function decodeClaimRefusal(reader: ByteReader): number {
  reader.take(reader.u32());
  const line = reader.u8();
  reader.expectEnd();
  return line;
}

function unsupported(name: string, value: number): KLaniError {
  return new KLaniError('Unsupported', `Cannot take claim: ${name} is ${value}, must be 0 in this version`);
}
