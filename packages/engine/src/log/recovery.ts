/**
 * Recovery: reads every segment from the first, checks every batch, and finds where the log ends.
 *
 * 1. A batch counts when its header is whole and stands where it says, its records match their hash, and it follows the batch before.
 * 2. A segment has begun when its header is whole. One that has not, because it is only prepared or because its first write is torn, is
 *    passed over; so is what a torn write left behind the last batch of a segment.
 * 3. Whatever is proven durable by something written later (a later batch header, a later segment that says where the log before it ends)
 *    and does not count is damage: it is reported with file and offset, and nothing is opened.
 * 4. Writing goes on behind the last batch only where nothing but zeros follows in its segment and no later segment has been written to.
 * 5. A segment that has its final name has its full size; any other size is damage, and is found before memory is taken for it.
 * 6. Recovery writes nothing.
 * 7. Of a live log, which a process writes meanwhile, some end is read that it had: what stands behind a fault was written after the fault
 *    was whole, so the fault is read once more before it is judged.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import {
  BATCH_HEADER_SIZE,
  BATCH_MAGIC,
  NO_HASH,
  batchFault,
  nextSalt,
  decodeBatchHeader,
  sha256,
  type BatchHeader,
  type RecoveryStart,
} from './batch.ts';
import type { LogEnd } from './group-commit.ts';
import { MANIFEST_NAME, readManifest, type Manifest } from './manifest.ts';
import { expectProven, manifestProof } from './proof.ts';
import type { RecordTarget } from './record.ts';
import {
  PREPARED_NAME,
  SEGMENT_HEADER_SIZE,
  SEGMENT_SIZES,
  checkSegmentSize,
  decodeSegmentHeader,
  isSegmentSize,
  segmentIndexOf,
  segmentName,
  type SegmentHeader,
} from './segment.ts';
import { SegmentMemory } from './segment-memory.ts';

export type { RecoveryStart } from './batch.ts';

/** A batch that counts: its records lie in `source.bytes[start, end)`, `hash` is the SHA-256 of its header. Valid during the visit. */
export interface VisitedBatch {
  readonly source: RecordTarget;
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly header: BatchHeader;
  readonly hash: Uint8Array;
}

/** Receives each batch that counts, in order. */
export type BatchVisitor = (batch: VisitedBatch) => void;

/** Receives each segment after its batches: its bytes, and the position where its batches end. Valid during the visit. */
type SegmentVisitor = (segment: { index: number; source: RecordTarget; end: number }) => void;

export interface Recovered {
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** Of the last batch; the next opening uses one more. */
  readonly epoch: number;
  readonly logEnd: LogEnd;
  /** Segments that have begun, and the position where the batches of each end. */
  readonly segments: readonly { readonly index: number; readonly end: number }[];
  /** Segments of zeros behind the last that was written to. */
  readonly preparedSegments: readonly number[];
  /** Where the last batch begins; 0 for none. It may never have been synced. */
  readonly lastBatch: number;
  /** Bytes that torn writes left behind the end; passed over. */
  readonly tornBytes: number;
  readonly batchCount: number;
  /** What says where the log begins, unless that was told or nothing was ever given up. */
  readonly manifest: Manifest | undefined;
}

/** A directory in which no segment has begun. */
export interface NotBegun {
  readonly databaseId: undefined;
  /** The newest segment that was written to, 0 for none. */
  readonly segment: number;
  /** Segments of zeros. */
  readonly preparedSegments: readonly number[];
}

/** Bytes read so far and bytes to read, for a progress bar. */
export type RecoveryProgress = (doneBytes: number, totalBytes: number) => void;

