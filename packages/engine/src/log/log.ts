/**
 * The log: the one place where anything is stored. Appends go through group commit; reads come from a view of the segment files, or
 * from memory as long as a batch is not written.
 *
 * A request writes its records like this: `reserve` all their bytes (after which nothing can fail), then for each record `begin`, fill
 * the body in `target`, `finish`.
 */
import { assert, type Clock, type Random, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Done } from '../io/io.ts';
import { BATCH_HEADER_SIZE, BATCH_LENGTH_OFFSET, NO_HASH, type RecoveryStart } from './batch.ts';
import { NEXT_MANIFEST_NAME, writeManifest, type Manifest } from './manifest.ts';
import { checkpointProofs, expectProven, type FoundLog } from './proof.ts';
import { GroupCommit, type Durability, type LogEnd } from './group-commit.ts';
import { expectComplete } from './incomplete.ts';
import type { OpenBatch, WhenDurable } from './open-batch.ts';
import {
  RECORD_HEADER_SIZE,
  encodeRecordHeader,
  recordMatchesChecksum,
  recordSize,
  sealMoved,
  sealRecord,
  type Operation,
  type RecordDraft,
  type RecordTarget,
} from './record.ts';
import { recover, type NotBegun, type Recovered, type RecoveryProgress } from './recovery.ts';
import { SEGMENT_HEADER_SIZE, checkSegmentSize, decodeSegmentHeader, segmentIndexOf, segmentName, type SegmentHeader } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';

/** Less room than this in the newest segment is not enough for what opening itself writes. */
const ROOM_TO_OPEN_BYTES = 1024;

/** An imported binding is looked up at each use; this one is used for every read. */
const matchesChecksum = recordMatchesChecksum;

const DATABASE_ID_SIZE = 16;

/** How often a database can be opened: the fencing token holds the epoch in 22 bits. */
const EPOCH_MAX = 2 ** 22 - 1;

export interface LogOptions {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly durability: Durability;
  /** For a new log; a stored one keeps its own. */
  readonly segmentSizeBytes: number;
  /** Whether nothing may be written: neither appended, nor synced, prepared or removed. */
  readonly readOnly: boolean;
  /** Called with each batch that has become durable, before anyone is answered. */
  readonly onDurable: (batch: OpenBatch) => void;
  readonly onFailed: (error: KLaniError) => void;
  readonly progress?: RecoveryProgress | undefined;
  /** Where to begin reading, when what follows from the log before is known from a checkpoint. */
  readonly start?: RecoveryStart | undefined;
}

export class Log implements RecordTarget {
  /** The memory that the last call of `locate` or `record` made readable. */
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly databaseId: Uint8Array;
  readonly epoch: number;
  /** What recovery found; `undefined` for a log that was just made. */
  readonly recovered: Recovered | undefined;
  readonly #directory: Directory;
  /** Where recovery began to read: records before were not checked by this opening; 0 when all were. */
  readonly checkedFrom: number;
  readonly #files: SegmentFiles;
  readonly #commit: GroupCommit;
  readonly #segmentSizeBytes: number;
  /** Whether `bytes` holds everything around what was located. */
  #isWhole = false;
  #writing: OpenBatch | undefined;
  #writingAt = 0;
  #manifest: Manifest | undefined;

  /**
   * Opens the log of a directory whose lock is held, or makes a new one. What recovery keeps is synced again before this returns; not so
   * when nothing may be written.
   *
   * @throws {KLaniError} Damaged, FormatUnsupported, DiskFull, ReadOnly, Io; NotFound where there is no log and none may be made
   */
  static async open(options: LogOptions): Promise<Log> {
    const { directory } = options;
    expectComplete(directory);
    const proofs = checkpointProofs(directory);
    const found = recover(directory, { progress: options.progress, start: options.start });
    expectProven(directory, foundLog(found), proofs);
    if (found.databaseId === undefined) checkSegmentSize(options.segmentSizeBytes);
    const recovered = found.databaseId === undefined ? undefined : found;
    const files = new SegmentFiles(directory, {
      sizeBytes: recovered?.segmentSizeBytes ?? options.segmentSizeBytes,
      scheduler: options.scheduler,
      mode: options.readOnly ? 'read' : 'write',
    });
    try {
      if (options.readOnly) return Log.#openToRead(options, files, recovered);
      const end = recovered?.logEnd ?? emptyLog(files.sizeBytes, found.databaseId === undefined ? found.segment : 0);
      for (const index of found.preparedSegments) {
        if (index !== end.segment + 1 || !files.adopt(index)) directory.remove(segmentName(index));
      }
      if (recovered !== undefined) syncAgain(files, recovered);
      removeLeftovers(directory, recovered?.manifest);
      directory.sync();
      const left = (end.segment + 1) * files.sizeBytes - end.end;
      if (end.mustBeginSegment || left < ROOM_TO_OPEN_BYTES) await ready(files, end.segment + 1);
      else files.prepare(end.segment + 1);
      return new Log(options, { files, recovered, end });
    } catch (error) {
      files.close();
      throw error;
    }
  }

