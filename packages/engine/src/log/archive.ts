/**
 * The archive: another directory that takes the segments that are given up, whole, so that they can still be verified there.
 *
 * 1. A segment has its name in the archive only when all its bytes are there and synced.
 * 2. The archive's segments follow each other without gaps. Where it does not begin with the first segment ever, a manifest says where it does.
 */
import type { Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, File } from '../io/io.ts';
import { readManifest, writeManifestNow } from './manifest.ts';
import { SEGMENT_HEADER_SIZE, segmentIndexOf, segmentName } from './segment.ts';

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
   * Takes the segments from `first` up to `end`, those that are not there yet.
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
      if (kept.includes(index)) this.#expectSame(index);
      else await this.#copy(index, isStopped);
    }
    // Also for what an earlier run named and did not live to sync.
    this.#archive.sync();
  }

  close(): void {
    this.#archive.close();
  }

  /** An archive that begins with a later segment than the first ever says so. */
  #begin(): void {
    const manifest = readManifest(this.#source);
    if (manifest !== undefined) writeManifestNow(this.#archive, manifest);
  }

  /** @throws {KLaniError} InvalidArgument when the archive's segment of that name is another one */
  #expectSame(index: number): void {
    const [here, there] = [this.#source, this.#archive].map((directory) => beginningOf(directory, segmentName(index)));
    if (here?.sizeBytes === there?.sizeBytes && Buffer.compare(here?.bytes ?? NOTHING, there?.bytes ?? NOTHING) === 0) return;
    throw new KLaniError(
      'InvalidArgument',
      `Cannot archive ${segmentName(index)} in ${this.#archive.path}: another segment of that name is there; it belongs to another database`,
    );
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
      await new Promise<void>((resolve) => this.#scheduler.defer(resolve));
    }
  }
}

const NOTHING = new Uint8Array(0);

function beginningOf(directory: Directory, name: string): { sizeBytes: number; bytes: Uint8Array } {
  const file = directory.openFile(name, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
    file.read(bytes, 0);
    return { sizeBytes: file.sizeBytes(), bytes };
  } finally {
    file.close();
  }
}
