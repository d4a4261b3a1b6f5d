/**
 * Backup: copies the log of a database, running or stopped, to a target.
 *
 * 1. Only what is proven durable is taken. The last batch of a running log is proven by nothing but a mark that its server synced, or by a
 *    manifest in force that relies on it; without either the backup ends before it. A stopped log is taken as its next opening keeps it.
 * 2. Everything is checked as it is copied: the chain of batches, and each record by its own checksum; the hash of a batch's records only in
 *    the last segment. Damage ends the backup; what the target holds by then is whole.
 * 3. A target that holds an earlier backup is gone on with: its segments have the same headers as those here, and its last batch is in the
 *    chain here. It keeps segments that the database has given up since.
 * 4. Nothing is written to the database's directory but its lock file, and files are read, not mapped.
 * 5. Where compaction removes segments meanwhile, the backup begins anew with what is there then, a bounded number of times.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { anchorText } from '../log/anchor.ts';
import { expectComplete } from '../log/incomplete.ts';
import { readManifest, type Manifest } from '../log/manifest.ts';
import { checkpointProofs, expectProven, manifestProof, type LogProof } from '../log/proof.ts';
import { Rereading, lockToReadUnlessRunning } from '../log/reading-lock.ts';
import { RecordChecker } from '../log/record-checker.ts';
import {
  peekSegments,
  recover,
  startOf,
  type RecoveryProgress,
  type RecoveryStart,
  type SegmentFile,
  type VisitedBatch,
} from '../log/recovery.ts';
import { encodeSegmentHeader } from '../log/segment.ts';
import type { BackupSegment, BackupTarget, HeldLog } from './backup-target.ts';

const NOTHING = new Uint8Array(0);

export interface BackupOptions {
  /** The file system of the database; the real one by default. */
  readonly io?: Io;
  /** A mark that the running server of this database has synced (`checkpoint`): everything up to it is taken. */
  readonly mark?: { readonly lsn: number; readonly databaseId: Uint8Array } | undefined;
  /** Called after each segment. */
  readonly progress?: RecoveryProgress | undefined;
}

/** What a backup holds now, and what was copied for it. */
export interface BackupReport {
  readonly path: string;
  readonly target: string;
  /** 32 hexadecimal digits. */
  readonly databaseId: string;
  /** Whether a process had the database open. */
  readonly isRunning: boolean;
  /** Segments written, and those that the target held already. */
  readonly segmentsCopied: number;
  readonly segmentsHeld: number;
  /** Bytes of the log in them. */
  readonly bytesCopied: number;
  readonly bytesHeld: number;
  /** Position of the last record that the backup holds. */
  readonly lsnLast: number;
  /** When it was written. */
  readonly time: Date;
  /** `lsn:hash` of the last batch, to keep elsewhere: `verify` compares it. */
  readonly anchor: string;
}

/** A batch that was read. */
interface ReadBatch {
  readonly position: number;
  readonly end: number;
  readonly hash: Uint8Array;
  readonly timeMs: number;
  /** Position of its last record. */
  readonly lsnLast: number;
}

/**
 * Backs up the database in the directory at `path`; holds two segments in memory.
 *
 * @throws {KLaniError} Damaged with file and offset; InvalidArgument for a target of another database or of one that went another way;
 *   NotFound where there is no database; SnapshotExpired; DiskFull, ReadOnly, Io
 */
export async function backUp(path: string, target: BackupTarget, options: BackupOptions = {}): Promise<BackupReport> {
  const directory = (options.io ?? new NodeIo()).openDirectory(path, { create: false });
  try {
    const isRunning = lockToReadUnlessRunning(directory);
    expectComplete(directory);
    const rereading = new Rereading(directory);
    for (;;) {
      try {
        return await new BackupCopy({ directory, target, options, isRunning }).run();
      } catch (error) {
        rereading.again(error);
      }
    }
  } finally {
    directory.close();
  }
}

interface CopyParts {
  readonly directory: Directory;
  readonly target: BackupTarget;
  readonly options: BackupOptions;
  readonly isRunning: boolean;
}

