/**
 * Changes of one row, and locks. Little-endian; a fencing token and an lsn take 8 bytes, an operation id ("opid") 16. A `row` is bytes as
 * `row-layout.ts` says, in the schema version of the handle, and goes to the end of the frame.
 *
 * Append, request
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | handle | |
 * | 4 | 16 | opid | |
 * | 20 | … | row | |
 *
 * Replace, request
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | handle | |
 * | 4 | 16 | opid | |
 * | 20 | 4 | row id | |
 * | 24 | 8 | fencing token | of the lock that it is made under, 0 without one |
 * | 32 | 4 | if version | the version that the row must have, 0 without one |
 * | 36 | 1 | flags | 1: the lock is given back in the same step |
 * | 37 | … | row | |
 *
 * Delete, request: the first 36 bytes of Replace's. The lock ends with the row.
 *
 * Append, Replace, Delete, answer
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | row id | |
 * | 4 | 4 | version | that the row has now |
 * | 8 | 8 | lsn | of the change |
 *
 * Lock, request
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | handle | |
 * | 4 | 4 | row id | |
 * | 8 | 4 | lease | milliseconds, 0: as the server likes |
 *
 * Lock, answer; or status AlreadyLocked with retry-after in the header
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 8 | fencing token | |
 * | 8 | 4 | lease | milliseconds that were granted |
 * | 12 | 4 | version | of the row, which stays so until this session changes it |
 *
 * Unlock, request; its answer is empty
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | handle | |
 * | 4 | 4 | row id | |
 * | 8 | 8 | fencing token | |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';
import { checkU32 } from './bounds.ts';

const FLAG_UNLOCK = 1;
const REPLACE_HEAD_SIZE = 37;
const DELETE_SIZE = 36;
const U32_RANGE = 0x1_0000_0000;

/** A new row. Offsets are of the reader's bytes. */
export interface AppendRequest {
  readonly handleOffset: number;
  readonly handle: number;
  readonly operationIdOffset: number;
  /** The row is `[rowStart, rowEnd)`; nobody has checked it. */
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** Which row is changed, and what must hold. */
export interface RowTarget {
  readonly handle: number;
  readonly rowId: number;
  /** The halves of the fencing token, both 0 without one. */
  readonly tokenLow: number;
  readonly tokenHigh: number;
  /** 0: any. */
  readonly ifVersion: number;
}

/** A row's next version. Offsets are of the reader's bytes. */
export interface ReplaceRequest extends RowTarget {
  readonly handleOffset: number;
  readonly operationIdOffset: number;
  /** Whether the lock is given back in the same step. */
  readonly unlock: boolean;
  /** The row is `[rowStart, rowEnd)`; nobody has checked it. */
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** The end of a row. Offsets are of the reader's bytes. */
export interface DeleteRequest extends RowTarget {
  readonly handleOffset: number;
  readonly operationIdOffset: number;
}

/** What became of a changed row. */
export interface ChangeAnswer {
  readonly rowId: number;
  readonly version: number;
  readonly lsn: number;
}

/** A lock to be taken. */
export interface LockRequest {
  readonly handle: number;
  readonly rowId: number;
  /** 0: as the server likes. */
  readonly leaseMs: number;
}

/** A lock that was taken. */
export interface LockAnswer {
  readonly tokenLow: number;
  readonly tokenHigh: number;
  readonly leaseMs: number;
  readonly version: number;
}

/** A lock to be given back. */
export interface UnlockRequest {
  readonly handle: number;
  readonly rowId: number;
  readonly tokenLow: number;
  readonly tokenHigh: number;
}

/** Writes all up to the row, which the caller writes next (`encodeRow`). */
export function encodeAppendRequest(writer: ByteWriter, handle: number, operationId: Uint8Array): void {
  writer.u32(handle);
  writer.append(operationId, 0, OPERATION_ID_SIZE);
}

export function decodeAppendRequest(reader: ByteReader): AppendRequest {
  const offset = reader.take(4 + OPERATION_ID_SIZE);
  const rowStart = reader.offset;
  reader.offset = reader.end;
  return {
    handleOffset: offset,
    handle: reader.view.getUint32(offset, true),
    operationIdOffset: offset + 4,
    rowStart,
    rowEnd: reader.end,
  };
}

/**
 * Writes all up to the row, which the caller writes next (`encodeRow`).
 *
 * @throws {KLaniError} `InvalidArgument` when a number is not an integer, 0 to 2^32 - 1
 */
export function encodeReplaceRequest(writer: ByteWriter, operationId: Uint8Array, target: RowTarget, unlock: boolean): void {
  writeTarget(writer, operationId, target);
  writer.u8(unlock ? FLAG_UNLOCK : 0);
}

export function decodeReplaceRequest(reader: ByteReader): ReplaceRequest {
  const offset = reader.take(REPLACE_HEAD_SIZE);
  const { view } = reader;
  const flags = view.getUint8(offset + DELETE_SIZE);
  if (flags > FLAG_UNLOCK) throw new KLaniError('Protocol', `Cannot read Replace: flags are ${flags}, must be 0 or ${FLAG_UNLOCK}`);
  const rowStart = reader.offset;
  reader.offset = reader.end;
  return {
    handleOffset: offset,
    handle: view.getUint32(offset, true),
    operationIdOffset: offset + 4,
    rowId: view.getUint32(offset + 20, true),
    tokenLow: view.getUint32(offset + 24, true),
    tokenHigh: view.getUint32(offset + 28, true),
    ifVersion: view.getUint32(offset + 32, true),
    unlock: flags === FLAG_UNLOCK,
    rowStart,
    rowEnd: reader.end,
  };
}

/** @throws {KLaniError} `InvalidArgument` when a number is not an integer, 0 to 2^32 - 1 */
export function encodeDeleteRequest(writer: ByteWriter, operationId: Uint8Array, target: RowTarget): void {
  writeTarget(writer, operationId, target);
}

export function decodeDeleteRequest(reader: ByteReader): DeleteRequest {
  const offset = reader.take(DELETE_SIZE);
  reader.expectEnd();
  const { view } = reader;
  return {
    handleOffset: offset,
    handle: view.getUint32(offset, true),
    operationIdOffset: offset + 4,
    rowId: view.getUint32(offset + 20, true),
    tokenLow: view.getUint32(offset + 24, true),
    tokenHigh: view.getUint32(offset + 28, true),
    ifVersion: view.getUint32(offset + 32, true),
  };
}

/** The answer of Append, Replace and Delete. */
export function encodeChangeAnswer(writer: ByteWriter, rowId: number, version: number, lsn: number): void {
  const offset = writer.reserve(16);
  const { view } = writer;
  view.setUint32(offset, rowId, true);
  view.setUint32(offset + 4, version, true);
  view.setUint32(offset + 8, lsn % U32_RANGE, true);
  view.setUint32(offset + 12, Math.floor(lsn / U32_RANGE), true);
}

export function decodeChangeAnswer(reader: ByteReader): ChangeAnswer {
  const answer = { rowId: reader.u32(), version: reader.u32(), lsn: reader.u64Safe() };
  reader.expectEnd();
  return answer;
}

/** @throws {KLaniError} `InvalidArgument` when a number is not an integer, 0 to 2^32 - 1 */
export function encodeLockRequest(writer: ByteWriter, handle: number, rowId: number, leaseMs: number): void {
  checkU32('row id', rowId);
  checkU32('leaseMs', leaseMs);
  const offset = writer.reserve(12);
  writer.view.setUint32(offset, handle, true);
  writer.view.setUint32(offset + 4, rowId, true);
  writer.view.setUint32(offset + 8, leaseMs, true);
}

export function decodeLockRequest(reader: ByteReader): LockRequest {
  const offset = reader.take(12);
  reader.expectEnd();
  const { view } = reader;
  return { handle: view.getUint32(offset, true), rowId: view.getUint32(offset + 4, true), leaseMs: view.getUint32(offset + 8, true) };
}

export function encodeLockAnswer(writer: ByteWriter, answer: LockAnswer): void {
  const offset = writer.reserve(16);
  const { view } = writer;
  view.setUint32(offset, answer.tokenLow, true);
  view.setUint32(offset + 4, answer.tokenHigh, true);
  view.setUint32(offset + 8, answer.leaseMs, true);
  view.setUint32(offset + 12, answer.version, true);
}

export function decodeLockAnswer(reader: ByteReader): LockAnswer {
  const answer = { tokenLow: reader.u32(), tokenHigh: reader.u32(), leaseMs: reader.u32(), version: reader.u32() };
  reader.expectEnd();
  return answer;
}

/** @throws {KLaniError} `InvalidArgument` when the row id is not an integer, 0 to 2^32 - 1 */
export function encodeUnlockRequest(writer: ByteWriter, { handle, rowId, tokenLow, tokenHigh }: UnlockRequest): void {
  checkU32('row id', rowId);
  const offset = writer.reserve(16);
  writer.view.setUint32(offset, handle, true);
  writer.view.setUint32(offset + 4, rowId, true);
  writer.view.setUint32(offset + 8, tokenLow, true);
  writer.view.setUint32(offset + 12, tokenHigh, true);
}

export function decodeUnlockRequest(reader: ByteReader): UnlockRequest {
  const offset = reader.take(16);
  reader.expectEnd();
  const { view } = reader;
  return {
    handle: view.getUint32(offset, true),
    rowId: view.getUint32(offset + 4, true),
    tokenLow: view.getUint32(offset + 8, true),
    tokenHigh: view.getUint32(offset + 12, true),
  };
}

/** The first 36 bytes of Replace and Delete. */
function writeTarget(writer: ByteWriter, operationId: Uint8Array, target: RowTarget): void {
  checkU32('row id', target.rowId);
  checkU32('ifVersion', target.ifVersion);
  const offset = writer.reserve(DELETE_SIZE);
  const { bytes, view } = writer;
  view.setUint32(offset, target.handle, true);
  for (let index = 0; index < OPERATION_ID_SIZE; index += 1) bytes[offset + 4 + index] = operationId[index] as number;
  view.setUint32(offset + 20, target.rowId, true);
  view.setUint32(offset + 24, target.tokenLow, true);
  view.setUint32(offset + 28, target.tokenHigh, true);
  view.setUint32(offset + 32, target.ifVersion, true);
}
