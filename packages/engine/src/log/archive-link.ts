/**
 * Whether a segment goes on where an archive ends: it names the position and the hash of the batch before it, and in the archive that very
 * batch must stand there, with no batch of the log behind it in a later segment. What stands behind it in the same segment is torn, and no part
 * of the log.
 */
import type { Directory, File } from '../io/io.ts';
import { BATCH_HEADER_SIZE, NO_HASH, decodeBatchHeader, recordsMatchHash, sha256, type BatchHeader } from './batch.ts';
import { readManifest } from './manifest.ts';
import { SEGMENT_HEADER_SIZE, decodeSegmentHeader, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';

/** Batch headers that are read in one turn of the thread. */
const TURN_HEADERS = 1024;

/** Ends a turn of the thread; returns whether to leave off. */
export type EndTurn = () => Promise<boolean>;

/** Whether the log in `archive` ends where the log before the segment with this header does; `undefined` when it was left off. */
export async function goesOnBehind(archive: Directory, header: SegmentHeader, endTurn: EndTurn): Promise<boolean | undefined> {
  const { previousEnd, previousHash, sizeBytes } = header;
  const begin = readManifest(archive)?.start ?? { end: 0, hash: NO_HASH };
  if (previousEnd < begin.end) return false;
  const last = Math.floor((previousEnd - 1) / sizeBytes);
  const isBegin = previousEnd === begin.end;
  const later = archive.list().flatMap((name) => segmentIndexOf(name) ?? []);
  for (const index of later) if (index > last && holdsBatch(archive, index)) return false;
  if (isBegin) return isSame(begin.hash, previousHash);
  if (!later.includes(last)) return false;
  const hash = await hashOfLast(archive, { index: last, offset: previousEnd - last * sizeBytes }, endTurn);
  return hash === undefined ? undefined : isSame(hash, previousHash);
}

/** The header of a segment that is there; `undefined` when it has not begun. */
export function headerOf(directory: Directory, index: number): SegmentHeader | undefined {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
    file.read(bytes, 0);
    return decodeSegmentHeader(bytes, file.path);
  } finally {
    file.close();
  }
}

/** The SHA-256 of the header of the batch that ends at an offset of a segment; zeros where none does, `undefined` when it was left off. */
async function hashOfLast(
  directory: Directory,
  { index, offset }: { index: number; offset: number },
  endTurn: EndTurn,
): Promise<Uint8Array | undefined> {
  const header = headerOf(directory, index);
  if (header === undefined) return NO_HASH;
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const bytes = new Uint8Array(BATCH_HEADER_SIZE);
    let hash = NO_HASH;
    let count = 0;
    for (let at = SEGMENT_HEADER_SIZE; at < offset;) {
      file.read(bytes, at);
      const batch = batchIn(bytes, header, at);
      if (batch === undefined || at + batch.length > offset) return NO_HASH;
      hash = sha256(bytes, 0, BATCH_HEADER_SIZE);
      at += batch.length;
      count += 1;
      if (count % TURN_HEADERS === 0 && (await endTurn())) return undefined;
    }
    return hash;
  } finally {
    file.close();
  }
}

/** Whether a segment holds a batch: one that was torn in its first write holds none. */
function holdsBatch(directory: Directory, index: number): boolean {
  const header = headerOf(directory, index);
  if (header === undefined) return false;
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const length = batchIn(readAt(file, BATCH_HEADER_SIZE), header, SEGMENT_HEADER_SIZE)?.length ?? 0;
    return length > 0 && recordsMatchHash(readAt(file, length), 0, length);
  } finally {
    file.close();
  }
}

function readAt(file: File, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  file.read(bytes, SEGMENT_HEADER_SIZE);
  return bytes;
}

/** The batch header that `bytes` begin with, which stand at an offset of a segment; `undefined` unless it is whole and lies in the segment. */
function batchIn(bytes: Uint8Array, { index, sizeBytes, salt }: SegmentHeader, offset: number): BatchHeader | undefined {
  const source = { bytes, view: new DataView(bytes.buffer) };
  const batch = decodeBatchHeader(source, 0, { position: index * sizeBytes + offset, salt });
  return batch !== undefined && batch.length >= BATCH_HEADER_SIZE && offset + batch.length <= sizeBytes ? batch : undefined;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
