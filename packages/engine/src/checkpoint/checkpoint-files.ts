/**
 * The files of checkpoints: reading one only when everything about it is right, writing one so that a crash at any moment leaves the one
 * before. A file is named for the segment before which it stands.
 *
 * 1. A checkpoint is believed when its checksums are right, the log's own header of the segment before which it stands says the same end and
 *    hash, no segment it refers to is gone, and it remembers as many operations as are wanted. Otherwise it is passed over, with a reason.
 * 2. Whatever becomes of it, it proves that the log went on behind it (`log/proof.ts`): its builder made sure of that on the disk.
 * 3. A file has its final name only when it is whole and synced. Older ones are removed after that name is durable.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from '../io/io.ts';
import type { RecoveryStart } from '../log/batch.ts';
import { checkpointName, checkpointNames, readFront, readPlace, type CheckpointPlace } from '../log/checkpoint-front.ts';
import { peekSegments, startOf } from '../log/recovery.ts';
import type { SegmentHeader } from '../log/segment.ts';
import { CHUNK_SIZE_BYTES, type PageStore } from '../memory/page-store.ts';
import { decodeFront, encodeFront, frontSize, isExtent, pageChecksum, type CheckpointFront } from './checkpoint.ts';

/** The name of a checkpoint while it is being written. */
const UNFINISHED_NAME = 'next.checkpoint';

/** A checkpoint that was read and is whole. */
export interface Checkpoint extends CheckpointFront {
  readonly name: string;
  readonly sizeBytes: number;
  /** The pages, whole chunks. */
  readonly buffers: readonly SharedArrayBuffer[];
}

/** A checkpoint that the log agrees with. */
interface UsableCheckpoint extends Checkpoint {
  /** Where reading of the log goes on. */
  readonly start: RecoveryStart;
}

/** What must hold for a checkpoint besides being whole. */
export interface CheckpointDemand {
  /** The segment that begins the log. */
  readonly firstSegment: number;
  /** How many operations are to be remembered. */
  readonly operationWindow: number;
}

/** The newest checkpoint that can be believed, and why newer ones cannot. */
export interface FoundCheckpoint {
  readonly checkpoint: UsableCheckpoint | undefined;
  /** One sentence for each file that was passed over. */
  readonly ignored: readonly string[];
}

/**
 * Finds the newest checkpoint that can be believed.
 *
 * @throws {KLaniError} Io, FormatUnsupported; Damaged when a segment is missing
 */
export function findCheckpoint(directory: Directory, demand: CheckpointDemand): FoundCheckpoint {
  const ignored: string[] = [];
  for (const name of checkpointNames(directory)) {
    const checkpoint = readCheckpoint(directory, name);
    const start = typeof checkpoint === 'string' ? checkpoint : startBehind(directory, checkpoint, demand);
    if (typeof start === 'string') ignored.push(`${name} is passed over: ${start}`);
    else if (typeof checkpoint !== 'string') return { checkpoint: { ...checkpoint, start }, ignored };
  }
  return { checkpoint: undefined, ignored };
}

/** Reads a checkpoint and checks every byte of it; or says why it cannot be believed. */
export function readCheckpoint(directory: Directory, name: string): Checkpoint | string {
  try {
    const file = directory.openFile(name, 'read');
    try {
      return readWhole(file, name);
    } finally {
      file.close();
    }
  } catch (error) {
    // A cache on a failing disk is as good as none.
    if (error instanceof KLaniError) return error.message;
    throw error;
  }
}

/** Removes what an unfinished checkpoint left behind. */
export function removeUnfinished(directory: Directory): void {
  if (directory.list().includes(UNFINISHED_NAME)) directory.remove(UNFINISHED_NAME);
}

/** Removes every finished checkpoint but `kept`. They are caches: that the names are gone need not be durable. */
export function removeCheckpoints(directory: Directory, kept?: string): void {
  for (const name of checkpointNames(directory)) if (name !== kept) directory.remove(name);
}

/**
 * Writes a checkpoint, in steps between which other work may be done: 1 MiB is written and synced in each, so that a sync of the log
 * meanwhile never waits for more. Returns its size in bytes.
 *
 * @throws {KLaniError} DiskFull, ReadOnly, Io; nothing is left behind then, nor when the steps are not taken to the end
 */
