/**
 * Reading many rows in pages. Little-endian; `terms` is in `term.ts`, `rows` in `versioned-row.ts`. A cursor belongs to the session that
 * opened it.
 *
 * | command | request | answer |
 * | --- | --- | --- |
 * | Scan | u32 handle, u32 page rows | page |
 * | ScanNext | u32 cursor | page |
 * | Stream | u32 handle, u32 page rows, terms | page |
 * | StreamNext | u32 cursor | page |
 * | StreamClose | u32 cursor, of a Scan too | empty |
 *
 * Page
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | cursor | to ask for the next page with; 0 after the last one |
 * | 4 | 8 | lsn | of the snapshot that all pages show |
 * | 12 | 1 | done | 1: this is the last page, and the cursor is closed |
 * | 13 | … | rows | at most `page rows` |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { checkU32 } from './bounds.ts';
import { beginCount, endCount } from './list.ts';
import { decodeTerms, type LayoutSource, type WireTerm } from './term.ts';
import { decodeRows, type WireRow } from './versioned-row.ts';

const DONE_OFFSET = 12;
const COUNT_OFFSET = 13;

/** All rows of a table. */
export interface ScanRequest {
  readonly handle: number;
  readonly pageRows: number;
}

/** All rows of a table that meet the terms. */
export interface StreamRequest {
  readonly handle: number;
  readonly pageRows: number;
  readonly terms: readonly WireTerm[];
}

/** One page of a Scan or Stream. */
export interface PageAnswer {
  /** 0 when done. */
  readonly cursor: number;
  readonly lsn: number;
  readonly done: boolean;
  readonly rows: readonly WireRow[];
}

/**
 * Writes a Scan; or a Stream up to its terms, which the caller writes next (`encodeTerms`).
 *
 * @throws {KLaniError} `InvalidArgument` when `pageRows` is not an integer, 0 to 2^32 - 1
 */
export function encodeScanRequest(writer: ByteWriter, handle: number, pageRows: number): void {
  checkU32('pageRows', pageRows);
  writer.u32(handle);
  writer.u32(pageRows);
}

export function decodeScanRequest(reader: ByteReader): ScanRequest {
  const request = { handle: reader.u32(), pageRows: reader.u32() };
  reader.expectEnd();
  return request;
}

export function decodeStreamRequest(reader: ByteReader, layouts: LayoutSource): StreamRequest {
  const handle = reader.u32();
  const pageRows = reader.u32();
  const terms = decodeTerms(reader, layouts.layoutOf(handle));
  reader.expectEnd();
  return { handle, pageRows, terms };
}

/** The request of ScanNext, StreamNext and StreamClose. */
export function encodeCursorRequest(writer: ByteWriter, cursor: number): void {
  writer.u32(cursor);
}

/** @returns the cursor */
export function decodeCursorRequest(reader: ByteReader): number {
  const cursor = reader.u32();
  reader.expectEnd();
  return cursor;
}

/**
 * Begins a page; its rows are written next (`encodeVersionedRow`), then `endPage()`.
 *
 * @returns where the page begins in the writer
 */
export function beginPage(writer: ByteWriter, lsn: number): number {
  const start = writer.length;
  writer.u32(0);
  writer.u64Safe(lsn);
  writer.u8(0);
  beginCount(writer);
  return start;
}

/**
 * Closes the page that begins at `start`.
 *
 * @param cursor 0 when this is the last page
 */
export function endPage(writer: ByteWriter, start: number, cursor: number, rowCount: number): void {
  writer.view.setUint32(start, cursor, true);
  writer.view.setUint8(start + DONE_OFFSET, cursor === 0 ? 1 : 0);
  endCount(writer, start + COUNT_OFFSET, rowCount);
}

export function decodePageAnswer(reader: ByteReader): PageAnswer {
  const cursor = reader.u32();
  const lsn = reader.u64Safe();
  const done = reader.u8();
  if (done !== (cursor === 0 ? 1 : 0)) {
    throw new KLaniError('Protocol', `Cannot read page: done is ${done} and the cursor ${cursor}, must be 1 and 0, or 0 and another`);
  }
  return { cursor, lsn, done: done === 1, rows: decodeRows(reader) };
}
