/**
 * The segment: a log file of fixed size, filled with zeros and synced before it is used. Little-endian.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 8 | magic | "KLANILOG" |
 * | 8 | 4 | checksum | CRC-32 of bytes 12 to 256 |
 * | 12 | 2 | format version | 1 |
 * | 14 | 2 | header size | 256 |
 * | 16 | 4 | compatible features | a reader may ignore bits that it does not know |
 * | 20 | 4 | incompatible features | a reader refuses bits that it does not know |
 * | 24 | 16 | database id | chosen at random when the database was made |
 * | 40 | 4 | index | of this segment, from 1 |
 * | 44 | 4 | size | bytes of the file |
 * | 48 | 4 | key id | reserved for encrypted fields; zero |
 * | 52 | 4 | epoch | that began the segment |
 * | 56 | 8 | previous end | position where the segment before ends; 0 for the first |
 * | 64 | 32 | previous hash | of the last batch header before; zeros for the first |
 * | 96 | 8 | time | milliseconds since 1970, UTC |
 * | 104 | 8 | salt | random in the first segment, then from the salt and the last batch before it; batch headers repeat it |
 * | 112 | 144 | – | zeros |
 *
 * 1. A position is `index · size + offset in the file`; positions rise along the log and 0 is none.
 * 2. The header is written with the segment's first batch, in one write, and never again. A segment of zeros is prepared and not begun.
 * 3. Bytes that were written never change. Recovery cuts a torn tail by beginning the next segment, whose `previous end` says where.
 * 4. Segments follow each other without a gap in their indexes.
 */
import { crc32 } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { HASH_SIZE, SALT_SIZE } from './batch.ts';
import { readU64, writeU64 } from './record.ts';

export const SEGMENT_HEADER_SIZE = 256;
const FORMAT_VERSION = 1;

/** Size of a segment unless configured otherwise: 64 MiB. */
export const SEGMENT_SIZE_BYTES = 64 * 1024 * 1024;
const SEGMENT_SIZE_BYTES_MIN = 64 * 1024;
const SEGMENT_SIZE_BYTES_MAX = 1024 * 1024 * 1024;

/** The name of a segment while it is being filled with zeros. */
export const PREPARED_NAME = 'next.segment';

const MAGIC = new TextEncoder().encode('KLANILOG');
const NAME_PATTERN = /^(\d{10})\.segment$/;
const DATABASE_ID_SIZE = 16;
const SALT_OFFSET = 104;

export interface SegmentHeader {
  readonly databaseId: Uint8Array;
  readonly index: number;
  readonly sizeBytes: number;
  readonly epoch: number;
  readonly previousEnd: number;
  readonly previousHash: Uint8Array;
  readonly timeMs: number;
  readonly salt: Uint8Array;
}

/** The file name of segment `index`: ten digits and `.segment`. */
export function segmentName(index: number): string {
  return `${String(index).padStart(10, '0')}.segment`;
}

/** The index that a file name tells, or `undefined` for another file. */
export function segmentIndexOf(name: string): number | undefined {
  const digits = NAME_PATTERN.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The header's 256 bytes. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, 0);
  view.setUint16(12, FORMAT_VERSION, true);
  view.setUint16(14, SEGMENT_HEADER_SIZE, true);
  bytes.set(header.databaseId, 24);
  view.setUint32(40, header.index, true);
  view.setUint32(44, header.sizeBytes, true);
  view.setUint32(52, header.epoch, true);
  writeU64(view, 56, header.previousEnd);
  bytes.set(header.previousHash, 64);
  writeU64(view, 96, header.timeMs);
  bytes.set(header.salt, SALT_OFFSET);
  view.setUint32(8, crc32(bytes, 12), true);
  return bytes;
}

/**
 * Decodes the header in the first 256 of `bytes`; `undefined` when it is not one or not whole.
 *
 * @throws {KLaniError} FormatUnsupported for a whole header of a format or feature that this version does not read
 */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): SegmentHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < SEGMENT_HEADER_SIZE || MAGIC.some((byte, index) => bytes[index] !== byte)) return undefined;
  if (view.getUint32(8, true) !== crc32(bytes, 12, SEGMENT_HEADER_SIZE)) return undefined;
  const version = view.getUint16(12, true);
  const features = view.getUint32(20, true);
  if (version !== FORMAT_VERSION || features !== 0) {
    throw new KLaniError(
      'FormatUnsupported',
      `Cannot read ${path}: format version is ${version} with features ${features}, must be ${FORMAT_VERSION} with 0`,
    );
  }
  return {
    databaseId: bytes.slice(24, 24 + DATABASE_ID_SIZE),
    index: view.getUint32(40, true),
    sizeBytes: view.getUint32(44, true),
    epoch: view.getUint32(52, true),
    previousEnd: readU64(view, 56),
    previousHash: bytes.slice(64, 64 + HASH_SIZE),
    timeMs: readU64(view, 96),
    salt: saltIn(bytes),
  };
}

/** The salt in the header that `bytes` begin with. */
function saltIn(bytes: Uint8Array): Uint8Array {
  return bytes.slice(SALT_OFFSET, SALT_OFFSET + SALT_SIZE);
}

/** What `isSegmentSize` holds for, in words. */
export const SEGMENT_SIZES = `a power of two from ${SEGMENT_SIZE_BYTES_MIN} to ${SEGMENT_SIZE_BYTES_MAX}`;

/** Whether segments may have this many bytes. */
export function isSegmentSize(sizeBytes: number): boolean {
  const isPowerOfTwo = Number.isInteger(Math.log2(sizeBytes));
  return isPowerOfTwo && sizeBytes >= SEGMENT_SIZE_BYTES_MIN && sizeBytes <= SEGMENT_SIZE_BYTES_MAX;
}

/** @throws {KLaniError} InvalidArgument unless segments may have `sizeBytes` */
export function checkSegmentSize(sizeBytes: number): void {
  if (isSegmentSize(sizeBytes)) return;
  throw new KLaniError('InvalidArgument', `Cannot use segments of ${sizeBytes} bytes: must be ${SEGMENT_SIZES}`);
}
