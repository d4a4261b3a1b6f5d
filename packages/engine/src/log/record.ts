/**
 * The record: one immutable version of a row, or another logged event. Little-endian; begins at a multiple of 8.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | length | bytes of the whole record, padding included; a multiple of 8 |
 * | 4 | 4 | checksum | XXH32 of bytes 8 to `length` |
 * | 8 | 1 | kind | see {@link RecordKind} |
 * | 9 | 1 | flags | bit 0: last record of its operation; bit 1: moved |
 * | 10 | 2 | table id | 0 where there is none |
 * | 12 | 4 | version | of the row, from 1; of the schema for a schema record; which mark for a mark |
 * | 16 | 8 | row id | below 2^32; 0 where there is none |
 * | 24 | 8 | lsn | where the record was first written; kept when it is moved |
 * | 32 | 8 | previous | position of the version before it, 0 for the first |
 * | 40 | 8 | time | milliseconds since 1970, UTC; never goes back along the log, but for moved records |
 * | 48 | 16 | operation id | of the request that wrote it |
 * | 64 | 4 | digest checksum | XXH32 of the request's body, table ids in the place of handles |
 * | 68 | 4 | digest length | length of that body |
 * | 72 | 8 | fencing token | of the lock it was written under, 0 for none |
 * | 80 | 4 | schema version | that the body is encoded in |
 * | 84 | 2 | operation line | which line of its operation it answers |
 * | 86 | 1 | opcode | of the request |
 * | 87 | 1 | actor length | 0 to 64 |
 * | 88 | 4 | body length | |
 * | 92 | 4 | – | zero |
 * | 96 | … | body, actor | the row's bytes or the event's, then the actor in UTF-8, then zeros to a multiple of 8 |
 *
 * 1. Records of one operation stand one behind the other in one batch; the last of them has flag bit 0, and so has each moved one.
 * 2. `version` is one more than that of the record at `previous`, or 1. A record whose `previous` lies before the log's beginning was not the
 *    first; the one before it is no longer kept.
 * 3. `lsn` is the record's own position, unless it was moved: appended again because its segment was given up. But for its place, flags and
 *    checksum a moved record is what it was; it stands for the one at `lsn` in everything but operation ids.
 * 4. A row-ids record says the highest row id that its table has given, which no other record may tell any more.
 */
import { assert, xxHash32 } from '@k-lani/base';

export const RECORD_HEADER_SIZE = 96;

/** An imported binding is looked up at each use; this one is used for every record. */
const checksumOf = xxHash32;

/** Longest name of an actor, bytes of UTF-8. */
export const ACTOR_SIZE_MAX = 64;

/** What a record tells. Numbers from 16 on are left for holds, quantities and receipts. */
export const RecordKind = { append: 1, replace: 2, delete: 3, schema: 4, mark: 5, rowIds: 6 } as const;

/** What a mark says, in its `version`: the database was opened, closed in good order, or a checkpoint was asked for. */
export const Mark = { opened: 1, closed: 2, checkpoint: 3 } as const;

/** Bit 0 of a record's flags. */
export const RECORD_FLAG_LAST = 1;

/** Bit 1 of a record's flags. */
const RECORD_FLAG_MOVED = 2;

export const RecordOffset = {
  length: 0,
  checksum: 4,
  kind: 8,
  flags: 9,
  tableId: 10,
  version: 12,
  rowId: 16,
  lsn: 24,
  previous: 32,
  time: 40,
  operationId: 48,
  digestChecksum: 64,
  digestLength: 68,
  fencingToken: 72,
  schemaVersion: 80,
  line: 84,
  opcode: 86,
  actorLength: 87,
  bodyLength: 88,
  body: RECORD_HEADER_SIZE,
} as const;

/** What is common to the records of one request. */
export interface Operation {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly digestChecksum: number;
  readonly digestLength: number;
  readonly opcode: number;
  /** At most {@link ACTOR_SIZE_MAX} bytes of UTF-8. */
  readonly actor: Uint8Array;
}

/** What a record is written as that no request asked for. */
export const NO_OPERATION: Operation = {
  id: new Uint8Array(16),
  digestChecksum: 0,
  digestLength: 0,
  opcode: 0,
  actor: new Uint8Array(0),
};

/** The fields of a record that differ within an operation. Reused by its owner from record to record. */
export interface RecordDraft {
  kind: number;
  tableId: number;
  version: number;
  rowId: number;
  previous: number;
  /** The fencing token's two halves; both 0 for none. */
  tokenLow: number;
  tokenHigh: number;
  schemaVersion: number;
  line: number;
  last: boolean;
}

/** A draft with nothing in it but its kind: the only record of its operation, without a table, row, lock or version before it. */
export function newDraft(kind: number): RecordDraft {
  return {
    kind,
    tableId: 0,
    version: 0,
    rowId: 0,
    previous: 0,
    tokenLow: 0,
    tokenHigh: 0,
    schemaVersion: 0,
    line: 0,
    last: true,
  };
}

