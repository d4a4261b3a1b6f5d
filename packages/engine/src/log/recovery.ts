/**
 * Recovery: reads every segment from the first, checks every batch, and finds where the log ends.
 *
 * 1. A batch counts when its header is whole and stands where it says, its records match their hash, and it follows the batch before.
 * 2. Behind the last batch that counts, in the last segment, there may be one torn batch: it was never synced, nobody was answered, it
 *    is left where it is and passed over.
 * 3. Whatever is proven durable by something written later (a later batch header, a later segment) and does not count is damage: it is
 *    reported with file and offset, and nothing is opened.
 * 4. Recovery writes nothing.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE, BATCH_MAGIC, NO_HASH, batchFault, decodeBatchHeader, sha256, type BatchHeader } from './batch.ts';
import type { LogEnd } from './group-commit.ts';
import type { RecordTarget } from './record.ts';
import {
  PREPARED_NAME,
  SEGMENT_HEADER_SIZE,
  checkSegmentSize,
  decodeSegmentHeader,
  segmentIndexOf,
  segmentName,
  type SegmentHeader,
} from './segment.ts';

/** Receives each batch that counts, in order: its records lie in `source.bytes[start, end)`; they are valid during the call. */
export type BatchVisitor = (batch: { source: RecordTarget; path: string; start: number; end: number; header: BatchHeader }) => void;

export interface Recovered {
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** Of the last batch; the next opening uses one more. */
  readonly epoch: number;
  readonly logEnd: LogEnd;
  /** Segments that have begun, and the position where the batches of each end. */
  readonly segments: readonly { readonly index: number; readonly end: number }[];
  /** A segment that is filled with zeros and not begun, or 0. */
  readonly preparedSegment: number;
  /** Bytes behind the end that a torn batch left; passed over. */
  readonly tornBytes: number;
  readonly batchCount: number;
}

/** Bytes read so far and bytes to read, for a progress bar. */
export type RecoveryProgress = (doneBytes: number, totalBytes: number) => void;

interface Chain {
  end: number;
  hash: Uint8Array;
  timeMs: number;
  epoch: number;
  batchCount: number;
}

/**
 * Reads and checks the whole log of `directory`; `undefined` when there is none.
 *
 * @throws {KLaniError} Damaged with file and offset; FormatUnsupported; Io
 */
export function recover(directory: Directory, visit?: BatchVisitor, progress?: RecoveryProgress): Recovered | undefined {
  const indexes = segmentIndexes(directory);
  const first = indexes[0];
  if (first === undefined) return undefined;
  const memory = new SegmentMemory(directory);
  const firstHeader = memory.load(first);
  if (firstHeader === undefined) return emptyOrDamaged(memory, indexes);
  checkSegmentSize(firstHeader.sizeBytes);
  const chain: Chain = {
    end: firstHeader.previousEnd === 0 ? firstHeader.sizeBytes : firstHeader.previousEnd,
    hash: firstHeader.previousHash,
    timeMs: 0,
    epoch: 0,
    batchCount: 0,
  };
  const begun: { index: number; end: number }[] = [];
  let tornBytes = 0;
  let preparedSegment = 0;
  for (const [place, index] of indexes.entries()) {
    const header = place === 0 ? firstHeader : memory.load(index);
    const next = indexes[place + 1];
    const following = next === undefined ? undefined : peekHeader(directory, next);
    if (header === undefined) {
      if (following !== undefined && following.previousEnd <= index * firstHeader.sizeBytes) continue;
      checkNotBegun(memory, { isLast: next === undefined, databaseId: firstHeader.databaseId });
      const usedBytes = memory.usedFrom(0);
      if (usedBytes === 0) preparedSegment = index;
      tornBytes += usedBytes;
      continue;
    }
    checkSegmentHeader(memory, header, { first: firstHeader, chain, index });
    const fault = readBatches(memory, header, chain, visit);
    tornBytes = judgeEnd(memory, { header, chain, fault, following });
    begun.push({ index, end: Math.max(chain.end, index * header.sizeBytes + SEGMENT_HEADER_SIZE) });
    progress?.((place + 1) * header.sizeBytes, indexes.length * header.sizeBytes);
  }
  return {
    databaseId: firstHeader.databaseId,
    segmentSizeBytes: firstHeader.sizeBytes,
    epoch: chain.epoch,
    logEnd: {
      end: chain.end,
      hash: chain.hash,
      timeMs: chain.timeMs,
      segment: (indexes.at(-1) ?? 0) - (preparedSegment === 0 ? 0 : 1),
      mustBeginSegment: tornBytes > 0,
    },
    segments: begun,
    preparedSegment,
    tornBytes,
    batchCount: chain.batchCount,
  };
}