export interface RecoveryOptions {
  /** Called with each batch that is read and counts, in order. */
  readonly visit?: BatchVisitor;
  /** Called with each segment that is read and has begun, in order. */
  readonly visitSegment?: SegmentVisitor;
  readonly progress?: RecoveryProgress | undefined;
  /** The segment that reading begins with; `start` then says where the log before it ends. As the manifest says, unless it is given. */
  readonly firstSegment?: number;
  /** Where to begin reading; segments wholly before it are not read. The beginning of the log, unless it is given. */
  readonly start?: RecoveryStart | undefined;
  /** What `peekSegments` gave, where not all of it is read: from one that has begun to one that has. */
  readonly files?: readonly SegmentFile[];
  /** The first segment that is not read any more. Whoever sets it compares where the batches before end with what its header says. */
  readonly endSegment?: number;
  /** Where segments are read into, if it has their size; for those who read one after the other. */
  readonly memory?: Uint8Array;
  /** Whether a process may be writing to the log meanwhile. */
  readonly isLive?: boolean;
  /** Whether the visitor checks the records of segments that are followed by another one, so that they need not be hashed. */
  readonly isCheckedByVisitor?: boolean;
}

/** A segment file. */
export interface SegmentFile {
  readonly index: number;
  readonly sizeBytes: number;
  /** Where it has begun. */
  readonly header: SegmentHeader | undefined;
}

interface Chain {
  end: number;
  hash: Uint8Array;
  timeMs: number;
  epoch: number;
  lastBatch: number;
  batchCount: number;
}

/** Segments behind the last that has begun. */
interface Tail {
  /** Bytes that are not zero. */
  tornBytes: number;
  /** The newest segment that was written to. */
  segment: number;
  /** That their batches would have. Without one, nothing has begun: a first write holds no bytes of a client, and any batch behind it is proof. */
  salt: Uint8Array | undefined;
  readonly preparedSegments: number[];
}

/**
 * Reads and checks the log of `directory`, all of it or what lies behind `start`.
 *
 * @throws {KLaniError} Damaged with file and offset; FormatUnsupported; Io
 */
export function recover(directory: Directory, options: RecoveryOptions = {}): Recovered | NotBegun {
  const { progress, endSegment = Number.POSITIVE_INFINITY } = options;
  const manifest = options.firstSegment === undefined ? readManifest(directory) : undefined;
  const firstSegment = options.firstSegment ?? manifest?.firstSegment ?? 1;
  const start = options.start ?? manifest?.start;
  const memory = new SegmentMemory(directory, options.memory);
  const files = options.files ?? peekSegments(directory, firstSegment);
  const begunCount = files.findLastIndex(({ header }) => header !== undefined) + 1;
  const tail: Tail = { tornBytes: 0, segment: 0, salt: undefined, preparedSegments: [] };
  const first = files.find(({ header }) => header !== undefined)?.header;
  if (first === undefined) {
    if (manifest !== undefined) throw missing(directory, manifest);
    checkPreparedSizes(directory, files);
    for (const file of files) readNotBegun(memory, file, tail, options);
    return { databaseId: undefined, segment: tail.segment, preparedSegments: tail.preparedSegments };
  }
  checkSizes(directory, files, first);
  checkPassedOver(directory, files.slice(0, begunCount));
  checkFirst(directory, first, { firstSegment, manifest });
  const chain: Chain = { end: first.sizeBytes, hash: NO_HASH, timeMs: 0, epoch: 0, batchCount: 0, ...start, lastBatch: 0 };
  const segments: { index: number; end: number }[] = [];
  for (const [place, { index, header }] of files.slice(0, begunCount).entries()) {
    if (index >= endSegment) break;
    const following = files.slice(place + 1).find((later) => later.header !== undefined)?.header;
    if (header !== undefined && following !== undefined && start !== undefined && following.previousEnd <= start.end) {
      segments.push({ index, end: endBefore(following, index) });
      continue;
    }
    if (header !== undefined) {
      memory.load(index, first.sizeBytes);
      tail.tornBytes = readSegment(memory, { first, header, following, chain, start, options });
      tail.segment = index;
      const end = Math.max(chain.end, index * header.sizeBytes + SEGMENT_HEADER_SIZE);
      segments.push({ index, end });
      options.visitSegment?.({ index, source: memory, end });
    }
    progress?.((place + 1) * first.sizeBytes, begunCount * first.sizeBytes);
  }
  const salt = files[begunCount - 1]?.header?.salt ?? first.salt;
  if (chain.batchCount > 0) tail.salt = nextSalt(salt, chain.hash);
  for (const file of files.slice(begunCount)) if (file.index < endSegment) readNotBegun(memory, file, tail, options);
  if (manifest !== undefined) {
    const lastSegment = files[begunCount - 1]?.index ?? first.index;
    const log = { databaseId: first.databaseId, segmentSizeBytes: first.sizeBytes, end: chain.end, lastSegment };
    expectProven(directory, log, [manifestProof(manifest, first.sizeBytes)]);
  }
  const endOfSegments = Math.floor((chain.end - 1) / first.sizeBytes);
  return {
    databaseId: first.databaseId,
    segmentSizeBytes: first.sizeBytes,
    epoch: chain.epoch,
    logEnd: {
      end: chain.end,
      hash: chain.hash,
      timeMs: chain.timeMs,
      segment: tail.segment,
      salt,
      mustBeginSegment: tail.tornBytes > 0 || endOfSegments !== tail.segment,
    },
    segments,
    preparedSegments: tail.preparedSegments,
    lastBatch: chain.lastBatch,
    tornBytes: tail.tornBytes,
    batchCount: chain.batchCount,
    manifest,
  };
}

