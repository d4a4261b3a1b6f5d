/**
 * OperationStatus: what became of a request, asked by its operation id. Little-endian; `str` is a size (u16) and UTF-8.
 *
 * Request: the operation id, 16 bytes.
 *
 * Answer
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 1 | state | 0: no such request is known within the window; 1: done, and durable |
 * | 1 | 1 | opcode | of the request, 0 while unknown |
 * | 2 | 8 | lsn | of its last change, 0 while unknown |
 * | 10 | 8 | time | milliseconds since 1970-01-01T00:00:00Z, 0 while unknown |
 * | 18 | 4 | count | of its changes |
 * | 22 | … | changes | for each: str table, u32 row id, u32 version |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';
import { decodeCount } from './list.ts';

const STATE_UNKNOWN = 0;
const STATE_DONE = 1;
const CHANGE_SIZE_MIN = 10;

/** One row that a request changed. */
export interface OperationChange {
  readonly table: string;
  readonly rowId: number;
  readonly version: number;
}

/** What became of a request. */
export type OperationStatusAnswer =
  | { readonly state: 'unknown' }
  | {
      readonly state: 'done';
      readonly opcode: number;
      readonly lsn: number;
      readonly timeMs: number;
      readonly changes: readonly OperationChange[];
    };

export function encodeOperationStatusRequest(writer: ByteWriter, operationId: Uint8Array): void {
  writer.append(operationId, 0, OPERATION_ID_SIZE);
}

/** @returns the offset of the operation id in the reader's bytes */
export function decodeOperationStatusRequest(reader: ByteReader): number {
  const offset = reader.take(OPERATION_ID_SIZE);
  reader.expectEnd();
  return offset;
}

export function encodeOperationStatusAnswer(writer: ByteWriter, answer: OperationStatusAnswer): void {
  const isDone = answer.state === 'done';
  writer.u8(isDone ? STATE_DONE : STATE_UNKNOWN);
  writer.u8(isDone ? answer.opcode : 0);
  writer.u64Safe(isDone ? answer.lsn : 0);
  writer.u64Safe(isDone ? answer.timeMs : 0);
  const changes = isDone ? answer.changes : [];
  writer.u32(changes.length);
  for (const { table, rowId, version } of changes) {
    writer.str(table);
    writer.u32(rowId);
    writer.u32(version);
  }
}

export function decodeOperationStatusAnswer(reader: ByteReader): OperationStatusAnswer {
  const state = reader.u8();
  const opcode = reader.u8();
  const lsn = reader.u64Safe();
  const timeMs = reader.u64Safe();
  const changes: OperationChange[] = [];
  for (let count = decodeCount(reader, CHANGE_SIZE_MIN); count > 0; count -= 1) {
    changes.push({ table: reader.str(), rowId: reader.u32(), version: reader.u32() });
  }
  reader.expectEnd();
  if (state === STATE_DONE) return { state: 'done', opcode, lsn, timeMs, changes };
  if (state === STATE_UNKNOWN && opcode === 0 && lsn === 0 && timeMs === 0 && changes.length === 0) return { state: 'unknown' };
  throw new KLaniError('Protocol', `Cannot read operation status: state is ${state}, must be 1, or 0 with all else 0`);
}
