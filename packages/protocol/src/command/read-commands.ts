/**
 * Reading rows by id, by field, by terms, by version. Little-endian; `slot` is in `row-field-slot.ts`, `term` and `terms` in `term.ts`,
 * `row` (versioned) and `rows` in `versioned-row.ts`, `text` is a size (u32) and UTF-8, `opid` an operation id of 16 bytes. Every request
 * begins with the u32 handle of its table. A `limit` is at most the server's `maxResponseRows`; 0 wants all, and is refused where they may be
 * more than that (a History of more versions is cut there instead).
 *
 * | command | part | layout |
 * | --- | --- | --- |
 * | Seek | request | u32 handle, u32 row id |
 * | Seek | answer | row; status NotFound without it |
 * | SeekByField | request | u32 handle, u32 limit, u16 field, slot |
 * | SeekByField | answer | rows |
 * | SeekByPredicate | request | u32 handle, u32 limit, term |
 * | SeekByPredicate | answer | rows |
 * | QueryIntersect | request | u32 handle, u32 limit, u32 spread, terms |
 * | QueryIntersect | answer | u32 count, u32 row id × count |
 * | Count | request | u32 handle, terms |
 * | Count | answer | u32 count |
 * | Explain | request | u32 handle, terms |
 * | Explain | answer | text JSON |
 * | Fetch | request | u32 handle, u32 count, u32 row id × count |
 * | Fetch | answer | rows: those that exist, in the order asked |
 * | History | request | u32 handle, u32 row id, u32 limit, u32 before version (0: from the newest) |
 * | History | answer | u32 count, version × count, newest first |
 *
 * Version
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 1 | change | 1 append, 2 replace, 3 delete |
 * | 1 | 4 | version | of the row |
 * | 5 | 8 | lsn | of the change |
 * | 13 | 8 | time | milliseconds since 1970-01-01T00:00:00Z |
 * | 21 | 2 + n | actor | str: the client name of the session that made it |
 * | 23 + n | 16 | opid | of the request that made it |
 * | 39 + n | 8 | fencing token | of the lock that it was made under, 0 without one |
 * | 47 + n | 4 | length | bytes of the row, 0 for a delete |
 * | 51 + n | length | row | in the schema version of the handle |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';
import { encodeFieldSlot } from '../row-field-slot.ts';
import type { RowLayout } from '../row-layout.ts';
import { checkU32 } from './bounds.ts';
import { changeKindOf, type ChangeKindNumber } from './change-kind.ts';
import { arrayOf, decodeCount } from './list.ts';
import { decodeTerm, decodeTerms, takeSlot, type LayoutSource, type WireTerm } from './term.ts';

const ROW_ID_SIZE = 4;
const VERSION_SIZE_MIN = 51;

/** One row by its id. */
export interface SeekRequest {
  readonly handle: number;
  readonly rowId: number;
}

/** Rows by the value of a field, whose slot is at `slotOffset` of the reader's bytes and checked. */
export interface SeekByFieldRequest {
  readonly handle: number;
  readonly limit: number;
  readonly field: number;
  readonly slotOffset: number;
}

/** Rows by one term. */
export interface SeekByPredicateRequest {
  readonly handle: number;
  readonly limit: number;
  readonly term: WireTerm;
}

/** Ids of rows that meet all terms. */
export interface QueryIntersectRequest {
  readonly handle: number;
  readonly limit: number;
  /** 0: from the first row id; else a seed that chooses where to start. */
  readonly spread: number;
  readonly terms: readonly WireTerm[];
}

/** Terms alone: of Count and Explain. */
export interface TermsRequest {
  readonly handle: number;
  readonly terms: readonly WireTerm[];
}

/** Rows by their ids: `count` u32 from `rowIdsOffset` of the reader's bytes. */
export interface FetchRequest {
  readonly handle: number;
  readonly count: number;
  readonly rowIdsOffset: number;
}

/** The versions of one row. */
export interface HistoryRequest {
  readonly handle: number;
  readonly rowId: number;
  readonly limit: number;
  /** 0: from the newest. */
  readonly beforeVersion: number;
}