export function* writeCheckpoint(
  directory: Directory,
  content: Omit<CheckpointFront, 'extentBytes' | 'pageChecksums'>,
  store: PageStore,
): Generator<void, number> {
  const { extentBytes, buffers } = store;
  const name = checkpointName(content.place.segment);
  const frontBytes = frontSize(content.tables, content.operations.positions.length, extentBytes);
  const pageChecksums: number[] = [];
  let isNamed = false;
  removeUnfinished(directory);
  const file = directory.createFile(UNFINISHED_NAME);
  try {
    for (const [place, buffer] of buffers.entries()) {
      const offset = place * CHUNK_SIZE_BYTES;
      if (offset >= extentBytes) break;
      const pages = new Uint8Array(buffer, 0, Math.min(CHUNK_SIZE_BYTES, extentBytes - offset));
      pageChecksums.push(pageChecksum(pages));
      file.write(pages, frontBytes + offset);
      file.sync();
      yield;
    }
    const front = encodeFront({ ...content, extentBytes, pageChecksums });
    for (let offset = 0; offset < front.length; offset += CHUNK_SIZE_BYTES) {
      file.write(front.subarray(offset, offset + CHUNK_SIZE_BYTES), offset);
      file.sync();
      yield;
    }
    directory.rename(UNFINISHED_NAME, name);
    isNamed = true;
    yield;
    directory.sync();
    yield;
    removeCheckpoints(directory, name);
    return frontBytes + extentBytes;
  } finally {
    file.close();
    if (!isNamed) removeUnfinished(directory);
  }
}

function readWhole(file: File, name: string): Checkpoint | string {
  const size = readPlace(file);
  if (typeof size === 'string') return size;
  const { frontBytes, extentBytes } = size;
  if (!isExtent(extentBytes)) return `its header says ${extentBytes} bytes of pages`;
  const front = decodeFront(readFront(file, frontBytes));
  if (typeof front === 'string') return front;
  const buffers: SharedArrayBuffer[] = [];
  for (const [place, checksum] of front.pageChecksums.entries()) {
    const offset = place * CHUNK_SIZE_BYTES;
    const buffer = new SharedArrayBuffer(CHUNK_SIZE_BYTES);
    const pages = new Uint8Array(buffer, 0, Math.min(CHUNK_SIZE_BYTES, extentBytes - offset));
    file.read(pages, frontBytes + offset);
    if (pageChecksum(pages) !== checksum) return `its pages from offset ${frontBytes + offset} do not match their checksum`;
    buffers.push(buffer);
  }
  return { ...front, name, sizeBytes: frontBytes + extentBytes, buffers };
}

/** Where reading goes on behind a checkpoint that is whole; or why it cannot be used here. */
function startBehind(directory: Directory, checkpoint: Checkpoint, demand: CheckpointDemand): RecoveryStart | string {
  const { place, name, oldestSegment, operationWindow, operations } = checkpoint;
  const files = peekSegments(directory, demand.firstSegment);
  if (name !== checkpointName(place.segment)) return `it stands before segment ${place.segment}, its name says another`;
  if (oldestSegment < demand.firstSegment) return `it refers to segment ${oldestSegment}, the log begins at ${demand.firstSegment}`;
  if (operations.positions.length === operationWindow && operationWindow < demand.operationWindow) {
    return `it remembers ${operationWindow} operations, ${demand.operationWindow} are wanted`;
  }
  const header = files.find(({ index }) => index === place.segment)?.header;
  return header === undefined ? `segment ${place.segment} has not begun` : startAt(header, place);
}

/** What the log's own header of the segment says, if the checkpoint says the same. */
function startAt(header: SegmentHeader, place: CheckpointPlace): RecoveryStart | string {
  const start = startOf(header);
  if (!equalBytes(header.databaseId, place.databaseId)) return 'it is of another database';
  const isSame = header.sizeBytes === place.segmentSizeBytes && start?.end === place.end && equalBytes(start.hash, place.hash);
  return isSame ? start : 'it is of another log: the end or the hash before its segment differs';
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => b[index] === byte);
}
