/**
 * Restore: makes a database of a backup in an empty directory, as it was at its end, or at an lsn or a time.
 *
 * 1. As long as it has not ended the directory says that it is not complete, and does not open.
 * 2. What was written is read again and checked as `verify` does, before the directory is complete.
 * 3. The log is cut behind the last batch that lies wholly at or before the lsn and the time: never inside of a batch. Behind the cut there
 *    are zeros. It is not cut before the end that the manifest relies on.
 * 4. After an error nothing is left in the directory but its lock file.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { anchorText } from '../log/anchor.ts';
import { BATCH_HEADER_SIZE } from '../log/batch.ts';
import { markComplete, markIncomplete } from '../log/incomplete.ts';
import { MANIFEST_NAME, readManifest } from '../log/manifest.ts';
import { RecordChecker } from '../log/record-checker.ts';
import { recover, type RecoveryProgress, type VisitedBatch } from '../log/recovery.ts';
import { PREPARED_NAME, segmentIndexOf, segmentName } from '../log/segment.ts';
import type { BackupFile, BackupSource } from './backup-source.ts';

const ZEROS = new Uint8Array(1024 * 1024);

export interface RestoreOptions {
  /** The file system of the new database; the real one by default. */
  readonly io?: Io;
  /** The last lsn that is kept. */
  readonly lsn?: number | undefined;
  /** The last moment that is kept. */
  readonly time?: Date | undefined;
  /** Told how many bytes were copied so far; the whole is not known. */
  readonly progress?: ((doneBytes: number) => void) | undefined;
  /** Told how far the check of what was copied has come. */
  readonly checkProgress?: RecoveryProgress | undefined;
}

/** A part of a log. */
interface LogPart {
  readonly batches: number;
  readonly records: number;
  readonly sizeBytes: number;
  /** Positions of its first and last record, and when they were written. */
  readonly lsnFirst: number;
  readonly lsnLast: number;
  readonly timeFirst: Date;
  readonly timeLast: Date;
}

/** What was restored. */
export interface RestoreReport {
  readonly path: string;
  readonly source: string;
  /** 32 hexadecimal digits. */
  readonly databaseId: string;
  readonly segments: number;
  readonly kept: LogPart;
  /** `lsn:hash` of the last batch. */
  readonly anchor: string;
  /** What the backup has behind that; `undefined` where it ends there. */
  readonly cut: LogPart | undefined;
}

/**
 * Restores a backup into the directory at `path`, which is made where it is missing. Holds one segment in memory.
 *
 * @throws {KLaniError} InvalidArgument for a directory that is not empty, or an lsn or time that cannot be restored; Damaged with file and
 *   offset; NotFound where the source is no backup; DiskFull, ReadOnly, Io
 */
export async function restore(source: BackupSource, path: string, options: RestoreOptions = {}): Promise<RestoreReport> {
  const directory = (options.io ?? new NodeIo()).openDirectory(path, { create: true });
  try {
    const other = directory.list().find((name) => name !== 'lock');
    if (other !== undefined) {
      throw new KLaniError('InvalidArgument', `Cannot restore into ${directory.path}: it is not empty, it holds "${other}"`);
    }
    directory.acquireLock();
    markIncomplete(directory);
    try {
      await copyFiles(source, directory, options);
      const report = cutLog(source, directory, options);
      markComplete(directory);
      return report;
    } catch (error) {
      removeAll(directory);
      throw error;
    }
  } finally {
    directory.close();
  }
}

async function copyFiles(source: BackupSource, directory: Directory, { progress }: RestoreOptions): Promise<void> {
  let done = 0;
  for await (const file of source.files()) {
    const isPart = file.name !== PREPARED_NAME && segmentIndexOf(file.name) !== undefined;
    if (!isPart && file.name !== MANIFEST_NAME) continue;
    done += await copyFile(file, directory, (bytes) => progress?.(done + bytes));
  }
  directory.sync();
}

