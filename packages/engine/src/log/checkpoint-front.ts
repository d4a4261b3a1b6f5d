/**
 * What every file of a checkpoint begins with, and where in the log it stands. The table of the whole file is in `checkpoint/checkpoint.ts`; this
 * much of it is known to the log, because it proves how far the log had come.
 *
 * 1. One checksum covers every byte before the pages. A front that matches it is whole, whatever becomes of the pages.
 * 2. The checksum is compared piece by piece: no memory is taken for a size that a file only says to have.
 */
import { crc32 } from 'node:zlib';
import type { Directory, File } from '../io/io.ts';
import { HASH_SIZE } from './batch.ts';
import { readU64, writeU64 } from './record.ts';

/** Bytes of the header, which tells how long the rest is. */
export const CHECKPOINT_HEADER_SIZE = 128;
const FORMAT_VERSION = 2;
const BYTE_ORDER = 0x01020304;
const MAGIC = new TextEncoder().encode('KLANICKP');
const CHECKSUM_OFFSET = 8;
const CHECKED_FROM = 12;
const DATABASE_ID_SIZE = 16;
const NAME_PATTERN = /^\d{10}\.checkpoint$/;

/** Bytes of a front that are read at once. */
const PIECE_BYTES = 1024 * 1024;

/** Where in the log a checkpoint stands. */
export interface CheckpointPlace {
  /** 16 bytes. */
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** The segment before whose first batch it stands. */
  readonly segment: number;
  /** Position where the log before that segment ends. */
  readonly end: number;
  /** SHA-256 of the last batch header before `end`. */
  readonly hash: Uint8Array;
}

/** How long a checkpoint is, as its first bytes tell; not to be believed before the checksum is right. */
export interface CheckpointSize {
  readonly frontBytes: number;
  readonly extentBytes: number;
}

/** The file name of the checkpoint before segment `segment`: ten digits and `.checkpoint`. */
export function checkpointName(segment: number): string {
  return `${String(segment).padStart(10, '0')}.checkpoint`;
}

/** The names of the finished checkpoints in a directory, the newest first. */
export function checkpointNames(directory: Directory): string[] {
  return directory
    .list()
    .filter((name) => NAME_PATTERN.test(name))
    .toReversed();
}

/** Writes what a front begins with, all but its checksum. */
export function encodePlace(front: Uint8Array, { place, extentBytes }: { place: CheckpointPlace; extentBytes: number }): void {
  const view = new DataView(front.buffer, front.byteOffset, front.byteLength);
  front.set(MAGIC, 0);
  view.setUint32(12, FORMAT_VERSION, true);
  front.set(new Uint8Array(Uint32Array.of(BYTE_ORDER).buffer), 16);
  view.setUint32(20, front.length, true);
  writeU64(view, 24, extentBytes);
  front.set(place.databaseId, 32);
  view.setUint32(48, place.segmentSizeBytes, true);
  view.setUint32(52, place.segment, true);
  writeU64(view, 56, place.end);
  front.set(place.hash, 64);
}

/** Writes the checksum of a front whose other bytes are in place. */
export function sealFront(front: Uint8Array): void {
  const view = new DataView(front.buffer, front.byteOffset, front.byteLength);
  view.setUint32(CHECKSUM_OFFSET, crc32(front.subarray(CHECKED_FROM)), true);
}

/** Decodes where in the log the checkpoint stands that begins with these bytes; believed when the checksum of its front is right. */
export function decodePlace(bytes: Uint8Array): CheckpointPlace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    databaseId: bytes.slice(32, 32 + DATABASE_ID_SIZE),
    segmentSizeBytes: view.getUint32(48, true),
    segment: view.getUint32(52, true),
    end: readU64(view, 56),
    hash: bytes.slice(64, 64 + HASH_SIZE),
  };
}

/** How long a checkpoint is and where it stands, if the checksum of its front is right; or why it cannot be believed. */
export function readPlace(file: File): (CheckpointSize & { readonly place: CheckpointPlace }) | string {
  const sizeBytes = file.sizeBytes();
  if (sizeBytes < CHECKPOINT_HEADER_SIZE) return `it has ${sizeBytes} bytes, must be >= ${CHECKPOINT_HEADER_SIZE}`;
  const header = new Uint8Array(CHECKPOINT_HEADER_SIZE);
  file.read(header, 0);
  const size = decodeSize(header);
  if (typeof size === 'string') return size;
  const { frontBytes, extentBytes } = size;
  if (frontBytes < CHECKPOINT_HEADER_SIZE || frontBytes + extentBytes !== sizeBytes) {
    return `it has ${sizeBytes} bytes, its header says ${frontBytes} and ${extentBytes}`;
  }
  const checksum = new DataView(header.buffer).getUint32(CHECKSUM_OFFSET, true);
  if (checksumOf(file, frontBytes) !== checksum) return 'its front does not match its checksum';
  return { frontBytes, extentBytes, place: decodePlace(header) };
}

/** Reads the first bytes of a file in pieces; `frontBytes` was found right by `readPlace`. */
export function readFront(file: File, frontBytes: number): Uint8Array {
  const bytes = new Uint8Array(frontBytes);
  for (let offset = 0; offset < frontBytes; offset += PIECE_BYTES) file.read(bytes.subarray(offset, offset + PIECE_BYTES), offset);
  return bytes;
}

/** How long the checkpoint is that begins with these bytes; or why it is none that can be read. */
function decodeSize(bytes: Uint8Array): CheckpointSize | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) return 'it does not begin as a checkpoint';
  const version = view.getUint32(12, true);
  if (version !== FORMAT_VERSION) return `its format version is ${version}, must be ${FORMAT_VERSION}`;
  if (new Uint32Array(bytes.slice(16, 20).buffer)[0] !== BYTE_ORDER) return 'it was written by a machine with another byte order';
  return { frontBytes: view.getUint32(20, true), extentBytes: readU64(view, 24) };
}

function checksumOf(file: File, frontBytes: number): number {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, frontBytes));
  let checksum = 0;
  for (let offset = CHECKED_FROM; offset < frontBytes; offset += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, frontBytes - offset));
    file.read(bytes, offset);
    checksum = crc32(bytes, checksum);
  }
  return checksum;
}