/** A version of a row and how it came to be, its bytes in buffers of the caller's. */
export interface VersionSource {
  readonly change: ChangeKindNumber;
  readonly version: number;
  readonly lsn: number;
  readonly timeMs: number;
  readonly actor: string;
  /** The operation id is the 16 bytes from `operationIdOffset`. */
  readonly operationId: Uint8Array;
  readonly operationIdOffset: number;
  readonly tokenLow: number;
  readonly tokenHigh: number;
  /** The row is `bytes[start, end)`; empty for a delete. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A version of a row in the bytes that it was read from, and valid as long as they are. */
export interface WireVersion {
  readonly change: ChangeKindNumber;
  readonly version: number;
  readonly lsn: number;
  readonly timeMs: number;
  readonly actor: string;
  readonly operationIdOffset: number;
  readonly tokenLow: number;
  readonly tokenHigh: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** @throws {KLaniError} `InvalidArgument` when the id is not an integer, 0 to 2^32 - 1 */
export function encodeSeekRequest(writer: ByteWriter, handle: number, rowId: number): void {
  checkU32('row id', rowId);
  const offset = writer.reserve(8);
  writer.view.setUint32(offset, handle, true);
  writer.view.setUint32(offset + 4, rowId, true);
}

export function decodeSeekRequest(reader: ByteReader): SeekRequest {
  const offset = reader.take(8);
  reader.expectEnd();
  return { handle: reader.view.getUint32(offset, true), rowId: reader.view.getUint32(offset + 4, true) };
}

/** A field's value to look for, from a value that nobody has checked. */
export interface FieldQuery {
  readonly handle: number;
  readonly limit: number;
  /** Position of the field in the schema. */
  readonly field: number;
  readonly value: unknown;
}

/** @throws {KLaniError} `InvalidArgument`, and what `encodeFieldSlot` throws */
export function encodeSeekByFieldRequest(writer: ByteWriter, layout: RowLayout, query: FieldQuery): void {
  checkU32('limit', query.limit);
  writer.u32(query.handle);
  writer.u32(query.limit);
  writer.u16(query.field);
  encodeFieldSlot(layout, query.field, query.value, writer);
}

export function decodeSeekByFieldRequest(reader: ByteReader, layouts: LayoutSource): SeekByFieldRequest {
  const handle = reader.u32();
  const limit = reader.u32();
  const field = reader.u16();
  const slotOffset = takeSlot(reader, layouts.layoutOf(handle), field);
  reader.expectEnd();
  return { handle, limit, field, slotOffset };
}

/** Writes all up to the term, which the caller writes next (`encodeTerm`). */
export function encodeSeekByPredicateRequest(writer: ByteWriter, handle: number, limit: number): void {
  checkU32('limit', limit);
  writer.u32(handle);
  writer.u32(limit);
}

export function decodeSeekByPredicateRequest(reader: ByteReader, layouts: LayoutSource): SeekByPredicateRequest {
  const handle = reader.u32();
  const limit = reader.u32();
  const term = decodeTerm(reader, layouts.layoutOf(handle));
  reader.expectEnd();
  return { handle, limit, term };
}

/** Writes all up to the terms, which the caller writes next (`encodeTerms`). */
export function encodeQueryIntersectRequest(writer: ByteWriter, handle: number, limit: number, spread: number): void {
  checkU32('limit', limit);
  checkU32('spread', spread);
  const offset = writer.reserve(12);
  writer.view.setUint32(offset, handle, true);
  writer.view.setUint32(offset + 4, limit, true);
  writer.view.setUint32(offset + 8, spread, true);
}

export function decodeQueryIntersectRequest(reader: ByteReader, layouts: LayoutSource): QueryIntersectRequest {
  const offset = reader.take(12);
  const { view } = reader;
  const handle = view.getUint32(offset, true);
  const terms = decodeTerms(reader, layouts.layoutOf(handle));
  reader.expectEnd();
  return { handle, limit: view.getUint32(offset + 4, true), spread: view.getUint32(offset + 8, true), terms };
}

/** The answer of QueryIntersect: the first `count` of `rowIds`. */
export function encodeRowIds(writer: ByteWriter, rowIds: Readonly<ArrayLike<number>>, count: number): void {
  const offset = writer.reserve(4 + ROW_ID_SIZE * count);
  const { view } = writer;
  view.setUint32(offset, count, true);
  for (let index = 0; index < count; index += 1) view.setUint32(offset + 4 + ROW_ID_SIZE * index, rowIds[index] as number, true);
}

export function decodeRowIds(reader: ByteReader): number[] {
  const count = decodeCount(reader, ROW_ID_SIZE);
  const offset = reader.take(ROW_ID_SIZE * count);
  reader.expectEnd();
  const { view } = reader;
  const rowIds = arrayOf<number>(count);
  for (let index = 0; index < count; index += 1) rowIds[index] = view.getUint32(offset + ROW_ID_SIZE * index, true);
  return rowIds;
}

/** Writes all of a Count or Explain up to the terms, which the caller writes next (`encodeTerms`). */
export function encodeTermsRequest(writer: ByteWriter, handle: number): void {
  writer.u32(handle);
}

export function decodeTermsRequest(reader: ByteReader, layouts: LayoutSource): TermsRequest {
  const handle = reader.u32();
  const terms = decodeTerms(reader, layouts.layoutOf(handle));
  reader.expectEnd();
  return { handle, terms };
}

export function encodeCountAnswer(writer: ByteWriter, count: number): void {
  writer.u32(count);
}

export function decodeCountAnswer(reader: ByteReader): number {
  const count = reader.u32();
  reader.expectEnd();
  return count;
}

/** @throws {KLaniError} `InvalidArgument` when an id is not an integer, 0 to 2^32 - 1 */
export function encodeFetchRequest(writer: ByteWriter, handle: number, rowIds: Readonly<ArrayLike<number>>): void {
  for (let index = 0; index < rowIds.length; index += 1) checkU32('row id', rowIds[index] as number);
  writer.u32(handle);
  encodeRowIds(writer, rowIds, rowIds.length);
}

export function decodeFetchRequest(reader: ByteReader): FetchRequest {
  const handle = reader.u32();
  const count = decodeCount(reader, ROW_ID_SIZE);
  const rowIdsOffset = reader.take(ROW_ID_SIZE * count);
  reader.expectEnd();
  return { handle, count, rowIdsOffset };
}

/** @throws {KLaniError} `InvalidArgument` when a number is not an integer, 0 to 2^32 - 1 */
export function encodeHistoryRequest(writer: ByteWriter, request: HistoryRequest): void {
  checkU32('row id', request.rowId);
  checkU32('limit', request.limit);
  checkU32('beforeVersion', request.beforeVersion);
  writer.u32(request.handle);
  writer.u32(request.rowId);
  writer.u32(request.limit);
  writer.u32(request.beforeVersion);
}

export function decodeHistoryRequest(reader: ByteReader): HistoryRequest {
  const request = { handle: reader.u32(), rowId: reader.u32(), limit: reader.u32(), beforeVersion: reader.u32() };
  reader.expectEnd();
  return request;
}

/** Writes one version of a History's answer, between `beginCount()` and `endCount()`. */
export function encodeVersion(writer: ByteWriter, source: VersionSource): void {
  writer.u8(source.change);
  writer.u32(source.version);
  writer.u64Safe(source.lsn);
  writer.u64Safe(source.timeMs);
  writer.str(source.actor);
  writer.append(source.operationId, source.operationIdOffset, source.operationIdOffset + OPERATION_ID_SIZE);
  writer.u64Halves(source.tokenLow, source.tokenHigh);
  writer.u32(source.end - source.start);
  writer.append(source.bytes, source.start, source.end);
}

/** The answer of History, newest first. */
export function decodeHistoryAnswer(reader: ByteReader): WireVersion[] {
  const count = decodeCount(reader, VERSION_SIZE_MIN);
  const versions = arrayOf<WireVersion>(count);
  for (let index = 0; index < count; index += 1) versions[index] = decodeVersion(reader);
  reader.expectEnd();
  return versions;
}

function decodeVersion(reader: ByteReader): WireVersion {
  const change = changeKindOf(reader.u8());
  const version = reader.u32();
  const lsn = reader.u64Safe();
  const timeMs = reader.u64Safe();
  const actor = reader.str();
  const operationIdOffset = reader.take(OPERATION_ID_SIZE);
  const tokenLow = reader.u32();
  const tokenHigh = reader.u32();
  const rowStart = reader.take(reader.u32());
  const rowEnd = reader.offset;
  return { change, version, lsn, timeMs, actor, operationIdOffset, tokenLow, tokenHigh, rowStart, rowEnd };
}
