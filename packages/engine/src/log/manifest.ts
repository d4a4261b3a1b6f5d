/**
 * The manifest: where the log begins, once its oldest segments have been given up. Little-endian; the file `manifest`.
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 8 | magic | "KLANIMAN" |
 * | 8 | 4 | checksum | CRC-32 of bytes 12 to the end of the file |
 * | 12 | 2 | format version | 1 |
 * | 14 | 2 | header size | 112 |
 * | 16 | 16 | database id | that of the segments |
 * | 32 | 4 | first segment | index of the segment that begins the log |
 * | 36 | 4 | schema count | |
 * | 40 | 8 | end | position where the log before it ended |
 * | 48 | 32 | hash | SHA-256 of the last batch header before it |
 * | 80 | 8 | time | of that batch, milliseconds since 1970, UTC |
 * | 88 | 4 | epoch | of that batch |
 * | 92 | 4 | flags | 1: of an archive |
 * | 96 | 8 | batch count | batches up to there |
 * | 104 | 8 | relied end | position up to which the log holds what stands for what was given up |
 * | 112 | 8 · count | schemas | positions of the moved schema records that are older than the log's beginning, in their order |
 *
 * 1. Without a manifest the log begins at segment 1.
 * 2. It is written beside, synced, renamed into place, and the directory is synced: at any moment one whole manifest, or none, is in force.
 * 3. Segments before the first are what an interrupted removal left; they are no part of the log.
 * 4. It comes into force only when everything that it relies on is durable: the log up to the relied end, where the moved records are, and in it
 *    the first segment's first batch. So it proves that much of the log, and a log that ends before is damaged.
 * 5. An archive takes only segments that are given up: until it has those up to the relied end it can be verified, but not opened or restored.
 */
import { crc32 } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Done, File } from '../io/io.ts';
import { HASH_SIZE, type RecoveryStart } from './batch.ts';
import { readU64, writeU64 } from './record.ts';

/** The name of the manifest, and the one under which it is written. */
export const MANIFEST_NAME = 'manifest';
export const NEXT_MANIFEST_NAME = 'next.manifest';

const HEADER_SIZE = 112;
const FORMAT_VERSION = 1;
const MAGIC = new TextEncoder().encode('KLANIMAN');
const FLAG_ARCHIVE = 1;
const DATABASE_ID_SIZE = 16;
const POSITION_SIZE = 8;

/** Most schema records that a manifest names. */
const MANIFEST_SCHEMAS_MAX = 1 << 20;

export interface Manifest {
  readonly databaseId: Uint8Array;
  /** Index of the segment that begins the log. */
  readonly firstSegment: number;
  /** The place behind the last batch before it. */
  readonly start: RecoveryStart;
  /** Positions of schema records that have to be known before the log is read from its beginning, in the order in which they count. */
  readonly schemas: readonly number[];
  /** Position up to which the log is relied on, and durable; where a batch ends. */
  readonly reliedEnd: number;
  /** Whether the segments are those that a database gives up: the log may end before `reliedEnd`. */
  readonly isArchive: boolean;
}

/** The manifest's bytes. */
export function encodeManifest({ databaseId, firstSegment, start, schemas, reliedEnd, isArchive }: Manifest): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + schemas.length * POSITION_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC, 0);
  view.setUint16(12, FORMAT_VERSION, true);
  view.setUint16(14, HEADER_SIZE, true);
  bytes.set(databaseId, 16);
  view.setUint32(32, firstSegment, true);
  view.setUint32(36, schemas.length, true);
  writeU64(view, 40, start.end);
  bytes.set(start.hash, 48);
  writeU64(view, 80, start.timeMs);
  view.setUint32(88, start.epoch, true);
  view.setUint32(92, isArchive ? FLAG_ARCHIVE : 0, true);
  writeU64(view, 96, start.batchCount);
  writeU64(view, 104, reliedEnd);
  for (const [place, position] of schemas.entries()) writeU64(view, HEADER_SIZE + place * POSITION_SIZE, position);
  view.setUint32(8, crc32(bytes, 12), true);
  return bytes;
}

