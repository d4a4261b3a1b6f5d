/**
 * The archive: another directory that takes the segments that are given up, whole, so that they can still be verified there.
 *
 * 1. A segment has its name in the archive only when all its bytes are there and synced.
 * 2. The archive's segments follow each other without gaps. Where it does not begin with the first segment ever, a manifest says where it does.
 * 3. A segment that is there already stands for the one that is given up only when every byte of its batches is the same.
 * 4. A segment is added only when it goes on where the archive ends: behind the same batch, with the same hash. Another history of the database,
 *    or another database, is refused.
 */
import type { Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from '../io/io.ts';
import { goesOnBehind, headerOf } from './archive-link.ts';
import { readManifest, writeManifestNow } from './manifest.ts';
import { SEGMENT_HEADER_SIZE, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';

/** Bytes that one turn of the thread reads or copies at most. */
const COPY_BYTES = 1024 * 1024;

/** The name of a segment while it is being copied. */
const COPY_NAME = 'next.segment';

/** What an archive is that does not agree with the log. */
const OTHER = 'it belongs to another database, or to another history of this one';

export class SegmentArchive {
  readonly #source: Directory;
  readonly #archive: Directory;
  readonly #scheduler: Scheduler;
  /** Whether the end of the archive is known to be a place in this log (4). */
  #isTied = false;

  constructor(source: Directory, archive: Directory, scheduler: Scheduler) {
    this.#source = source;
    this.#archive = archive;
    this.#scheduler = scheduler;
  }

  /**
   * Takes the segments from `first` up to `end`, which has begun, those that are not there yet.
   *
   * @param isStopped whether to leave off; the next call goes on
   * @throws {KLaniError} DiskFull, ReadOnly, Io; InvalidArgument for an archive that is not of this log, or lacks segments before or between
   */
  async take(first: number, end: number, isStopped: () => boolean): Promise<void> {
    const kept = this.#archive.list().flatMap((name) => segmentIndexOf(name) ?? []);
    if (kept.length === 0) this.#begin();
    let last = kept.length === 0 ? first - 1 : Math.max(...kept);
    for (let index = first; index < end && !isStopped(); index += 1) {
      if (kept.includes(index)) {
        await this.#expectSame(index, end, isStopped);
        continue;
      }
      if (index !== last + 1) throw this.#refusal(index, `it ends with ${segmentName(last)}; an empty directory can begin anew`);
      if (!this.#isTied) await this.#expectFollows(index, end, isStopped);
      await this.#copy(index, isStopped);
      last = index;
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
    this.#isTied = true;
  }

  /** @throws {KLaniError} InvalidArgument when the archive's segment of that name does not hold the batches of this one */
  async #expectSame(index: number, end: number, isStopped: () => boolean): Promise<void> {
    const usedBytes = this.#usedBytes(index, end);
    if (usedBytes === 0 && headerOf(this.#archive, index) === undefined) return;
    const here = this.#source.openFile(segmentName(index), 'read');
    const there = this.#archive.openFile(segmentName(index), 'read');
    try {
      if (usedBytes > 0 && (await this.#isSame([here, there], usedBytes, isStopped))) {
        this.#isTied ||= !isStopped();
        return;
      }
    } finally {
      here.close();
      there.close();
    }
    throw this.#refusal(index, `another segment of that name is there; ${OTHER}`);
  }

  /**
   * Compares where the archive ends with what the segments from `index` on say of the log before them.
   *
   * @throws {KLaniError} InvalidArgument when no batch with that hash ends there
   */
  async #expectFollows(index: number, end: number, isStopped: () => boolean): Promise<void> {
    const endTurn = async (): Promise<boolean> => {
      await this.#turn();
      return isStopped();
    };
    const isNext = await goesOnBehind(this.#archive, this.#begunFrom(index, end), endTurn);
    if (isNext === false) throw this.#refusal(index, `what is there does not end with the batch that it goes on behind; ${OTHER}`);
    this.#isTied = isNext === true;
  }

  /** The header of the first segment from `index` on that has begun; `end` has. */
  #begunFrom(index: number, end: number): SegmentHeader {
    for (let behind = index; behind <= end; behind += 1) {
      const header = headerOf(this.#source, behind);
      if (header !== undefined) return header;
    }
    throw new KLaniError('Damaged', `Cannot archive ${segmentName(index)}: the header of ${segmentName(end)} is not whole`);
  }

  #refusal(index: number, why: string): KLaniError {
    return new KLaniError('InvalidArgument', `Cannot archive ${segmentName(index)} in ${this.#archive.path}: ${why}`);
  }

  /**
   * Bytes of a segment up to the end of its batches, as the next one that has begun tells: what is torn behind them need not be the same. 0 for
   * one that has not begun.
   */
  #usedBytes(index: number, end: number): number {
    if (headerOf(this.#source, index) === undefined) return 0;
    const { previousEnd, sizeBytes } = this.#begunFrom(index + 1, end);
    return Math.max(SEGMENT_HEADER_SIZE, Math.min(sizeBytes, previousEnd - index * sizeBytes));
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
