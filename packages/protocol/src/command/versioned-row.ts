/**
 * Rows in answers. Little-endian.
 *
 * Versioned row
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | row id | 1 to 2^32 - 2 |
 * | 4 | 4 | version | of the row, from 1 |
 * | 8 | 8 | lsn | of the change that made this version |
 * | 16 | 4 | length | bytes of the row |
 * | 20 | length | row | as `row-layout.ts` says, in the schema version of the handle |
 *
 * Rows: their count (u32), then one versioned row after the other.
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { arrayOf, decodeCount } from './list.ts';

const HEAD_SIZE = 20;
const U32_RANGE = 0x1_0000_0000;

/** A version of a row, its bytes in a buffer of the caller's. */
export interface RowSource {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
  readonly bytes: Uint8Array;
  /** The row is `bytes[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/** A version of a row in the bytes that it was read from, and valid as long as they are. */
export interface WireRow {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
  /** The row is `[rowStart, rowEnd)` of the reader's bytes. */
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** Writes one row: the whole answer of Seek, or one of rows, between `beginCount()` and `endCount()`. */
export function encodeVersionedRow(writer: ByteWriter, row: RowSource): void {
  const length = row.end - row.start;
  const offset = writer.reserve(HEAD_SIZE);
  const { view } = writer;
  view.setUint32(offset, row.rowId, true);
  view.setUint32(offset + 4, row.version, true);
  view.setUint32(offset + 8, row.lsn % U32_RANGE, true);
  view.setUint32(offset + 12, Math.floor(row.lsn / U32_RANGE), true);
  view.setUint32(offset + 16, length, true);
  writer.append(row.bytes, row.start, row.end);
}

/** Reads one row of rows. The row's own bytes are not looked at: they are the server's word. */
export function decodeVersionedRow(reader: ByteReader): WireRow {
  const offset = reader.take(HEAD_SIZE);
  const { view } = reader;
  const lsn = view.getUint32(offset + 12, true) * U32_RANGE + view.getUint32(offset + 8, true);
  if (lsn > Number.MAX_SAFE_INTEGER) throw new KLaniError('Protocol', `Cannot read row: lsn is ${lsn}, must be < 2^53`);
  const rowStart = reader.take(view.getUint32(offset + 16, true));
  return {
    rowId: view.getUint32(offset, true),
    version: view.getUint32(offset + 4, true),
    lsn,
    rowStart,
    rowEnd: reader.offset,
  };
}

/** Reads the answer of Seek: one row and nothing else. */
export function decodeSeekAnswer(reader: ByteReader): WireRow {
  const row = decodeVersionedRow(reader);
  reader.expectEnd();
  return row;
}

/** Reads the rows of an answer up to its end. */
export function decodeRows(reader: ByteReader): WireRow[] {
  const count = decodeCount(reader, HEAD_SIZE);
  const rows = arrayOf<WireRow>(count);
  for (let index = 0; index < count; index += 1) rows[index] = decodeVersionedRow(reader);
  reader.expectEnd();
  return rows;
}