/**
 * Decodes all of a manifest's bytes.
 *
 * @throws {KLaniError} Damaged with the offset; FormatUnsupported for a whole one of a format that this version does not read
 */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE) throw damaged(path, bytes.length, `it has ${bytes.length} bytes, must have at least ${HEADER_SIZE}`);
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) throw damaged(path, 0, 'it does not begin as a manifest does');
  if (view.getUint32(8, true) !== crc32(bytes, 12)) throw damaged(path, 8, 'it does not match its checksum');
  const version = view.getUint16(12, true);
  if (version !== FORMAT_VERSION) {
    throw new KLaniError('FormatUnsupported', `Cannot read ${path}: format version is ${version}, must be ${FORMAT_VERSION}`);
  }
  const count = view.getUint32(36, true);
  if (count > MANIFEST_SCHEMAS_MAX || bytes.length !== HEADER_SIZE + count * POSITION_SIZE) {
    throw damaged(path, 36, `it names ${count} schemas in ${bytes.length} bytes`);
  }
  return {
    databaseId: bytes.slice(16, 16 + DATABASE_ID_SIZE),
    firstSegment: view.getUint32(32, true),
    start: {
      end: readU64(view, 40),
      hash: bytes.slice(48, 48 + HASH_SIZE),
      timeMs: readU64(view, 80),
      epoch: view.getUint32(88, true),
      batchCount: readU64(view, 96),
    },
    schemas: Array.from({ length: count }, (_, place) => readU64(view, HEADER_SIZE + place * POSITION_SIZE)),
    reliedEnd: readU64(view, 104),
    isArchive: (view.getUint32(92, true) & FLAG_ARCHIVE) !== 0,
  };
}

/**
 * The manifest in force in a directory; `undefined` where the log begins at segment 1.
 *
 * @throws {KLaniError} Damaged, FormatUnsupported, Io
 */
export function readManifest(directory: Directory): Manifest | undefined {
  if (!directory.list().includes(MANIFEST_NAME)) return undefined;
  const file = directory.openFile(MANIFEST_NAME, 'read');
  try {
    const bytes = new Uint8Array(Math.min(file.sizeBytes(), HEADER_SIZE + MANIFEST_SCHEMAS_MAX * POSITION_SIZE + 1));
    const length = file.read(bytes, 0);
    return decodeManifest(bytes.subarray(0, length), file.path);
  } finally {
    file.close();
  }
}

/**
 * Brings a manifest into force; syncs its bytes off this thread, and the directory on it. After an error the old one or the new one is in
 * force, and either must do.
 */
export function writeManifest(directory: Directory, manifest: Manifest, done: Done): void {
  const file = createManifest(directory, manifest);
  file.syncLater((error) => {
    file.close();
    done(error ?? attempt(() => putInPlace(directory)));
  });
}

/** As `writeManifest`, all of it before this returns. */
export function writeManifestNow(directory: Directory, manifest: Manifest): void {
  const file = createManifest(directory, manifest);
  try {
    file.sync();
  } finally {
    file.close();
  }
  putInPlace(directory);
}

function createManifest(directory: Directory, manifest: Manifest): File {
  if (directory.list().includes(NEXT_MANIFEST_NAME)) directory.remove(NEXT_MANIFEST_NAME);
  const file = directory.createFile(NEXT_MANIFEST_NAME);
  try {
    file.write(encodeManifest(manifest), 0);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

function putInPlace(directory: Directory): void {
  directory.rename(NEXT_MANIFEST_NAME, MANIFEST_NAME);
  directory.sync();
}

/** Runs what may fail with a coded error; anything else is a bug and is thrown. */
function attempt(run: () => void): KLaniError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof KLaniError) return error;
    throw error;
  }
}

function damaged(path: string, offset: number, what: string): KLaniError {
  return new KLaniError('Damaged', `Cannot open ${path}: damaged at offset ${offset}: ${what}`);
}
