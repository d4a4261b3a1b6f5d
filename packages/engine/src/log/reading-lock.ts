/** The lock of a directory as those take it who only read: where no writer ever left a lock file and none can be made, nobody has to be kept out. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { readManifest } from './manifest.ts';

/**
 * Keeps writers out while the directory is read. That this process may not write there says nothing about others: it takes the lock through
 * the file that a writer made. A directory without that file, in which none can be made, has no writer: a backup on a read-only medium.
 *
 * @throws {KLaniError} DirectoryLocked, Unsupported; Io where the lock file may not be read
 */
export function lockToRead(directory: Directory): void {
  try {
    directory.acquireLock('read');
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'ReadOnly') throw error;
  }
}

/** As `lockToRead`, but goes on without the lock where a process has the directory open for writing; returns whether that is so. */
export function lockToReadUnlessRunning(directory: Directory): boolean {
  try {
    lockToRead(directory);
    return false;
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'DirectoryLocked') throw error;
    return true;
  }
}

/** How often reading begins anew because segments were removed under it. */
const ATTEMPTS_MAX = 5;

/** Decides whether reading a log begins anew, because compaction has given up segments that were to be read. */
export class Rereading {
  readonly #directory: Directory;
  #firstSegment: number | undefined;
  #attempts = 1;

  /** To be made before anything is read. */
  constructor(directory: Directory) {
    this.#directory = directory;
    this.#firstSegment = readManifest(directory)?.firstSegment;
  }

  /**
   * Returns when reading is to be tried again after `error`; throws it otherwise.
   *
   * @throws {KLaniError} SnapshotExpired when segments were given up under every attempt
   */
  again(error: unknown): void {
    const isMissing = error instanceof KLaniError && (error.code === 'NotFound' || error.code === 'Damaged');
    const firstSegment = isMissing ? readManifest(this.#directory)?.firstSegment : this.#firstSegment;
    if (firstSegment === this.#firstSegment) throw error;
    if (this.#attempts >= ATTEMPTS_MAX) {
      const what = `segments were given up under each of ${ATTEMPTS_MAX} attempts; ask again when less is written`;
      throw new KLaniError('SnapshotExpired', `Cannot read the log in ${this.#directory.path}: ${what}`, { cause: error });
    }
    this.#firstSegment = firstSegment;
    this.#attempts += 1;
  }
}
