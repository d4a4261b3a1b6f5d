/** Where a restore takes its files from: a directory, or a stream. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File, Io } from '../io/io.ts';
import { expectComplete } from '../log/incomplete.ts';
import { MANIFEST_NAME, readManifest } from '../log/manifest.ts';
import { lockToRead } from '../log/reading-lock.ts';
import { PREPARED_NAME, segmentIndexOf } from '../log/segment.ts';

/** What is read of a file at once, bytes. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** One file of a backup. Its bytes are read before the next file is asked for. */
export interface BackupFile {
  readonly name: string;
  /** Each chunk is valid until the next. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The files of a backup, in any order. Others than a manifest and segments are passed over. */
export interface BackupSource {
  readonly path: string;
  /** Bytes of its files, where they are known before. */
  readonly sizeBytes: number | undefined;
  files(): AsyncIterable<BackupFile> | Iterable<BackupFile>;
  /** Ends the use of the source. */
  close(): void;
}

/** A backup in a directory, or the directory of a database that no process has open. */
export class DirectorySource implements BackupSource {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #directory: Directory;
  readonly #names: readonly string[];

  /**
   * Opens the directory; holds its lock until it is closed, where it can be written.
   *
   * @throws {KLaniError} NotFound; DirectoryLocked; Damaged for a backup that did not end
   */
  static open(io: Io, path: string): DirectorySource {
    const directory = io.openDirectory(path, { create: false });
    try {
      lockToRead(directory);
      expectComplete(directory);
      return new DirectorySource(directory);
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  private constructor(directory: Directory) {
    this.#directory = directory;
    this.path = directory.path;
    const firstSegment = readManifest(directory)?.firstSegment ?? 1;
    this.#names = directory.list().filter((name) => name === MANIFEST_NAME || isPart(name, firstSegment));
    if (this.#names.length === 0) throw new KLaniError('NotFound', `Cannot restore from ${this.path}: no backup is in it`);
    this.sizeBytes = this.#names.reduce((sum, name) => sum + sizeOf(directory, name), 0);
  }

  *files(): Generator<BackupFile> {
    for (const name of this.#names) {
      const file = this.#directory.openFile(name, 'read');
      try {
        yield { name, chunks: chunksOf(file) };
      } finally {
        file.close();
      }
    }
  }

  close(): void {
    this.#directory.close();
  }
}

function isPart(name: string, firstSegment: number): boolean {
  const index = name === PREPARED_NAME ? undefined : segmentIndexOf(name);
  return index !== undefined && index >= firstSegment;
}

function sizeOf(directory: Directory, name: string): number {
  const file = directory.openFile(name, 'read');
  try {
    return file.sizeBytes();
  } finally {
    file.close();
  }
}

function* chunksOf(file: File): Generator<Uint8Array> {
  const bytes = new Uint8Array(CHUNK_BYTES);
  for (let position = 0; ;) {
    const length = file.read(bytes, position);
    if (length > 0) yield bytes.subarray(0, length);
    position += length;
    if (length < bytes.length) return;
  }
}