/** The bytes of one whole segment at a time. */
class SegmentMemory implements RecordTarget {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  path = '';
  index = 0;
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** Reads segment `index`; `undefined` when its header is not whole. */
  load(index: number): SegmentHeader | undefined {
    const file = this.#directory.openFile(segmentName(index), 'read');
    try {
      const sizeBytes = file.sizeBytes();
      if (this.bytes.length !== sizeBytes) this.bytes = new Uint8Array(sizeBytes);
      this.view = new DataView(this.bytes.buffer);
      file.read(this.bytes, 0);
      this.path = file.path;
      this.index = index;
      return decodeSegmentHeader(this.bytes, file.path);
    } finally {
      file.close();
    }
  }

  damage(offset: number, what: string): KLaniError {
    return new KLaniError('Damaged', `Cannot open ${this.path}: damaged at offset ${offset}: ${what}`);
  }

  /** Bytes from `offset` to the last one that is not zero. */
  usedFrom(offset: number): number {
    let end = this.bytes.length;
    const words = new Uint32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
    while (end - 4 >= offset && words[(end >> 2) - 1] === 0) end -= 4;
    return Math.max(0, end - offset);
  }
}

function segmentIndexes(directory: Directory): number[] {
  const indexes: number[] = [];
  for (const name of directory.list()) {
    const index = name === PREPARED_NAME ? undefined : segmentIndexOf(name);
    if (index !== undefined) indexes.push(index);
  }
  indexes.sort((a, b) => a - b);
  for (const [place, index] of indexes.entries()) {
    const expected = (indexes[0] ?? 0) + place;
    if (index !== expected) {
      throw new KLaniError('Damaged', `Cannot open ${directory.path}: ${segmentName(expected)} is missing, ${segmentName(index)} exists`);
    }
  }
  return indexes;
}

/** A database whose very first write never came to be durable has only segments that have not begun. */
function emptyOrDamaged(memory: SegmentMemory, indexes: readonly number[]): undefined {
  if (indexes.length > 1 || memory.index !== 1) throw memory.damage(0, 'the segment header is not whole');
  if (memory.bytes.length >= SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE) {
    const databaseId = memory.bytes.slice(24, 40);
    if (hasBatchBehind(memory, SEGMENT_HEADER_SIZE + 8, databaseId)) throw memory.damage(0, 'the segment header is not whole');
  }
  return undefined;
}

/** A segment without a whole header is prepared, or torn in its very first write; anything behind that write proves damage. */
function checkNotBegun(memory: SegmentMemory, context: { isLast: boolean; databaseId: Uint8Array }): void {
  const isProven = hasBatchBehind(memory, SEGMENT_HEADER_SIZE + 8, context.databaseId);
  if (!context.isLast || isProven) throw memory.damage(0, 'the segment header is not whole');
}

