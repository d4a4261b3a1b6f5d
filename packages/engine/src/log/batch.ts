/**
 * The batch: the records of one group commit, all of them or none. Little-endian; begins at a multiple of 8.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | magic | "KLBA" |
 * | 4 | 4 | checksum | CRC-32 of bytes 8 to 128 |
 * | 8 | 8 | position | of this header in the log |
 * | 16 | 4 | length | bytes of header and records |
 * | 20 | 4 | record count | |
 * | 24 | 8 | time | milliseconds since 1970, UTC; never goes back |
 * | 32 | 4 | epoch | how many times the database had been opened |
 * | 36 | 4 | – | zero |
 * | 40 | 8 | term | of replication; zero |
 * | 48 | 8 | durable | the position up to which the log was known durable when this was written |
 * | 56 | 8 | salt | that of its segment, which no client knows: bytes that a client sends cannot pass for a batch |
 * | 64 | 32 | records hash | SHA-256 of bytes 128 to `length` |
 * | 96 | 32 | previous hash | SHA-256 of the 128 header bytes of the batch before; zeros for the first |
 *
 * 1. At most one batch is not synced at any time: `durable` is the end of the batch before.
 * 2. A batch lies in one segment.
 * 3. The chain of previous hashes makes any later change of a header, and by the records hash of any record, visible.
 */
import { crc32 } from '@k-lani/base';
import { hash } from 'node:crypto';
import { readU64, writeU64, type RecordTarget } from './record.ts';

export const BATCH_HEADER_SIZE = 128;
export const BATCH_LENGTH_OFFSET = 16;
export const HASH_SIZE = 32;
const SALT_OFFSET = 56;
/** Bytes of a segment's salt. */
export const SALT_SIZE = 8;
export const BATCH_MAGIC = 0x41424c4b;

/** What the previous hash of the first batch is. */
export const NO_HASH: Uint8Array = new Uint8Array(HASH_SIZE);

export interface BatchHeader {
  readonly position: number;
  readonly length: number;
  readonly recordCount: number;
  readonly timeMs: number;
  readonly epoch: number;
  readonly durable: number;
}

/** A place in the log behind which reading begins, because what lies before it is known from elsewhere. */
export interface RecoveryStart {
  /** Position behind a batch that was durable when this was noted. */
  readonly end: number;
  /** SHA-256 of that batch's header. */
  readonly hash: Uint8Array;
  /** That batch's time and epoch. */
  readonly timeMs: number;
  readonly epoch: number;
  /** How many batches there are up to here. */
  readonly batchCount: number;
}

/** SHA-256 of `bytes[start, end)`. */
export function sha256(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return hash('sha256', bytes.subarray(start, end), 'buffer');
}

/**
 * Writes the header in front of records that are already in place at `at + 128`, and returns the header's own hash: the next batch's
 * previous hash.
 */
export function sealBatch(
  target: RecordTarget,
  at: number,
  header: BatchHeader & { salt: Uint8Array; previousHash: Uint8Array },
): Uint8Array {
  const { bytes, view } = target;
  view.setUint32(at, BATCH_MAGIC, true);
  writeU64(view, at + 8, header.position);
  view.setUint32(at + BATCH_LENGTH_OFFSET, header.length, true);
  view.setUint32(at + 20, header.recordCount, true);
  writeU64(view, at + 24, header.timeMs);
  view.setUint32(at + 32, header.epoch, true);
  view.setUint32(at + 36, 0, true);
  writeU64(view, at + 40, 0);
  writeU64(view, at + 48, header.durable);
  bytes.set(header.salt, at + SALT_OFFSET);
  bytes.set(sha256(bytes, at + BATCH_HEADER_SIZE, at + header.length), at + 64);
  bytes.set(header.previousHash, at + 96);
  view.setUint32(at + 4, crc32(bytes, at + 8, at + BATCH_HEADER_SIZE), true);
  return sha256(bytes, at, at + BATCH_HEADER_SIZE);
}

/** Decodes the header at `at`, or returns `undefined` where there is none that is whole, of this segment (of any, without a salt), and stands at `position`. */
export function decodeBatchHeader(
  source: RecordTarget,
  at: number,
  expected: { position: number; salt: Uint8Array | undefined },
): BatchHeader | undefined {
  const { bytes, view } = source;
  if (at + BATCH_HEADER_SIZE > bytes.length || view.getUint32(at, true) !== BATCH_MAGIC) return undefined;
  if (view.getUint32(at + 4, true) !== crc32(bytes, at + 8, at + BATCH_HEADER_SIZE)) return undefined;
  if (expected.salt !== undefined && !equalBytes(bytes, at + SALT_OFFSET, expected.salt)) return undefined;
  const position = readU64(view, at + 8);
  if (position !== expected.position) return undefined;
  return {
    position,
    length: view.getUint32(at + BATCH_LENGTH_OFFSET, true),
    recordCount: view.getUint32(at + 20, true),
    timeMs: readU64(view, at + 24),
    epoch: view.getUint32(at + 32, true),
    durable: readU64(view, at + 48),
  };
}

/** The salt that the batch header at `at` repeats. */
export function batchSalt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.slice(at + SALT_OFFSET, at + SALT_OFFSET + SALT_SIZE);
}

/** Whether the records of the batch of `length` bytes at `at` match the hash in its header. */
export function recordsMatchHash(bytes: Uint8Array, at: number, length: number): boolean {
  return equalBytes(bytes, at + 64, sha256(bytes, at + BATCH_HEADER_SIZE, at + length));
}

/**
 * The salt of the segment that begins behind the batch header with this hash: known to recovery even where that segment's header is lost, and
 * to nobody who does not know the salt before it.
 */
export function nextSalt(salt: Uint8Array, headerHash: Uint8Array): Uint8Array {
  const known = new Uint8Array(salt.length + headerHash.length);
  known.set(salt);
  known.set(headerHash, salt.length);
  return sha256(known, 0, known.length).slice(0, SALT_SIZE);
}

/** Why the batch whose header was decoded at `at` is not whole, or `undefined` when it is. */
export function batchFault(
  source: RecordTarget,
  at: number,
  batch: { header: BatchHeader; previousHash: Uint8Array; previousEnd: number; end: number; isHashed: boolean },
): string | undefined {
  const { bytes } = source;
  const { length, durable } = batch.header;
  if (length < BATCH_HEADER_SIZE || at + length > batch.end) return `length is ${length} bytes, ${batch.end - at} are left`;
  if (durable !== batch.previousEnd) return `it follows position ${durable}, the batch before ends at ${batch.previousEnd}`;
  if (!equalBytes(bytes, at + 96, batch.previousHash)) return 'its previous hash is not that of the batch before';
  if (!batch.isHashed) return undefined;
  if (!recordsMatchHash(bytes, at, length)) return 'its records do not match their hash';
  return undefined;
}

function equalBytes(bytes: Uint8Array, at: number, other: Uint8Array): boolean {
  for (let index = 0; index < other.length; index += 1) if (bytes[at + index] !== other[index]) return false;
  return true;
}