/** The segment files of a directory by rising index, each with its header where it has begun. */
export function peekSegments(directory: Directory, firstSegment: number): SegmentFile[] {
  // From the last to the first: where a live log goes on meanwhile, a segment that has begun is not found behind one that has not.
  return segmentIndexes(directory, firstSegment)
    .toReversed()
    .map((index) => peek(directory, index))
    .toReversed();
}

/** The place before the first batch of a segment, as its header tells it; `undefined` for the segment that begins the log. */
export function startOf(header: SegmentHeader): RecoveryStart | undefined {
  const { previousEnd, previousHash, timeMs, epoch } = header;
  return previousEnd === 0 ? undefined : { end: previousEnd, hash: previousHash, timeMs, epoch, batchCount: 1 };
}

/** Checks and visits a segment that has begun; returns the torn bytes at its end. */
function readSegment(
  memory: SegmentMemory,
  segment: {
    first: SegmentHeader;
    header: SegmentHeader;
    following: SegmentHeader | undefined;
    chain: Chain;
    start: RecoveryStart | undefined;
    options: RecoveryOptions;
  },
): number {
  const { first, header, following, chain, start, options } = segment;
  const { index } = memory;
  checkSegmentHeader(memory, header, { first, chain, index, start });
  const isHashed = following === undefined || options.isCheckedByVisitor !== true;
  const base = index * header.sizeBytes;
  // What a torn write left behind the end that the next segment names is not looked at: without its hash it may pass for a batch.
  const end = following === undefined ? header.sizeBytes : Math.min(header.sizeBytes, following.previousEnd - base);
  for (;;) {
    const before = chain.end;
    const fault = readBatches(memory, header, { chain, visit: options.visit, isHashed, end });
    const offset = Math.max(SEGMENT_HEADER_SIZE, chain.end - base);
    const isDone = options.isLive !== true || following !== undefined || fault === undefined;
    if (isDone || !hasBatchBehind(memory, offset + 8, header.salt)) return judgeEnd(memory, { header, chain, fault, following });
    if (memory.isReloaded && chain.end === before) throw memory.damage(offset, fault);
    memory.reload(offset);
  }
}

/** Where the batches of segment `index` end, as a later segment knows. */
function endBefore(following: SegmentHeader, index: number): number {
  const begin = index * following.sizeBytes + SEGMENT_HEADER_SIZE;
  return Math.max(begin, Math.min(following.previousEnd, (index + 1) * following.sizeBytes));
}

function segmentIndexes(directory: Directory, firstSegment: number): number[] {
  const indexes: number[] = [];
  for (const name of directory.list()) {
    const index = name === PREPARED_NAME ? undefined : segmentIndexOf(name);
    if (index !== undefined && index >= firstSegment) indexes.push(index);
  }
  indexes.sort((a, b) => a - b);
  for (const [place, index] of indexes.entries()) {
    const expected = firstSegment + place;
    if (index !== expected) {
      throw new KLaniError('Damaged', `Cannot open ${directory.path}: ${segmentName(expected)} is missing, ${segmentName(index)} exists`);
    }
  }
  return indexes;
}