function checkSegmentHeader(
  memory: SegmentMemory,
  header: SegmentHeader,
  expected: { first: SegmentHeader; chain: Chain; index: number },
): void {
  const { first, chain, index } = expected;
  if (header.databaseId.some((byte, place) => byte !== first.databaseId[place])) {
    throw memory.damage(24, 'the segment belongs to another database');
  }
  if (header.index !== index) throw memory.damage(40, `the segment's index is ${header.index}, its name says ${index}`);
  if (header.sizeBytes !== first.sizeBytes || memory.bytes.length !== first.sizeBytes) {
    throw memory.damage(44, `the segment has ${memory.bytes.length} bytes, must be ${first.sizeBytes}`);
  }
  const isFirst = header.previousEnd === 0;
  if (!isFirst && header.previousEnd !== chain.end) {
    throw memory.damage(56, `the segment before ends at position ${chain.end}, the header says ${header.previousEnd}`);
  }
  if (header.previousHash.some((byte, place) => byte !== (isFirst ? NO_HASH : chain.hash)[place])) {
    throw memory.damage(64, 'the previous hash is not that of the last batch before');
  }
}

/** Visits the batches of a segment; returns why it stopped before the segment's end, if it did. */
function readBatches(memory: SegmentMemory, header: SegmentHeader, chain: Chain, visit: BatchVisitor | undefined): string | undefined {
  const base = header.index * header.sizeBytes;
  let offset = SEGMENT_HEADER_SIZE;
  while (offset + BATCH_HEADER_SIZE <= header.sizeBytes) {
    const batch = decodeBatchHeader(memory, offset, { position: base + offset, databaseId: header.databaseId });
    if (batch === undefined) return 'a batch header is not whole';
    const fault = batchFault(memory, offset, {
      header: batch,
      previousHash: chain.hash,
      previousEnd: chain.end,
      end: header.sizeBytes,
    });
    if (fault !== undefined) return fault;
    const end = offset + batch.length;
    visit?.({ source: memory, path: memory.path, start: offset + BATCH_HEADER_SIZE, end, header: batch });
    chain.hash = sha256(memory.bytes, offset, offset + BATCH_HEADER_SIZE);
    chain.end = base + end;
    chain.timeMs = batch.timeMs;
    chain.epoch = batch.epoch;
    chain.batchCount += 1;
    offset = end;
  }
  return undefined;
}

/** Decides whether what lies behind the last good batch of a segment is its end, a torn batch or damage; returns the torn bytes. */
function judgeEnd(
  memory: SegmentMemory,
  end: { header: SegmentHeader; chain: Chain; fault: string | undefined; following: SegmentHeader | undefined },
): number {
  const base = end.header.index * end.header.sizeBytes;
  const offset = Math.max(SEGMENT_HEADER_SIZE, end.chain.end - base);
  const fault = end.fault ?? 'the segment ends early';
  if (end.following !== undefined && end.following.previousEnd > Math.max(end.chain.end, base + SEGMENT_HEADER_SIZE)) {
    throw memory.damage(offset, fault);
  }
  if (end.following !== undefined || end.fault === undefined) return 0;
  const usedBytes = memory.usedFrom(offset);
  if (usedBytes > 0 && hasBatchBehind(memory, offset + 8, end.header.databaseId)) throw memory.damage(offset, fault);
  return usedBytes;
}

/** Whether a whole batch header of this database stands anywhere from `offset` on: proof that what lies before it had been synced. */
function hasBatchBehind(memory: SegmentMemory, offset: number, databaseId: Uint8Array): boolean {
  for (let at = (offset + 7) & ~7; at + BATCH_HEADER_SIZE <= memory.bytes.length; at += 8) {
    if (memory.view.getUint32(at, true) !== BATCH_MAGIC) continue;
    const position = memory.index * memory.bytes.length + at;
    if (decodeBatchHeader(memory, at, { position, databaseId }) !== undefined) return true;
  }
  return false;
}

function peekHeader(directory: Directory, index: number): SegmentHeader | undefined {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
    file.read(bytes, 0);
    return decodeSegmentHeader(bytes, file.path);
  } finally {
    file.close();
  }
}