  static #openToRead(options: LogOptions, files: SegmentFiles, recovered: Recovered | undefined): Log {
    if (recovered === undefined) throw new KLaniError('NotFound', `Cannot open ${options.directory.path}: no log is in it`);
    for (const { index } of recovered.segments) files.open(index);
    return new Log(options, { files, recovered, end: recovered.logEnd });
  }

  private constructor(options: LogOptions, parts: { files: SegmentFiles; recovered: Recovered | undefined; end: LogEnd }) {
    const { files, recovered, end } = parts;
    this.recovered = recovered;
    this.checkedFrom = options.start?.end ?? 0;
    this.#manifest = recovered?.manifest;
    this.#directory = options.directory;
    this.epoch = (recovered?.epoch ?? 0) + (options.readOnly ? 0 : 1);
    if (this.epoch > EPOCH_MAX) {
      throw new KLaniError('LimitReached', `Cannot open the database: it was opened ${recovered?.epoch} times, must be < ${EPOCH_MAX}`);
    }
    this.databaseId = recovered?.databaseId ?? newDatabaseId(options.random);
    this.#files = files;
    this.#segmentSizeBytes = files.sizeBytes;
    this.#commit = new GroupCommit({
      ...options,
      files,
      databaseId: this.databaseId,
      epoch: this.epoch,
      logEnd: end,
    });
  }

  /** Everything before this position is on stable storage. */
  get durable(): number {
    return this.#commit.durable;
  }

  /** Everything before this position is appended. */
  get appended(): number {
    return this.#commit.appended;
  }

  /** Why the writer has failed for good, if it has. */
  get failure(): KLaniError | undefined {
    return this.#commit.failure;
  }

  get syncCount(): number {
    return this.#commit.syncCount;
  }

  get pendingBytes(): number {
    return this.#commit.pendingBytes;
  }

  get segmentSizeBytes(): number {
    return this.#segmentSizeBytes;
  }

  /** The segment that begins the log. */
  get firstSegment(): number {
    return this.#manifest?.firstSegment ?? 1;
  }

  /** What says where the log begins; `undefined` as long as nothing was given up. */
  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** Whether a record that was at `position` is still there: positions before the log's beginning were given up. */
  isKept(position: number): boolean {
    return position >= this.firstSegment * this.#segmentSizeBytes;
  }

  /**
   * The header of the first segment behind `index` that has begun, if something in it is durable.
   *
   * @throws {KLaniError} ChecksumMismatch when the header is damaged
   */
  begunBehind(index: number): SegmentHeader | undefined {
    const behind = this.#files.openBehind(index);
    if (behind === undefined || this.durable <= behind * this.#segmentSizeBytes + SEGMENT_HEADER_SIZE) return undefined;
    const begin = behind * this.#segmentSizeBytes;
    const at = this.locate(begin, SEGMENT_HEADER_SIZE);
    const header = decodeSegmentHeader(this.bytes.subarray(at, at + SEGMENT_HEADER_SIZE), segmentName(behind));
    if (header === undefined) throw this.#damaged(begin);
    return header;
  }

  /**
   * Appends the record at `position`, which is in a file, again as a moved one: `reserve` its size first. Returns its new position.
   *
   * @throws {KLaniError} ChecksumMismatch when the record is damaged: nothing was appended
   */
  move(position: number): number {
    const from = this.record(position);
    const length = this.view.getUint32(from, true);
    const batch = this.#writing;
    assert(batch !== undefined, 'Records are reserved before they are moved');
    const at = batch.take(length);
    batch.bytes.set(this.bytes.subarray(from, from + length), at);
    sealMoved(batch, at);
    return batch.position + at;
  }

  /** Syncs every segment from that of `position` on, off this thread: for what was written without a sync. */
  syncFrom(position: number, done: Done): void {
    const syncNext = (index: number | undefined): void => {
      if (index === undefined) done(undefined);
      else this.#files.file(index).syncLater((error) => (error === undefined ? syncNext(this.#files.openBehind(index)) : done(error)));
    };
    syncNext(this.#files.openBehind(Math.floor(position / this.#segmentSizeBytes) - 1));
  }

  /** Makes the log begin where `manifest` says, once that is in force. The segments before stay until `removeGivenUp`. */
  beginAt(manifest: Manifest, done: Done): void {
    writeManifest(this.#directory, manifest, (error) => {
      if (error === undefined) this.#manifest = manifest;
      done(error);
    });
  }

  /** Closes the segments before the log's beginning. Nobody may read them any more. */
  closeGivenUp(): void {
    this.bytes = new Uint8Array(0);
    this.view = new DataView(this.bytes.buffer);
    this.#files.closeBefore(this.firstSegment);
  }

  /** Removes the segments before the log's beginning, which are closed. */
  removeGivenUp(done: Done): void {
    this.#files.removeBefore(this.firstSegment, done);
  }

  /**
   * Makes sure that records of `size` bytes together can be appended, all in one batch.
   *
   * @throws {KLaniError} WriterFailed, BatchTooLarge, Overloaded, DiskFull: nothing was appended
   */
  reserve(size: number): void {
    this.#writing = this.#commit.reserve(size);
  }

  /** The memory into which the body of the record begun is written. Valid until the next `begin`. */
  get target(): RecordTarget {
    assert(this.#writing !== undefined, 'Records are reserved before they are written');
    return this.#writing;
  }

  /** Begins a record within what was reserved; returns where its body begins in `target`. */
  begin(draft: RecordDraft, operation: Operation, bodyLength: number): number {
    const batch = this.#writing;
    assert(batch !== undefined, 'Records are reserved before they are written');
    const at = batch.take(recordSize(bodyLength, operation.actor.length));
    encodeRecordHeader(batch, at, { draft, operation, bodyLength, position: batch.position + at, timeMs: batch.timeMs });
    this.#writingAt = at;
    return at + RECORD_HEADER_SIZE;
  }

  /** Ends the record begun and returns its position. It is appended, not yet durable. */
  finish(): number {
    const batch = this.#writing;
    assert(batch !== undefined, 'A record is begun before it is finished');
    sealRecord(batch, this.#writingAt);
    return batch.position + this.#writingAt;
  }

  /** Makes `length` bytes from `position` readable and returns their index in `bytes`. Valid until the next call and the next append. */
  locate(position: number, length: number): number {
    const batch = position >= this.#commit.durable ? this.#commit.unwritten(position) : undefined;
    if (batch !== undefined) {
      this.bytes = batch.bytes;
      this.view = batch.view;
      this.#isWhole = true;
      return position - batch.position;
    }
    const segment = Math.floor(position / this.#segmentSizeBytes);
    const view = this.#files.view(segment);
    const at = view.at(position - segment * this.#segmentSizeBytes, length);
    this.bytes = view.bytes;
    this.view = view.view;
    this.#isWhole = view.isWhole;
    return at;
  }

  /**
   * Makes the record at `position` readable and returns its index in `bytes`. Valid until the next call and the next append.
   *
   * @throws {KLaniError} ChecksumMismatch when the record is damaged
   */
  record(position: number): number {
    let at = this.locate(position, RECORD_HEADER_SIZE);
    const length = this.view.getUint32(at, true);
    const room = this.#segmentSizeBytes - (position % this.#segmentSizeBytes);
    if (length > room || length < RECORD_HEADER_SIZE) throw this.#damaged(position);
    if (!this.#isWhole) at = this.locate(position, length);
    if (!matchesChecksum(this.view, at, length)) throw this.#damaged(position);
    return at;
  }

  /** Calls `done` when the record at `position` is durable and applied; at once when it is; with an error when that will never be known. */
  whenDurable(position: number, done: WhenDurable): void {
    this.#commit.whenDurable(position, done);
  }

  /**
   * Calls `visit` with the position of every record that recovery read and kept, oldest first. Schemas older than the log's beginning come
   * before all others, and again where they were moved to.
   */
  replay(visit: (position: number) => void): void {
    if (this.checkedFrom === 0) for (const position of this.#manifest?.schemas ?? []) visit(position);
    for (const { index, end } of this.recovered?.segments ?? []) {
      if (end <= this.checkedFrom) continue;
      let position = index * this.#segmentSizeBytes + SEGMENT_HEADER_SIZE;
      while (position < end) {
        const at = this.locate(position, BATCH_HEADER_SIZE);
        const length = this.view.getUint32(at + BATCH_LENGTH_OFFSET, true);
        this.forEachRecord(position + BATCH_HEADER_SIZE, position + length, visit);
        position += length;
      }
    }
  }

  /** Position of the first record of the batch at `position`. */
  firstRecord(position: number): number {
    return position + BATCH_HEADER_SIZE;
  }

  /** Calls `visit` with the position of each record from `start` to `end` of one batch. */
  forEachRecord(start: number, end: number, visit: (position: number) => void): void {
    for (let position = start; position < end;) {
      const at = this.locate(position, RECORD_HEADER_SIZE);
      const length = this.view.getUint32(at, true);
      visit(position);
      position += length;
    }
  }

  #damaged(position: number): KLaniError {
    const segment = Math.floor(position / this.#segmentSizeBytes);
    const offset = position - segment * this.#segmentSizeBytes;
    return new KLaniError('ChecksumMismatch', `Cannot read record: ${segmentName(segment)} is damaged at offset ${offset}`);
  }

  /** @throws {KLaniError} WriterFailed */
  expectWritable(): void {
    this.#commit.expectWritable();
  }

  /** Resolves when nothing waits for the disk any more; what waits for room that is not there is given up, its outcome unknown. */
  drain(): Promise<void> {
    return new Promise((resolve) => this.#commit.drain(resolve));
  }

  /** Closes the files. What is not durable by now stays unanswered: callers wait for it first. */
  close(): void {
    this.#files.close();
  }
}

/** 16 random bytes. */
export function newDatabaseId(random: Random): Uint8Array {
  const id = new Uint8Array(DATABASE_ID_SIZE);
  random.fill(id);
  return id;
}

/** What is held against proofs of how far the log had come. */
function foundLog(found: Recovered | NotBegun): FoundLog | undefined {
  if (found.databaseId === undefined) return undefined;
  const { databaseId, segmentSizeBytes, segments, logEnd } = found;
  return { databaseId, segmentSizeBytes, end: logEnd.end, lastSegment: segments.at(-1)?.index ?? 0 };
}

/** The end of a log that has no segment yet. Segments up to `segment` hold what was torn in the very first write. */
function emptyLog(segmentSizeBytes: number, segment: number): LogEnd {
  return { end: segmentSizeBytes, hash: NO_HASH, timeMs: 0, segment, salt: NO_HASH, mustBeginSegment: true };
}

/**
 * Opens the segments that have begun, and makes sure of everything that recovery kept. After a sync that failed, the system holds the last
 * batch in memory and believes it to be on the disk: it is written again, byte for byte the same, before the sync.
 */
function syncAgain(files: SegmentFiles, { segments, lastBatch }: Recovered): void {
  for (const { index, end } of segments) {
    const file = files.open(index);
    const base = index * files.sizeBytes;
    if (lastBatch >= base && lastBatch < end) {
      const isFirst = lastBatch === base + SEGMENT_HEADER_SIZE;
      const start = isFirst ? base : lastBatch;
      const bytes = new Uint8Array(end - start);
      file.read(bytes, start - base);
      file.write(bytes, start - base);
    }
    file.sync();
  }
}

/** Removes what an interrupted change of the manifest left: segments before the log's beginning, and a manifest that never came into force. */
function removeLeftovers(directory: Directory, manifest: Manifest | undefined): void {
  for (const name of directory.list()) {
    const index = segmentIndexOf(name);
    if (name === NEXT_MANIFEST_NAME || (index !== undefined && index < (manifest?.firstSegment ?? 1))) directory.remove(name);
  }
}

/** Waits until segment `index` is prepared. */
function ready(files: SegmentFiles, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    files.whenReady(index, resolve, (error) => {
      reject(error);
      return false;
    });
  });
}