/** One attempt. */
class BackupCopy {
  readonly #parts: CopyParts;
  /** What checkpoints prove of the log that is read after them; the last batch of it may be left out. */
  readonly #proofs: readonly LogProof[];
  readonly #manifest: Manifest | undefined;
  readonly #checker = new RecordChecker();
  /** Up to the last that has begun. */
  readonly #files: readonly SegmentFile[];
  #held: HeldLog | undefined;
  /** The batch here with which the earlier backup ended. */
  #heldBatch: ReadBatch | undefined;
  /** The last batch that was read, and the one before it. */
  #last: ReadBatch | undefined;
  #before: ReadBatch | undefined;
  /** Where reading goes on. */
  #chain: RecoveryStart | undefined;
  /** The batch with which the backup ends. */
  #taken: ReadBatch | undefined;
  #segmentsCopied = 0;
  #bytesCopied = 0;
  #segmentsHeld = 0;
  #bytesHeld = 0;
  /** The segment that comes next: what the target holds has no gaps. */
  #nextIndex = 0;
  /** Where segments are read into, in turns: one is read while the one before is written. */
  #memory: readonly [Uint8Array, Uint8Array] | undefined;
  /** The write that is under way while the next segment is read. */
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: CopyParts) {
    const { directory } = parts;
    this.#parts = parts;
    this.#proofs = checkpointProofs(directory);
    this.#manifest = readManifest(directory);
    const files = peekSegments(directory, this.#manifest?.firstSegment ?? 1);
    this.#files = files.slice(0, files.findLastIndex(({ header }) => header !== undefined) + 1);
  }

  async run(): Promise<BackupReport> {
    const { directory, target, options } = this.#parts;
    const { sizeBytes, databaseId } = this.#files.at(-1)?.header ?? noLog(directory);
    if (options.mark !== undefined && !isEqual(options.mark.databaseId, databaseId)) throw otherServer(directory);
    const from = await this.#place();
    this.#nextIndex = this.#files[from]?.index ?? 0;
    try {
      for (const [place, file] of this.#files.entries()) {
        if (place < from) this.#countHeld(place);
        else await this.#copy(place, file, sizeBytes);
        options.progress?.((place + 1) * sizeBytes, this.#files.length * sizeBytes);
      }
    } finally {
      await this.#writing;
    }
    const log = { databaseId, segmentSizeBytes: sizeBytes, end: this.#chain?.end ?? 0, lastSegment: this.#files.at(-1)?.index ?? 0 };
    expectProven(directory, log, this.#proofs);
    if (this.#manifest?.isArchive === false) {
      const end = this.#taken?.end ?? this.#manifest.start.end;
      expectProven(directory, { ...log, end }, [manifestProof(this.#manifest, sizeBytes)]);
    }
    await target.finish();
    return this.#report();
  }

  /** Where copying begins: at the last segment that the target holds, or at the first. */
  async #place(): Promise<number> {
    const { directory, target } = this.#parts;
    this.#held = target.held();
    if (this.#held !== undefined && lastOf(this.#held).index < (this.#files[0]?.index ?? 0)) {
      target.beginAnew();
      this.#held = undefined;
    }
    if (this.#held === undefined) {
      this.#chain = this.#manifest?.start;
      if (this.#manifest !== undefined) await target.putManifest(this.#manifest);
      return 0;
    }
    checkHeld(this.#held, this.#files, { from: directory.path, to: target.path });
    const { index, header } = lastOf(this.#held);
    this.#chain = header === undefined ? undefined : startOf(header);
    return this.#files.findIndex((file) => file.index === index);
  }

  /** Counts a segment that the target holds whole. */
  #countHeld(place: number): void {
    const file = this.#files[place];
    const end = this.#files.slice(place + 1).find(({ header }) => header !== undefined)?.header;
    if (file?.header === undefined || end === undefined) return;
    this.#segmentsHeld += 1;
    this.#bytesHeld += Math.max(0, end.previousEnd - file.index * end.sizeBytes);
  }

  /** Reads and checks one segment, and begins to write it. */
  async #copy(place: number, file: SegmentFile, sizeBytes: number): Promise<void> {
    const { index, header } = file;
    const isNewest = place === this.#files.length - 1;
    const bytes = header === undefined ? NOTHING : this.#read(place, file);
    // The next segment is read into the memory that this one is written from.
    await this.#writing;
    if (header !== undefined) this.#taken = isNewest ? this.#provenEnd() : this.#last;
    const used = (this.#taken?.end ?? 0) - index * sizeBytes;
    if (used <= 0) {
      // Torn in its first write: where another segment follows, the log passes over it for good.
      if (!isNewest) this.#put({ index, bytes: header === undefined ? NOTHING : encodeSegmentHeader(header), sizeBytes });
    } else if (this.#taken === this.#heldBatch) {
      this.#segmentsHeld += 1;
      this.#bytesHeld += used;
      this.#nextIndex = index + 1;
    } else this.#put({ index, bytes: bytes.subarray(0, used), sizeBytes });
  }

  #read(place: number, file: SegmentFile): Uint8Array {
    const { directory, target, isRunning } = this.#parts;
    const following = this.#files.slice(place + 1).find(({ header }) => header !== undefined);
    const { sizeBytes } = file.header ?? noLog(directory);
    this.#memory ??= [new Uint8Array(sizeBytes), new Uint8Array(sizeBytes)];
    let bytes: Uint8Array = new Uint8Array(0);
    const found = recover(directory, {
      firstSegment: file.index,
      files: following === undefined ? [file] : [file, following],
      endSegment: file.index + 1,
      start: this.#chain,
      memory: this.#memory[place % 2 === 0 ? 0 : 1],
      isLive: isRunning,
      isCheckedByVisitor: true,
      visit: (batch) => this.#visit(batch),
      visitSegment: ({ source }) => (bytes = source.bytes),
    });
    if (this.#held !== undefined && this.#heldBatch === undefined) throw otherWay({ from: directory.path, to: target.path });
    if (found.databaseId !== undefined) this.#chain = { ...found.logEnd, epoch: found.epoch, batchCount: found.batchCount };
    return bytes;
  }

  #visit(batch: VisitedBatch): void {
    this.#checker.visit(batch);
    const { header, hash } = batch;
    const end = header.position + header.length;
    this.#before = this.#last;
    this.#last = { position: header.position, end, hash, timeMs: header.timeMs, lsnLast: this.#checker.lsnLast };
    const held = this.#held?.end;
    if (held?.end === end && held.hash.every((byte, place) => byte === hash[place])) this.#heldBatch = this.#last;
  }

  /** The last batch that is proven durable; that of the earlier backup, if it lies behind. */
  #provenEnd(): ReadBatch | undefined {
    const { isRunning, options } = this.#parts;
    const position = this.#last?.position ?? 0;
    const isProven = !isRunning || (options.mark?.lsn ?? 0) >= position || (this.#manifest?.reliedEnd ?? 0) > position;
    const proven = isProven ? this.#last : this.#before;
    return (this.#heldBatch?.end ?? 0) > (proven?.end ?? 0) ? this.#heldBatch : proven;
  }

  /** Begins to write a segment. */
  #put(segment: BackupSegment): void {
    const { index } = segment;
    assert(index === this.#nextIndex, `Cannot put segment ${index} into the backup: it must be ${this.#nextIndex}`);
    this.#nextIndex = index + 1;
    this.#writing = this.#parts.target.putSegment(segment);
    // Waited for before the next one, and at the end.
    this.#writing.catch(() => undefined);
    this.#segmentsCopied += 1;
    this.#bytesCopied += segment.bytes.length;
  }

  #report(): BackupReport {
    const { directory, target, isRunning } = this.#parts;
    const taken = this.#taken;
    if (taken === undefined) {
      throw new KLaniError('NotFound', `Cannot back up ${directory.path}: nothing in it is known to be durable yet; ask again later`);
    }
    return {
      path: directory.path,
      target: target.path,
      databaseId: Buffer.from(this.#files.at(-1)?.header?.databaseId ?? []).toString('hex'),
      isRunning,
      segmentsCopied: this.#segmentsCopied,
      segmentsHeld: this.#segmentsHeld,
      bytesCopied: this.#bytesCopied,
      bytesHeld: this.#bytesHeld,
      lsnLast: taken.lsnLast,
      time: new Date(taken.timeMs),
      anchor: anchorText(taken),
    };
  }
}

function lastOf(held: HeldLog): SegmentFile {
  const last = held.files.at(-1);
  assert(last !== undefined, 'What is held has a segment');
  return last;
}

/** Every segment that both have is the same one, as their headers tell: each names the end and the hash of everything before it. */
function checkHeld(held: HeldLog, files: readonly SegmentFile[], places: { from: string; to: string }): void {
  const here = new Map(files.map(({ index, header }) => [index, header]));
  for (const { index, header } of held.files) {
    if (index < (files[0]?.index ?? 0) || header === undefined) continue;
    const own = here.get(index);
    if (own === undefined) throw otherWay(places);
    if (!isEqual(own.databaseId, header.databaseId)) {
      throw new KLaniError('InvalidArgument', `Cannot back up ${places.from} into ${places.to}: that is a backup of another database`);
    }
    if (!isEqual(encodeSegmentHeader(own), encodeSegmentHeader(header))) throw otherWay(places);
  }
}

function otherWay({ from, to }: { from: string; to: string }): KLaniError {
  const what = 'that backup holds writes that the database does not have (was one of them restored to an earlier state?)';
  return new KLaniError('InvalidArgument', `Cannot back up ${from} into ${to}: ${what}; back up into an empty directory`);
}

function otherServer({ path }: Directory): KLaniError {
  return new KLaniError('InvalidArgument', `Cannot back up ${path}: the server that was asked for a mark has another database open`);
}

function noLog(directory: Directory): never {
  throw new KLaniError('NotFound', `Cannot back up ${directory.path}: no log is in it`);
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}