async function copyFile({ name, chunks }: BackupFile, directory: Directory, progress: (bytes: number) => void): Promise<number> {
  const file = directory.createFile(name);
  try {
    let position = 0;
    for await (const chunk of chunks) {
      file.write(chunk, position);
      position += chunk.length;
      progress(position);
    }
    file.sync();
    return position;
  } finally {
    file.close();
  }
}

/** Checks what was copied, and cuts it. */
function cutLog(source: BackupSource, directory: Directory, options: RestoreOptions): RestoreReport {
  const manifest = readManifest(directory);
  const checker = new RecordChecker();
  const reliedEnd = manifest?.reliedEnd ?? 0;
  let lsnMin = 0;
  const kept = new PartCounter();
  const cut = new PartCounter();
  let last: VisitedBatch | undefined;
  const recovered = recover(directory, {
    visit: (batch) => {
      checker.visit(batch);
      if (lsnMin === 0 && batch.header.position + batch.header.length >= reliedEnd) lsnMin = checker.lsnLast;
      const isKept = checker.lsnLast <= (options.lsn ?? Infinity) && batch.header.timeMs <= (options.time?.getTime() ?? Infinity);
      if (isKept) last = batch;
      (isKept ? kept : cut).add(batch, checker.lsnLast);
    },
    progress: options.checkProgress,
  });
  if (recovered.databaseId === undefined) throw new KLaniError('NotFound', `Cannot restore from ${source.path}: no log is in it`);
  const at = options.lsn === undefined ? options.time?.toISOString() : `lsn ${options.lsn}`;
  if (last === undefined)
    throw new KLaniError('InvalidArgument', `Cannot restore to ${at}: the backup begins at lsn ${cut.part?.lsnFirst ?? 0}`);
  const { header, hash } = last;
  const end = header.position + header.length;
  if (end < reliedEnd) {
    const what = `the older part of the log was given up, and what still counted of it was moved behind that`;
    throw new KLaniError('InvalidArgument', `Cannot restore to ${at}: ${what}; the earliest that can be restored is lsn ${lsnMin}`);
  }
  const sizeBytes = recovered.segmentSizeBytes;
  truncate(directory, end, sizeBytes);
  const { part } = kept;
  if (part === undefined) throw new KLaniError('NotFound', `Cannot restore from ${source.path}: no log is in it`);
  return {
    path: directory.path,
    source: source.path,
    databaseId: Buffer.from(recovered.databaseId).toString('hex'),
    segments: recovered.segments.filter(({ index }) => index * sizeBytes < end).length,
    kept: part,
    anchor: anchorText({ position: header.position, hash }),
    cut: cut.part,
  };
}

/** Removes the segments behind `end`, and leaves nothing but zeros behind it in its own. */
function truncate(directory: Directory, end: number, sizeBytes: number): void {
  const last = Math.floor((end - 1) / sizeBytes);
  for (const name of directory.list()) {
    const index = segmentIndexOf(name);
    if (index !== undefined && index > last) directory.remove(name);
  }
  const file = directory.openFile(segmentName(last), 'write');
  try {
    for (let offset = end - last * sizeBytes; offset < sizeBytes; offset += ZEROS.length) {
      file.write(ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - offset)), offset);
    }
    file.sync();
  } finally {
    file.close();
  }
  directory.sync();
}

function removeAll(directory: Directory): void {
  for (const name of directory.list()) if (segmentIndexOf(name) !== undefined || name === MANIFEST_NAME) directory.remove(name);
  markComplete(directory);
}

/** Counts the batches of a part of a log. */
class PartCounter {
  #part: LogPart | undefined;

  /** `undefined` while there is none. */
  get part(): LogPart | undefined {
    return this.#part;
  }

  add({ header }: VisitedBatch, lsnLast: number): void {
    const before = this.#part;
    const time = new Date(header.timeMs);
    this.#part = {
      batches: (before?.batches ?? 0) + 1,
      records: (before?.records ?? 0) + header.recordCount,
      sizeBytes: (before?.sizeBytes ?? 0) + header.length,
      lsnFirst: before?.lsnFirst ?? header.position + BATCH_HEADER_SIZE,
      lsnLast,
      timeFirst: before?.timeFirst ?? time,
      timeLast: time,
    };
  }
}