/** The size of a record in bytes, padding included. */
export function recordSize(bodyLength: number, actorLength: number): number {
  return (RECORD_HEADER_SIZE + bodyLength + actorLength + 7) & ~7;
}

/** Reads an unsigned 64-bit field that holds a safe integer. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 0x1_0000_0000;
}

/** Writes a safe integer as an unsigned 64-bit field. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Where a record is encoded: an array and a view of the same memory. */
export interface RecordTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Writes everything of a record but its body and checksum at `at`, padding zeroed.
 *
 * @param position the record's own position in the log
 */
export function encodeRecordHeader(
  target: RecordTarget,
  at: number,
  record: { draft: RecordDraft; operation: Operation; bodyLength: number; position: number; timeMs: number },
): void {
  const { bytes, view } = target;
  const { draft, operation, bodyLength } = record;
  const length = recordSize(bodyLength, operation.actor.length);
  view.setUint32(at, length, true);
  view.setUint32(at + RecordOffset.kind, draft.kind | (draft.last ? RECORD_FLAG_LAST << 8 : 0) | (draft.tableId << 16), true);
  view.setUint32(at + RecordOffset.version, draft.version, true);
  writeU64(view, at + RecordOffset.rowId, draft.rowId);
  writeU64(view, at + RecordOffset.lsn, record.position);
  writeU64(view, at + RecordOffset.previous, draft.previous);
  writeU64(view, at + RecordOffset.time, record.timeMs);
  copyId(operation.id, bytes, at + RecordOffset.operationId);
  view.setUint32(at + RecordOffset.digestChecksum, operation.digestChecksum, true);
  view.setUint32(at + RecordOffset.digestLength, operation.digestLength, true);
  view.setUint32(at + RecordOffset.fencingToken, draft.tokenLow, true);
  view.setUint32(at + RecordOffset.fencingToken + 4, draft.tokenHigh, true);
  view.setUint32(at + RecordOffset.schemaVersion, draft.schemaVersion, true);
  view.setUint32(at + RecordOffset.line, draft.line | (operation.opcode << 16) | (operation.actor.length << 24), true);
  view.setUint32(at + RecordOffset.bodyLength, bodyLength, true);
  view.setUint32(at + RecordOffset.bodyLength + 4, 0, true);
  const bodyEnd = at + RECORD_HEADER_SIZE + bodyLength;
  if (operation.actor.length > 0) bytes.set(operation.actor, bodyEnd);
  for (let padding = bodyEnd + operation.actor.length; padding < at + length; padding += 1) bytes[padding] = 0;
}

/** Copies an operation id. A call of `set` costs more than these 16 bytes. */
function copyId(id: Uint8Array, target: Uint8Array, at: number): void {
  for (let index = 0; index < 16; index += 1) target[at + index] = id[index] as number;
}

/** Marks the copy of a record at `at` as moved, and gives it its checksum. */
export function sealMoved(target: RecordTarget, at: number): void {
  target.view.setUint8(at + RecordOffset.flags, RECORD_FLAG_LAST | RECORD_FLAG_MOVED);
  sealRecord(target, at);
}

/** Whether the record at `at` was moved. */
export function isMoved(view: DataView, at: number): boolean {
  return (view.getUint8(at + RecordOffset.flags) & RECORD_FLAG_MOVED) !== 0;
}

/** Computes and writes the checksum of the finished record at `at`. */
export function sealRecord(target: RecordTarget, at: number): void {
  const length = target.view.getUint32(at, true);
  target.view.setUint32(at + RecordOffset.checksum, checksumOf(target.view, at + 8, at + length), true);
}

/** Whether the record of `length` bytes at `at` matches its checksum, which covers all that tells its parts. */
export function recordMatchesChecksum(view: DataView, at: number, length: number): boolean {
  return checksumOf(view, at + 8, at + length) === view.getUint32(at + 4, true);
}

/** Whether the record at `at` is whole: its length is plausible and lies within `end`, its parts fit, its checksum is right. */
export function isRecordIntact({ view }: RecordTarget, at: number, end: number): boolean {
  if (at + RECORD_HEADER_SIZE > end) return false;
  const length = view.getUint32(at, true);
  if (length < RECORD_HEADER_SIZE || (length & 7) !== 0 || at + length > end) return false;
  const actorLength = view.getUint8(at + RecordOffset.actorLength);
  if (recordSize(view.getUint32(at + RecordOffset.bodyLength, true), actorLength) !== length) return false;
  return checksumOf(view, at + 8, at + length) === view.getUint32(at + RecordOffset.checksum, true);
}

/** The actor's name in the record at `at`. */
export function recordActor(target: RecordTarget, at: number): string {
  const start = at + RECORD_HEADER_SIZE + target.view.getUint32(at + RecordOffset.bodyLength, true);
  const length = target.view.getUint8(at + RecordOffset.actorLength);
  assert(length <= ACTOR_SIZE_MAX, 'Actor of a record is within its limit');
  return new TextDecoder().decode(target.bytes.slice(start, start + length));
}
