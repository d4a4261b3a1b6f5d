/**
 * The log: the one place where anything is stored. Appends go through group commit; reads come from a view of the segment files, or
 * from memory as long as a batch is not written.
 *
 * A request writes its records like this: `reserve` all their bytes (after which nothing can fail), then for each record `begin`, fill
 * the body in `target`, `finish`.
 */
import { assert, type Clock, type Random, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE, BATCH_LENGTH_OFFSET, NO_HASH } from './batch.ts';
import { GroupCommit, type Durability, type LogEnd } from './group-commit.ts';
import type { OpenBatch, WhenDurable } from './open-batch.ts';
import {
  RECORD_HEADER_SIZE,
  encodeRecordHeader,
  isRecordIntact,
  recordSize,
  sealRecord,
  type Operation,
  type RecordDraft,
  type RecordTarget,
} from './record.ts';
import { recover, type Recovered, type RecoveryProgress } from './recovery.ts';
import { SEGMENT_HEADER_SIZE, checkSegmentSize, segmentName } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';

/** An imported binding is looked up at each use; this one is used for every read. */
const isIntact = isRecordIntact;

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
  /** Called with each batch that has become durable, before anyone is answered. */
  readonly onDurable: (batch: OpenBatch) => void;
  readonly onFailed: (error: KLaniError) => void;
  readonly progress?: RecoveryProgress | undefined;
}

export class Log implements RecordTarget {
  /** The memory that the last call of `locate` or `record` made readable. */
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly databaseId: Uint8Array;
  readonly epoch: number;
  /** What recovery found; `undefined` for a log that was just made. */
  readonly recovered: Recovered | undefined;
  readonly #files: SegmentFiles;
  readonly #commit: GroupCommit;
  readonly #segmentSizeBytes: number;
  #writing: OpenBatch | undefined;
  #writingAt = 0;

  /**
   * Opens the log of a directory whose lock is held, or makes a new one. What recovery keeps is synced again before this returns.
   *
   * @throws {KLaniError} Damaged, FormatUnsupported, DiskFull, ReadOnly, Io
   */
  static async open(options: LogOptions): Promise<Log> {
    const { directory } = options;
    const recovered = recover(directory, undefined, options.progress);
    if (recovered === undefined) {
      checkSegmentSize(options.segmentSizeBytes);
      if (directory.list().includes(segmentName(1))) directory.remove(segmentName(1));
    }
    const files = new SegmentFiles(directory, recovered?.segmentSizeBytes ?? options.segmentSizeBytes);
    for (const { index } of recovered?.segments ?? []) files.open(index);
    const last = recovered?.segments.at(-1);
    if (last !== undefined) files.file(last.index).sync();
    if (recovered !== undefined && recovered.preparedSegment !== 0) files.adopt(recovered.preparedSegment);
    directory.sync();
    const next = (recovered?.logEnd.segment ?? 0) + 1;
    if (recovered === undefined || recovered.logEnd.mustBeginSegment) await ready(files, next);
    else files.prepare(next);
    return new Log(options, files, recovered);
  }

  private constructor(options: LogOptions, files: SegmentFiles, recovered: Recovered | undefined) {
    this.recovered = recovered;
    this.epoch = (recovered?.epoch ?? 0) + 1;
    if (this.epoch > EPOCH_MAX) {
      throw new KLaniError('LimitReached', `Cannot open the database: it was opened ${recovered?.epoch} times, must be < ${EPOCH_MAX}`);
    }
    this.databaseId = recovered?.databaseId ?? newDatabaseId(options.random);
    this.#files = files;
    this.#segmentSizeBytes = files.sizeBytes;
    const start: LogEnd = { end: files.sizeBytes, hash: NO_HASH, timeMs: 0, segment: 0, mustBeginSegment: true };
    this.#commit = new GroupCommit({
      ...options,
      files,
      databaseId: this.databaseId,
      epoch: this.epoch,
      logEnd: recovered?.logEnd ?? start,
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
      return position - batch.position;
    }
    const segment = Math.floor(position / this.#segmentSizeBytes);
    const view = this.#files.view(segment);
    const at = view.at(position - segment * this.#segmentSizeBytes, length);
    this.bytes = view.bytes;
    this.view = view.view;
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
    at = this.locate(position, length);
    if (!isIntact(this, at, at + length)) throw this.#damaged(position);
    return at;
  }

  /** Calls `done` when the record at `position` is durable and applied; at once when it is; with an error when that will never be known. */
  whenDurable(position: number, done: WhenDurable): void {
    this.#commit.whenDurable(position, done);
  }

  /** Calls `visit` with the position of every record that recovery kept, oldest first. */
  replay(visit: (position: number) => void): void {
    for (const { index, end } of this.recovered?.segments ?? []) {
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

  /** Closes the files. What is not durable by now stays unanswered: callers wait for it first. */
  close(): void {
    this.#files.close();
  }
}

function newDatabaseId(random: Random): Uint8Array {
  const id = new Uint8Array(DATABASE_ID_SIZE);
  random.fill(id);
  return id;
}

/** Waits until segment `index` is prepared. */
function ready(files: SegmentFiles, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    files.whenReady(index, resolve, reject);
  });
}
