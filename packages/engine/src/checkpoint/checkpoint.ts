/**
 * The checkpoint: everything derived from the log up to one position, so that opening need not read what lies before. A cache: whatever is
 * wrong with one, it is passed over and the log is read instead. Little-endian, but for the pages, which are words of the machine that wrote
 * them.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 8 | magic | "KLANICKP" |
 * | 8 | 4 | checksum | CRC-32 of bytes 12 to `front size` |
 * | 12 | 4 | format version | 2; rises with any change of this layout, of the pages' layouts, or of what is derived |
 * | 16 | 4 | byte order | 0x01020304 as a word of the machine |
 * | 20 | 4 | front size | bytes before the pages, a multiple of 4,096 |
 * | 24 | 8 | extent | bytes of pages; the file ends behind them |
 * | 32 | 16 | database id | |
 * | 48 | 4 | segment size | of the log |
 * | 52 | 4 | segment | before whose first batch the checkpoint stands |
 * | 56 | 8 | end | position where the log before that segment ends |
 * | 64 | 32 | hash | SHA-256 of the last batch header before `end` |
 * | 96 | 4 | oldest segment | that anything in the checkpoint refers to |
 * | 100 | 4 | operation window | how many operations were to be remembered |
 * | 104 | 4 | operation count | |
 * | 108 | 4 | table count | |
 * | 112 | 16 | – | zeros |
 * | 128 | … | tables | by id from 1, see below |
 * | … | 8 each | operation positions | the oldest first |
 * | … | 4 each | operation hashes | in the same order |
 * | … | 4 each | page checksums | CRC-32 of each 1 MiB of pages, the last may be shorter |
 * | `front size` | extent | pages | the memory of one side, from its first page |
 *
 * A table: the row id that the next append gets (4), how many versions its schema has (4), root page of its row locations (4), how many
 * indexes it has (4); positions of its schema records, the oldest first (8 each); for each index the field (2), 1 for an ordered one (2),
 * and its root page (4).
 *
 * 1. The bytes follow from the log before `end` and from the size of the operation window alone.
 * 2. Every byte is under a checksum or compared, and nothing is decoded before its checksum is right.
 * 3. Counts fill the front exactly, root pages are pages of the extent, positions lie from the oldest segment to `end`: whatever is decoded can
 *    be looked up. What the pages hold is told by restoring alone.
 */
import { crc32 } from 'node:zlib';
import { CHUNK_SIZE_BYTES, PAGE_SIZE_BYTES, isPageWithin } from '../memory/page-store.ts';
import { CHECKPOINT_HEADER_SIZE, decodePlace, encodePlace, sealFront, type CheckpointPlace } from '../log/checkpoint-front.ts';
import { readU64, writeU64 } from '../log/record.ts';
import { SEGMENT_HEADER_SIZE } from '../log/segment.ts';
import type { SavedOperations } from '../snapshot/operation-window.ts';
import type { TableRoots } from '../snapshot/table-side.ts';

const FRONT_ALIGNMENT = 4096;
const TABLE_SIZE = 16;
const POSITION_SIZE = 8;
const INDEX_SIZE = 8;
const OPERATION_SIZE = 12;
const CHECKSUM_SIZE = 4;

/** What a checkpoint keeps of one table. */
export interface SavedTable {
  readonly rowIdNext: number;
  /** The oldest first. */
  readonly schemaPositions: readonly number[];
  readonly roots: TableRoots;
}

/** Everything in a checkpoint but the pages. */
export interface CheckpointFront {
  readonly place: CheckpointPlace;
  readonly oldestSegment: number;
  /** How many operations were to be remembered; there may have been fewer. */
  readonly operationWindow: number;
  readonly operations: SavedOperations;
  /** By id, from 1. */
  readonly tables: readonly SavedTable[];
  /** Bytes of pages. */
  readonly extentBytes: number;
  /** CRC-32 of each 1 MiB of them. */
  readonly pageChecksums: readonly number[];
}

/** How many bytes come before the pages. */
export function frontSize(tables: readonly SavedTable[], operationCount: number, extentBytes: number): number {
  let size = CHECKPOINT_HEADER_SIZE + operationCount * OPERATION_SIZE + Math.ceil(extentBytes / CHUNK_SIZE_BYTES) * CHECKSUM_SIZE;
  for (const { schemaPositions, roots } of tables) {
    size += TABLE_SIZE + schemaPositions.length * POSITION_SIZE + roots.indexes.length * INDEX_SIZE;
  }
  return Math.ceil(size / FRONT_ALIGNMENT) * FRONT_ALIGNMENT;
}

/** The bytes before the pages. */
export function encodeFront(front: CheckpointFront): Uint8Array {
  const { operations, tables, extentBytes, pageChecksums } = front;
  const bytes = new Uint8Array(frontSize(tables, operations.positions.length, extentBytes));
  const view = new DataView(bytes.buffer);
  encodePlace(bytes, front);
  view.setUint32(96, front.oldestSegment, true);
  view.setUint32(100, front.operationWindow, true);
  view.setUint32(104, operations.positions.length, true);
  view.setUint32(108, tables.length, true);
  let at = CHECKPOINT_HEADER_SIZE;
  for (const table of tables) at = encodeTable(view, at, table);
  for (const position of operations.positions) {
    writeU64(view, at, position);
    at += 8;
  }
  for (const word of [...operations.hashes, ...pageChecksums]) {
    view.setUint32(at, word, true);
    at += 4;
  }
  sealFront(bytes);
  return bytes;
}

