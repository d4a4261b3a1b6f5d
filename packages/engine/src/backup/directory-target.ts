/**
 * A backup in a directory: a directory like that of a database, which can be verified, read and restored as it is.
 *
 * 1. A segment is written whole under another name, synced and renamed, and the directory is synced: the segments under their final names
 *    are a log that ends somewhere, at any moment.
 * 2. Until the first backup has ended, the directory says that it is not complete: where a manifest is in force, a log that ends early may
 *    lack records that were moved.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Done, Io } from '../io/io.ts';
import { INCOMPLETE_NAME, markComplete, markIncomplete } from '../log/incomplete.ts';
import { MANIFEST_NAME, NEXT_MANIFEST_NAME, readManifest, writeManifestNow, type Manifest } from '../log/manifest.ts';
import { peekSegments, recover, startOf } from '../log/recovery.ts';
import { PREPARED_NAME, segmentIndexOf, segmentName } from '../log/segment.ts';
import type { BackupSegment, BackupTarget, HeldLog } from './backup-target.ts';

const ZERO = new Uint8Array(1);
const KNOWN_NAMES: readonly string[] = ['lock', INCOMPLETE_NAME, MANIFEST_NAME, NEXT_MANIFEST_NAME, PREPARED_NAME];

export class DirectoryTarget implements BackupTarget {
  readonly path: string;
  readonly #directory: Directory;
  /** Whether there was nothing in it when it was opened. */
  readonly #isNew: boolean;

  /**
   * Opens a directory that holds an earlier backup, or nothing; makes it where it is missing. Holds its lock until it is closed.
   *
   * @throws {KLaniError} InvalidArgument for a directory with other files in it; Damaged, DirectoryLocked, ReadOnly, Io
   */
  static open(io: Io, path: string): DirectoryTarget {
    const directory = io.openDirectory(path, { create: true });
    try {
      const other = directory.list().find((name) => !KNOWN_NAMES.includes(name) && segmentIndexOf(name) === undefined);
      if (other !== undefined) {
        throw new KLaniError('InvalidArgument', `Cannot back up into ${directory.path}: "${other}" in it is no part of a backup`);
      }
      directory.acquireLock();
      return new DirectoryTarget(directory);
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  private constructor(directory: Directory) {
    this.#directory = directory;
    this.path = directory.path;
    this.#isNew = this.held() === undefined || directory.list().includes(INCOMPLETE_NAME);
    if (this.#isNew) markIncomplete(directory);
  }

  held(): HeldLog | undefined {
    return readHeld(this.#directory);
  }

  beginAnew(): void {
    if (!this.#isNew) {
      const what = 'the database has given up segments that follow what it holds';
      throw new KLaniError('SnapshotExpired', `Cannot go on with the backup in ${this.path}: ${what}; back up into an empty directory`);
    }
    for (const name of this.#directory.list()) {
      if (segmentIndexOf(name) !== undefined || name === MANIFEST_NAME) this.#directory.remove(name);
    }
    this.#directory.sync();
  }

  async putManifest(manifest: Manifest): Promise<void> {
    writeManifestNow(this.#directory, manifest);
  }

  async putSegment({ index, bytes, sizeBytes }: BackupSegment): Promise<void> {
    const directory = this.#directory;
    if (directory.list().includes(PREPARED_NAME)) directory.remove(PREPARED_NAME);
    const file = directory.createFile(PREPARED_NAME);
    try {
      await ended((done) => file.writeLater(bytes, 0, done));
      if (bytes.length < sizeBytes) file.write(ZERO, sizeBytes - 1);
      await ended((done) => file.syncLater(done));
    } finally {
      file.close();
    }
    directory.rename(PREPARED_NAME, segmentName(index));
    directory.sync();
  }

  async finish(): Promise<void> {
    markComplete(this.#directory);
  }

  close(): void {
    this.#directory.close();
  }
}

function readHeld(directory: Directory): HeldLog | undefined {
  const manifest = readManifest(directory);
  const firstSegment = manifest?.firstSegment ?? 1;
  const files = peekSegments(directory, firstSegment).filter(({ header }) => header !== undefined);
  for (let last = files.at(-1); last?.header !== undefined; last = files.at(-1)) {
    const found = recover(directory, { firstSegment: last.index, files: [last], start: startOf(last.header) });
    if (found.databaseId !== undefined && found.lastBatch > 0) {
      const { logEnd, epoch, batchCount } = found;
      return { files, end: { end: logEnd.end, hash: logEnd.hash, timeMs: logEnd.timeMs, epoch, batchCount } };
    }
    // Passed over: it is put again.
    files.pop();
  }
  return undefined;
}

/** Waits for what is done off the thread. */
function ended(begin: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((error) => (error === undefined ? resolve() : reject(error)));
  });
}
