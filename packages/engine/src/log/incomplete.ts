/** The sign of a directory into which a backup or a restore has not ended: what is in it is no database yet. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';

/** The file that is there as long as the directory is not complete. */
export const INCOMPLETE_NAME = 'incomplete';

/** @throws {KLaniError} Damaged where a backup or a restore into the directory has not ended */
export function expectComplete(directory: Directory): void {
  if (!directory.list().includes(INCOMPLETE_NAME)) return;
  const what = `a backup or a restore into it did not end (it holds the file "${INCOMPLETE_NAME}")`;
  throw new KLaniError('Damaged', `Cannot open ${directory.path}: ${what}; do that again`);
}

/** Marks a directory as not complete; durable when this returns. */
export function markIncomplete(directory: Directory): void {
  if (directory.list().includes(INCOMPLETE_NAME)) return;
  directory.createFile(INCOMPLETE_NAME).close();
  directory.sync();
}

/**
 * Marks a directory as complete; the bytes of its files are durable before. What was renamed and removed in it is made durable first: under
 * one sync a power cut could keep nothing but the removal of the mark.
 */
export function markComplete(directory: Directory): void {
  if (!directory.list().includes(INCOMPLETE_NAME)) return;
  directory.sync();
  directory.remove(INCOMPLETE_NAME);
  directory.sync();
}