/** Decodes the bytes before the pages, whose checksum is right; or says why they cannot be believed. */
export function decodeFront(bytes: Uint8Array): CheckpointFront | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const operationCount = view.getUint32(104, true);
  const extentBytes = readU64(view, 24);
  const tables: SavedTable[] = [];
  let at = CHECKPOINT_HEADER_SIZE;
  for (let count = view.getUint32(108, true); count > 0; count -= 1) {
    const end = tableEnd(view, at);
    if (end > bytes.length) return `its tables do not fit in its front of ${bytes.length} bytes`;
    tables.push(decodeTable(view, at));
    at = end;
  }
  const frontBytes = frontSize(tables, operationCount, extentBytes);
  if (frontBytes !== bytes.length) return `its counts call for a front of ${frontBytes} bytes, it has ${bytes.length}`;
  const positions = Float64Array.from({ length: operationCount }, (_, place) => readU64(view, at + place * POSITION_SIZE));
  at += operationCount * POSITION_SIZE;
  const words = (count: number): Uint32Array => {
    const first = at;
    at += count * 4;
    return Uint32Array.from({ length: count }, (_, place) => view.getUint32(first + place * 4, true));
  };
  const hashes = words(operationCount);
  const front = {
    place: decodePlace(bytes),
    oldestSegment: view.getUint32(96, true),
    operationWindow: view.getUint32(100, true),
    operations: { positions, hashes },
    tables,
    extentBytes,
    pageChecksums: [...words(Math.ceil(extentBytes / CHUNK_SIZE_BYTES))],
  };
  return contentFault(front) ?? front;
}

/** What in a front points where nothing can be. */
function contentFault(front: CheckpointFront): string | undefined {
  const { place, oldestSegment, operationWindow, operations, tables, extentBytes } = front;
  const begin = oldestSegment * place.segmentSizeBytes + SEGMENT_HEADER_SIZE;
  const isInLog = (position: number): boolean => position >= begin && position < place.end;
  if (operations.positions.length > operationWindow) {
    return `it has ${operations.positions.length} operations, must be <= ${operationWindow}`;
  }
  if (!operations.positions.every(isInLog)) return 'an operation is not in the log before it';
  for (const [index, { rowIdNext, schemaPositions, roots }] of tables.entries()) {
    const table = `table ${index + 1}`;
    if (rowIdNext === 0) return `the next row id of ${table} is 0`;
    if (schemaPositions.length === 0 || !schemaPositions.every(isInLog)) return `a schema of ${table} is not in the log before it`;
    const pages = [roots.locations, ...roots.indexes.map(({ rootPage }) => rootPage)];
    if (!pages.every((page) => isPageWithin(page, extentBytes))) return `a root page of ${table} is not among its pages`;
  }
  return undefined;
}

/** The checksum of up to 1 MiB of pages. */
export function pageChecksum(pages: Uint8Array): number {
  return crc32(pages);
}

/** Whether the bytes of pages are a whole number of pages, and at least the store's own. */
export function isExtent(extentBytes: number): boolean {
  return extentBytes >= PAGE_SIZE_BYTES && extentBytes % PAGE_SIZE_BYTES === 0;
}

function encodeTable(view: DataView, start: number, { rowIdNext, schemaPositions, roots }: SavedTable): number {
  view.setUint32(start, rowIdNext, true);
  view.setUint32(start + 4, schemaPositions.length, true);
  view.setUint32(start + 8, roots.locations, true);
  view.setUint32(start + 12, roots.indexes.length, true);
  let at = start + TABLE_SIZE;
  for (const position of schemaPositions) {
    writeU64(view, at, position);
    at += POSITION_SIZE;
  }
  for (const { fieldIndex, isOrdered, rootPage } of roots.indexes) {
    view.setUint16(at, fieldIndex, true);
    view.setUint16(at + 2, isOrdered ? 1 : 0, true);
    view.setUint32(at + 4, rootPage, true);
    at += INDEX_SIZE;
  }
  return at;
}

/** Where the table ends that is encoded from `start` on; behind the view when it has not even its counts there. */
function tableEnd(view: DataView, start: number): number {
  const end = start + TABLE_SIZE;
  return end > view.byteLength
    ? end
    : end + view.getUint32(start + 4, true) * POSITION_SIZE + view.getUint32(start + 12, true) * INDEX_SIZE;
}

function decodeTable(view: DataView, start: number): SavedTable {
  const schemaCount = view.getUint32(start + 4, true);
  const indexesAt = start + TABLE_SIZE + schemaCount * POSITION_SIZE;
  return {
    rowIdNext: view.getUint32(start, true),
    schemaPositions: Array.from({ length: schemaCount }, (_, place) => readU64(view, start + TABLE_SIZE + place * POSITION_SIZE)),
    roots: {
      locations: view.getUint32(start + 8, true),
      indexes: Array.from({ length: view.getUint32(start + 12, true) }, (_, place) => {
        const at = indexesAt + place * INDEX_SIZE;
        return {
          fieldIndex: view.getUint16(at, true),
          isOrdered: view.getUint16(at + 2, true) === 1,
          rootPage: view.getUint32(at + 4, true),
        };
      }),
    },
  };
}