/** @throws {KLaniError} Damaged unless the manifest, if there is one, is of the same database as a segment */
export function expectOwn({ path }: Directory, manifest: Manifest | undefined, { databaseId }: SegmentHeader): void {
  if (manifest === undefined || manifest.databaseId.every((byte, place) => byte === databaseId[place])) return;
  throw new KLaniError('Damaged', `Cannot open ${path}/${MANIFEST_NAME}: damaged at offset 16: it belongs to another database`);
}

/** The segment that begins the log says that there is nothing before it, unless the manifest or the caller knows better. */
function checkFirst(
  directory: Directory,
  first: SegmentHeader,
  { firstSegment, manifest }: { firstSegment: number; manifest: Manifest | undefined },
): void {
  expectOwn(directory, manifest, first);
  if (first.previousEnd === 0 || firstSegment > 1) return;
  throw new KLaniError(
    'Damaged',
    `Cannot open ${directory.path}: ${segmentName(first.index)} goes on from position ${first.previousEnd}, and the segment before it is not whole`,
  );
}

/** A segment has its final name only when it has its full size: any other size is damage, found before its bytes are read. */
function checkSizes({ path }: Directory, files: readonly SegmentFile[], first: SegmentHeader): void {
  checkSegmentSize(first.sizeBytes);
  for (const { index, sizeBytes } of files) {
    if (sizeBytes !== first.sizeBytes) throw wrongSize(path, { index, sizeBytes, expected: `${first.sizeBytes}` });
  }
}

/** Where no header tells the size of segments, it is one that they may have. */
function checkPreparedSizes({ path }: Directory, files: readonly SegmentFile[]): void {
  for (const { index, sizeBytes } of files) {
    if (!isSegmentSize(sizeBytes)) throw wrongSize(path, { index, sizeBytes, expected: SEGMENT_SIZES });
  }
}

function wrongSize(path: string, { index, sizeBytes, expected }: { index: number; sizeBytes: number; expected: string }): KLaniError {
  const what = `damaged at offset ${sizeBytes}: the segment has ${sizeBytes} bytes, must be ${expected}`;
  return new KLaniError('Damaged', `Cannot open ${path}/${segmentName(index)}: ${what}`);
}

/** No segment has begun, but the manifest names one that had. */
function missing(directory: Directory, { firstSegment }: Manifest): KLaniError {
  const name = segmentName(firstSegment);
  const what = 'damaged at offset 0: it begins the log, and is missing or its header is not whole';
  return new KLaniError('Damaged', `Cannot open ${directory.path}/${name}: ${what}`);
}

/**
 * A segment that has not begun and is followed by one that has: the follower must know that the log before it ends earlier. If it ends in a
 * later one that has not begun either, that is the one that was damaged.
 */
function checkPassedOver({ path }: Directory, files: readonly SegmentFile[]): void {
  for (const [place, { index, header }] of files.entries()) {
    if (header !== undefined) continue;
    const following = files.slice(place).find((later) => later.header !== undefined)?.header;
    const lastBegun = following === undefined ? index : Math.ceil(following.previousEnd / following.sizeBytes) - 1;
    if (lastBegun < index) continue;
    throw new KLaniError('Damaged', `Cannot open ${path}/${segmentName(lastBegun)}: damaged at offset 0: the segment header is not whole`);
  }
}

