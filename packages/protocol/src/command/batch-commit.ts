/**
 * BatchCommit: changes of many rows and tables, all or nothing. Little-endian; `opid` is an operation id of 16 bytes, a row is bytes as
 * `row-layout.ts` says, in the schema version of the handle.
 *
 * Request
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 16 | opid | |
 * | 16 | 4 | count | of changes, from 1 |
 * | 20 | … | changes | one after the other, carried out in this order |
 *
 * Change
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 1 | change | 1 append, 2 replace, 3 delete |
 * | 1 | 4 | handle | of the table |
 * | 5 | 4 | row id | 0 for an append |
 * | 9 | 8 | fencing token | of the lock that it is made under, 0 without one |
 * | 17 | 4 | if version | the version that the row must have, 0 without one |
 * | 21 | 4 | length | bytes of the row, 0 for a delete |
 * | 25 | length | row | |
 *
 * Answer
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 8 | lsn | of the last change |
 * | 8 | 4 | count | that of the request |
 * | 12 | 8 × count | changed rows | for each change, in order: u32 row id, u32 version |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';
import { checkU32 } from './bounds.ts';
import { ChangeKind, changeKindOf, type ChangeKindNumber } from './change-kind.ts';
import { arrayOf, decodeCount } from './list.ts';
import type { RowTarget } from './write-commands.ts';

const CHANGE_HEAD_SIZE = 25;
const HANDLE_OFFSET = 1;
const LENGTH_OFFSET = 21;
const CHANGED_ROW_SIZE = 8;

/** What one change of a batch does, its row aside. */
export interface BatchChange extends RowTarget {
  readonly change: ChangeKindNumber;
}

/** Changes of many rows. Offsets are of the reader's bytes. */
export interface BatchCommitRequest {
  readonly operationIdOffset: number;
  readonly changes: readonly WireBatchChange[];
}

/** One change of a batch. Offsets are of the reader's bytes. */
export interface WireBatchChange extends BatchChange {
  readonly handleOffset: number;
  /** The row is `[rowStart, rowEnd)`; nobody has checked it. Empty for a delete. */
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** One changed row of a batch. */
export interface ChangedRow {
  readonly rowId: number;
  readonly version: number;
}

/** What became of a batch. */
export interface BatchCommitAnswer {
  readonly lsn: number;
  /** One for each change, in order. */
  readonly changes: readonly ChangedRow[];
}

/**
 * Writes all up to the changes, which the caller writes next (`beginBatchChange`), and closes with `endCount()`.
 *
 * @returns where the count of changes is in the writer, for `endCount()`
 */
export function beginBatchCommit(writer: ByteWriter, operationId: Uint8Array): number {
  writer.append(operationId, 0, OPERATION_ID_SIZE);
  return writer.reserve(4);
}

/**
 * Writes a change up to its row, which the caller writes next (`encodeRow`) unless it is a delete; then `endBatchChange()`.
 *
 * @returns where the change begins in the writer; its handle is `BATCH_CHANGE_HANDLE_OFFSET` behind
 * @throws {KLaniError} `InvalidArgument` when a number is not an integer, 0 to 2^32 - 1
 */
export function beginBatchChange(writer: ByteWriter, change: BatchChange): number {
  checkU32('row id', change.rowId);
  checkU32('ifVersion', change.ifVersion);
  const start = writer.length;
  writer.u8(change.change);
  writer.u32(change.handle);
  writer.u32(change.rowId);
  writer.u64Halves(change.tokenLow, change.tokenHigh);
  writer.u32(change.ifVersion);
  writer.u32(0);
  return start;
}

/** Where the handle of a change is, from the beginning of the change. */
export const BATCH_CHANGE_HANDLE_OFFSET = HANDLE_OFFSET;

/** Fills in the length of the row of the change that begins at `start`. */
export function endBatchChange(writer: ByteWriter, start: number): void {
  writer.view.setUint32(start + LENGTH_OFFSET, writer.length - start - CHANGE_HEAD_SIZE, true);
}

/** @throws {KLaniError} `InvalidArgument` for no change, or one that says what its kind has no use for; `Protocol` */
export function decodeBatchCommitRequest(reader: ByteReader): BatchCommitRequest {
  const operationIdOffset = reader.take(OPERATION_ID_SIZE);
  const count = decodeCount(reader, CHANGE_HEAD_SIZE);
  if (count === 0) throw new KLaniError('InvalidArgument', 'Cannot commit batch: count of changes is 0, must be >= 1');
  const changes = arrayOf<WireBatchChange>(count);
  for (let index = 0; index < count; index += 1) changes[index] = decodeChange(reader);
  reader.expectEnd();
  return { operationIdOffset, changes };
}

function decodeChange(reader: ByteReader): WireBatchChange {
  const offset = reader.take(CHANGE_HEAD_SIZE);
  const { view } = reader;
  const rowStart = reader.take(view.getUint32(offset + LENGTH_OFFSET, true));
  const change: WireBatchChange = {
    change: changeKindOf(view.getUint8(offset)),
    handleOffset: offset + HANDLE_OFFSET,
    handle: view.getUint32(offset + HANDLE_OFFSET, true),
    rowId: view.getUint32(offset + 5, true),
    tokenLow: view.getUint32(offset + 9, true),
    tokenHigh: view.getUint32(offset + 13, true),
    ifVersion: view.getUint32(offset + 17, true),
    rowStart,
    rowEnd: reader.offset,
  };
  if (change.change === ChangeKind.append) checkAppend(change);
  if (change.change === ChangeKind.delete && change.rowEnd !== rowStart) {
    throw changeError(`a delete of row ${change.rowId} has ${change.rowEnd - rowStart} bytes of a row, must have 0`);
  }
  return change;
}

function checkAppend({ rowId, ifVersion, tokenLow, tokenHigh }: WireBatchChange): void {
  if (rowId !== 0) throw changeError(`an append has row id ${rowId}, must be 0`);
  if (ifVersion !== 0 || tokenLow !== 0 || tokenHigh !== 0) throw changeError('an append has a version or fencing token, must have none');
}

function changeError(problem: string): KLaniError {
  return new KLaniError('InvalidArgument', `Cannot commit batch: ${problem}`);
}

/** Writes all up to the changed rows, which the caller writes next (`encodeChangedRow`). */
export function encodeBatchCommitAnswer(writer: ByteWriter, lsn: number, count: number): void {
  writer.u64Safe(lsn);
  writer.u32(count);
}

/** Writes a changed row of a BatchCommit's answer, or a claimed one of a Claim's. */
export function encodeChangedRow(writer: ByteWriter, rowId: number, version: number): void {
  const offset = writer.reserve(CHANGED_ROW_SIZE);
  writer.view.setUint32(offset, rowId, true);
  writer.view.setUint32(offset + 4, version, true);
}

export function decodeBatchCommitAnswer(reader: ByteReader): BatchCommitAnswer {
  const lsn = reader.u64Safe();
  const count = decodeCount(reader, CHANGED_ROW_SIZE);
  const changes = arrayOf<ChangedRow>(count);
  for (let index = 0; index < count; index += 1) changes[index] = { rowId: reader.u32(), version: reader.u32() };
  reader.expectEnd();
  return { lsn, changes };
}
