/**
 * The archive: another directory that takes the segments that are given up, whole, so that they can still be verified there.
 *
 * 1. A segment has its name in the archive only when all its bytes are there and synced.
 * 2. The archive's segments follow each other without gaps. Where it does not begin with the first segment ever, a manifest says where it does.
 * 3. A segment that is there already stands for the one that is given up only when every byte of its batches is the same.
 */
import type { Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from '../io/io.ts';
import { readManifest, writeManifestNow } from './manifest.ts';
import { SEGMENT_HEADER_SIZE, decodeSegmentHeader, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';

/** Bytes that one turn of the thread copies at most. */
const COPY_BYTES = 1024 * 1024;

/** The name of a segment while it is being copied. */
const COPY_NAME = 'next.segment';

export class SegmentArchive {
  readonly #source: Directory;
  readonly #archive: Directory;
  readonly #scheduler: Scheduler;

  constructor(source: Directory, archive: Directory, scheduler: Scheduler) {
    this.#source = source;
    this.#archive = archive;
    this.#scheduler = scheduler;
  }

  /**
   * Takes the segments from `first` up to `end`, which has begun, those that are not there yet.
   *
   * @param isStopped whether to leave off; the next call goes on
   * @throws {KLaniError} DiskFull, ReadOnly, Io; InvalidArgument for an archive that is not of this log, or lacks segments before
   */
  async take(first: number, end: number, isStopped: () => boolean): Promise<void> {
    const kept = this.#archive.list().flatMap((name) => segmentIndexOf(name) ?? []);
    const last = Math.max(0, ...kept);
    if (kept.length === 0) this.#begin();
    else if (last < first - 1) {
      throw new KLaniError(
        'InvalidArgument',
        `Cannot archive ${segmentName(first)} in ${this.#archive.path}: it ends with ${segmentName(last)}; an empty directory can begin anew`,
      );
    }
    for (let index = first; index < end && !isStopped(); index += 1) {
      if (kept.includes(index)) await this.#expectSame(index, end, isStopped);
      else await this.#copy(index, isStopped);
    }
    // Also for what an earlier run named and did not live to sync.
    this.#archive.sync();
  }

  close(): void {
    this.#archive.close();
  }

  /** An archive that begins with a later segment than the first ever says so, and what the database relied on then. */
  #begin(): void {
    const manifest = readManifest(this.#source);
    if (manifest !== undefined) writeManifestNow(this.#archive, { ...manifest, isArchive: true });
  }

  /** @throws {KLaniError} InvalidArgument when the archive's segment of that name does not hold the batches of this one */
  async #expectSame(index: number, end: number, isStopped: () => boolean): Promise<void> {
    const usedBytes = this.#usedBytes(index, end);
    if (usedBytes === 0 && headerOf(this.#archive, index) === undefined) return;
    const here = this.#source.openFile(segmentName(index), 'read');
    const there = this.#archive.openFile(segmentName(index), 'read');
    try {
      if (usedBytes > 0 && (await this.#isSame([here, there], usedBytes, isStopped))) return;
    } finally {
      here.close();
      there.close();
    }
    throw new KLaniError(
      'InvalidArgument',
      `Cannot archive ${segmentName(index)} in ${this.#archive.path}: another segment of that name is there; it belongs to another database, or to another history of this one`,
    );
  }

  /**
   * Bytes of a segment up to the end of its batches, as the next one that has begun tells: what is torn behind them need not be the same. 0 for
   * one that has not begun.
   */
  #usedBytes(index: number, end: number): number {
    if (headerOf(this.#source, index) === undefined) return 0;
    for (let behind = index + 1; behind <= end; behind += 1) {
      const following = headerOf(this.#source, behind);
      if (following === undefined) continue;
      const { previousEnd, sizeBytes } = following;
      return Math.max(SEGMENT_HEADER_SIZE, Math.min(sizeBytes, previousEnd - index * sizeBytes));
    }
    throw new KLaniError('Damaged', `Cannot archive ${segmentName(index)}: the header of ${segmentName(end)} is not whole`);
  }

  /** Whether two segments begin with the same bytes; true as soon as it is stopped. */
  async #isSame([here, there]: readonly [File, File], usedBytes: number, isStopped: () => boolean): Promise<boolean> {
    if (here.sizeBytes() !== there.sizeBytes()) return false;
    const ours = new Uint8Array(Math.min(COPY_BYTES, usedBytes));
    const theirs = new Uint8Array(ours.length);
    for (let position = 0; position < usedBytes && !isStopped(); position += ours.length) {
      const length = Math.min(ours.length, usedBytes - position);
      here.read(ours.subarray(0, length), position);
      there.read(theirs.subarray(0, length), position);
      if (Buffer.compare(ours.subarray(0, length), theirs.subarray(0, length)) !== 0) return false;
      await this.#turn();
    }
    return true;
  }

  async #copy(index: number, isStopped: () => boolean): Promise<void> {
    const archive = this.#archive;
    if (archive.list().includes(COPY_NAME)) archive.remove(COPY_NAME);
    const from = this.#source.openFile(segmentName(index), 'read');
    const to = archive.createFile(COPY_NAME);
    try {
      await this.#copyBytes(from, to, isStopped);
      if (isStopped()) return;
      await new Promise<void>((resolve, reject) => {
        to.syncLater((error) => (error === undefined ? resolve() : reject(error)));
      });
    } finally {
      from.close();
      to.close();
    }
    archive.rename(COPY_NAME, segmentName(index));
  }

  async #copyBytes(from: File, to: File, isStopped: () => boolean): Promise<void> {
    const sizeBytes = from.sizeBytes();
    const bytes = new Uint8Array(Math.min(COPY_BYTES, sizeBytes));
    for (let position = 0; position < sizeBytes && !isStopped(); position += bytes.length) {
      const length = from.read(bytes, position);
      to.write(bytes.subarray(0, length), position);
      await this.#turn();
    }
  }

  /** Resolves when every event that is ready now has been handled. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#scheduler.defer(resolve));
  }
}

/** The header of a segment that is there; `undefined` when it has not begun. */
function headerOf(directory: Directory, index: number): SegmentHeader | undefined {
  const file = directory.openFile(segmentName(index), 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
    file.read(bytes, 0);
    return decodeSegmentHeader(bytes, file.path);
  } finally {
    file.close();
  }
}