/** A segment behind the last that has begun: prepared, or torn in its very first write. Anything behind that write proves damage. */
function readNotBegun(memory: SegmentMemory, { index, sizeBytes }: SegmentFile, tail: Tail, { isLive }: RecoveryOptions): void {
  memory.load(index, sizeBytes);
  const usedBytes = memory.usedFrom(0);
  if (usedBytes === 0) {
    tail.preparedSegments.push(index);
    return;
  }
  if (hasBatchBehind(memory, SEGMENT_HEADER_SIZE + 8, tail.salt)) {
    memory.reload(0);
    const hasBegun = decodeSegmentHeader(memory.bytes, memory.path) !== undefined;
    // A live log may have gone on into it after its header was looked at; the end that is told lies before it.
    if (isLive === true && hasBegun) return;
    throw memory.damage(0, 'the segment header is not whole');
  }
  tail.tornBytes += usedBytes;
  tail.segment = index;
  tail.preparedSegments.length = 0;
}

function checkSegmentHeader(
  memory: SegmentMemory,
  header: SegmentHeader,
  expected: { first: SegmentHeader; chain: Chain; index: number; start: RecoveryStart | undefined },
): void {
  const { first, chain, index, start } = expected;
  if (header.databaseId.some((byte, place) => byte !== first.databaseId[place])) {
    throw memory.damage(24, 'the segment belongs to another database');
  }
  if (header.index !== index) throw memory.damage(40, `the segment's index is ${header.index}, its name says ${index}`);
  if (header.sizeBytes !== first.sizeBytes) {
    throw memory.damage(44, `the header says that the segment has ${header.sizeBytes} bytes, must be ${first.sizeBytes}`);
  }
  // What lies before a start inside of this segment is known from elsewhere.
  if (start !== undefined && start.end > index * first.sizeBytes) return;
  const previousEnd = chain.batchCount === 0 ? 0 : chain.end;
  if (header.previousEnd !== previousEnd) {
    throw memory.damage(56, `the log before it ends at position ${previousEnd}, the header says ${header.previousEnd}`);
  }
  if (header.previousHash.some((byte, place) => byte !== chain.hash[place])) {
    throw memory.damage(64, 'the previous hash is not that of the last batch before');
  }
}

/** Visits the batches of a segment; returns why it stopped before the segment's end, if it did. */
function readBatches(
  memory: SegmentMemory,
  header: SegmentHeader,
  { chain, visit, isHashed, end: endMax }: { chain: Chain; visit: BatchVisitor | undefined; isHashed: boolean; end: number },
): string | undefined {
  const base = header.index * header.sizeBytes;
  let offset = Math.max(SEGMENT_HEADER_SIZE, chain.end - base);
  while (offset + BATCH_HEADER_SIZE <= endMax) {
    const batch = decodeBatchHeader(memory, offset, { position: base + offset, salt: header.salt });
    if (batch === undefined) return 'a batch header is not whole';
    const fault = batchFault(memory, offset, {
      header: batch,
      previousHash: chain.hash,
      previousEnd: chain.end,
      end: header.sizeBytes,
      isHashed,
    });
    if (fault !== undefined) return fault;
    const end = offset + batch.length;
    const hash = sha256(memory.bytes, offset, offset + BATCH_HEADER_SIZE);
    visit?.({ source: memory, path: memory.path, start: offset + BATCH_HEADER_SIZE, end, header: batch, hash });
    chain.hash = hash;
    chain.end = base + end;
    chain.lastBatch = base + offset;
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
  if (usedBytes > 0 && hasBatchBehind(memory, offset + 8, end.header.salt)) throw memory.damage(offset, fault);
  return usedBytes;
}

/** Whether a whole batch header of this segment stands anywhere from `offset` on: proof that what lies before it had been synced. */
function hasBatchBehind(memory: SegmentMemory, offset: number, salt: Uint8Array | undefined): boolean {
  for (let at = (offset + 7) & ~7; at + BATCH_HEADER_SIZE <= memory.bytes.length; at += 8) {
    if (memory.view.getUint32(at, true) !== BATCH_MAGIC) continue;
    const position = memory.index * memory.bytes.length + at;
    if (decodeBatchHeader(memory, at, { position, salt }) !== undefined) return true;
  }
  return false;
}

function peek(directory: Directory, index: number): SegmentFile {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
    file.read(bytes, 0);
    return { index, sizeBytes: file.sizeBytes(), header: decodeSegmentHeader(bytes, file.path) };
  } finally {
    file.close();
  }
}
