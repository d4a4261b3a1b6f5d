/** The lock of a directory as those take it who only read: where nobody can write, nobody has to be kept out. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';

/**
 * Keeps writers out while the directory is read. A directory that nobody here can write needs no lock and has no place for one: a backup on
 * a read-only medium.
 *
 * @throws {KLaniError} DirectoryLocked, Unsupported
 */
export function lockToRead(directory: Directory): void {
  try {
    directory.acquireLock();
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
