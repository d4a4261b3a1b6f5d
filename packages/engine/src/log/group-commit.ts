/**
 * Group commit: one sync makes every record durable that was appended while the sync before it ran.
 *
 * A batch goes through these states; at most one is in flight:
 *
 * | state | what holds |
 * | --- | --- |
 * | open | takes records; the last of the queue |
 * | closed | takes no more records, because it is full or its segment is; waits in the queue |
 * | in flight | sealed and written; the sync runs |
 * | durable | the sync returned; its records are applied, then those who wait are answered |
 * | lost | a write or sync failed: never answered as done, its outcome is unknown; the writer is failed for good |
 *
 * 1. Nobody is answered before the sync of what the answer depends on has returned.
 * 2. The next batch is written and its sync begun before the answers of this one leave.
 * 3. A batch is sealed at the end of the turn in which it was opened, or when the sync in flight returns: there is no delay.
 */
import { assert, type Clock, type Random, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { BATCH_HEADER_SIZE, SALT_SIZE, nextSalt, sealBatch } from './batch.ts';
import { OpenBatch, type WhenDurable } from './open-batch.ts';
import { SEGMENT_HEADER_SIZE, encodeSegmentHeader } from './segment.ts';
import type { SegmentFiles } from './segment-files.ts';

/** Longest batch, bytes: one request that needs more answers BatchTooLarge. */
const BATCH_SIZE_BYTES_MAX = 32 * 1024 * 1024;

/** A batch that has reached this many bytes is closed, so that one sync does not have to carry everything. */
const BATCH_SIZE_BYTES_CLOSED = 4 * 1024 * 1024;

/** Most bytes that may wait for a sync; a request beyond them answers Overloaded. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** After which time an overloaded writer is worth asking again, milliseconds. */
const OVERLOAD_RETRY_MS = 20;

/** Memory of finished batches that is kept for new ones, count and largest size in bytes. */
const SPARE_COUNT_MAX = 4;
const SPARE_SIZE_MAX = BATCH_SIZE_BYTES_CLOSED * 2;

/** What an operator can do about a failed writer. */
const AFTER_FAILURE = 'check the disk, then restart the process: recovery keeps all that was acknowledged';

/** `fsync`: durable on stable storage. `os`: survives a killed process, not a power cut. */
export type Durability = 'fsync' | 'os';

/** Where the log ends, as recovery found it. */
export interface LogEnd {
  /** Position behind the last batch. */
  readonly end: number;
  readonly hash: Uint8Array;
  readonly timeMs: number;
  /** The newest segment that has begun; 0 for a new log. */
  readonly segment: number;
  /** The salt of that segment. */
  readonly salt: Uint8Array;
  /** Whether writing goes on in that segment, or begins the next one. */
  readonly mustBeginSegment: boolean;
}

export interface GroupCommitOptions {
  readonly files: SegmentFiles;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly durability: Durability;
  /** Whether every write is refused. */
  readonly readOnly: boolean;
  readonly databaseId: Uint8Array;
  readonly epoch: number;
  readonly logEnd: LogEnd;
  /** Called with each batch that has become durable, before anyone is answered. */
  readonly onDurable: (batch: OpenBatch) => void;
  /** Called once, when the writer fails for good. */
  readonly onFailed: (error: KLaniError) => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: OpenBatch[] = [];
  readonly #spare: Uint8Array[] = [];
  #inFlight: OpenBatch | undefined;
  /** A batch that could not be written, or may be written in part: it is read from memory. */
  #unwritable: OpenBatch | undefined;
  /** The batch that is durable and being applied. */
  #applying: OpenBatch | undefined;
  #applied: number;
  #previousHash: Uint8Array;
  #salt: Uint8Array;
  #durable: number;
  #appended: number;
  #timeMs: number;
  #mustBeginSegment: boolean;
  /** The segment of the newest batch. */
  #segment: number;
  /** The segment that the first batch of the queue waits for, or 0. */
  #segmentAwaited = 0;
  #sealScheduled = false;
  /** Nothing is waited for any more that may never come. */
  #isDraining = false;
  #failure: KLaniError | undefined;
  #syncCount = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#previousHash = options.logEnd.hash;
    this.#salt = options.logEnd.salt;
    this.#durable = options.logEnd.end;
    this.#applied = options.logEnd.end;
    this.#appended = options.logEnd.end;
    this.#timeMs = options.logEnd.timeMs;
    this.#mustBeginSegment = options.logEnd.mustBeginSegment;
    this.#segment = options.logEnd.segment;
  }

  /** Everything before this position is on stable storage. */
  get durable(): number {
    return this.#durable;
  }

  /** Everything before this position is appended. */
  get appended(): number {
    return this.#queue.at(-1)?.end ?? this.#inFlight?.end ?? this.#appended;
  }

  /** Bytes in memory that are not durable. */
  get pendingBytes(): number {
    let bytes = this.#inFlight?.length ?? 0;
    for (const batch of this.#queue) bytes += batch.length;
    return bytes;
  }

  get syncCount(): number {
    return this.#syncCount;
  }

  get failure(): KLaniError | undefined {
    return this.#failure;
  }

  /**
   * The batch that takes the next `size` bytes of records, all of one request.
   *
   * @throws {KLaniError} WriterFailed, ReadOnly, BatchTooLarge, Overloaded, DiskFull: nothing was appended
   */
  reserve(size: number): OpenBatch {
    this.expectWritable();
    if (this.#segmentAwaited !== 0) this.#checkSegment(this.#segmentAwaited);
    const open = this.#queue.at(-1);
    if (open !== undefined && open.length + size <= open.capacityBytes && open.length < BATCH_SIZE_BYTES_CLOSED) return open;
    const pending = this.pendingBytes;
    if (pending > 0 && pending + size > PENDING_BYTES_MAX) {
      throw new KLaniError(
        'Overloaded',
        `Cannot append ${size} bytes: ${pending} bytes wait for the disk already, must be <= ${PENDING_BYTES_MAX} together`,
        { retryAfterMs: OVERLOAD_RETRY_MS },
      );
    }
    const opened = this.#openBatch(size);
    this.#queue.push(opened);
    this.#scheduleSeal();
    return opened;
  }

  /** Calls `done` when the record at `position` is durable and applied; at once when it is. */
  whenDurable(position: number, done: WhenDurable): void {
    if (position < this.#applied) done(undefined);
    else if (this.#failure !== undefined) done(lost(this.#failure));
    else this.#batchOf(position).whenDurable(done);
  }

  /** @throws {KLaniError} WriterFailed, ReadOnly */
  expectWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#options.readOnly) throw new KLaniError('ReadOnly', 'Cannot write: the database is open for reading only');
  }

  /**
   * Calls `done` when nothing waits for the disk any more. What waits for a segment that finds no room is given up: its outcome is unknown.
   */
  drain(done: () => void): void {
    this.#isDraining = true;
    const fault = this.#segmentAwaited === 0 ? undefined : this.#options.files.failureOf(this.#segmentAwaited);
    if (fault !== undefined && this.#failure === undefined) this.#fail(fault);
    const last = this.#queue.at(-1) ?? this.#inFlight;
    if (this.#failure !== undefined || last === undefined) done();
    else last.whenDurable(done);
  }

  /** The batch in memory that holds `position`, unless it is written already. */
  unwritten(position: number): OpenBatch | undefined {
    for (const batch of this.#queue) if (position >= batch.position && position < batch.end) return batch;
    const failed = this.#unwritable;
    return failed !== undefined && position >= failed.position && position < failed.end ? failed : undefined;
  }

  #batchOf(position: number): OpenBatch {
    const applying = this.#applying;
    if (applying !== undefined && position < applying.end) return applying;
    const inFlight = this.#inFlight;
    if (inFlight !== undefined && position < inFlight.end) return inFlight;
    const batch = this.#queue.find((queued) => position < queued.end);
    assert(batch !== undefined, 'A position that is not durable is in a batch');
    return batch;
  }

  #checkSegment(index: number): void {
    const { files } = this.#options;
    const fault = files.failureOf(index);
    if (fault === undefined) return;
    files.prepare(index);
    throw fault;
  }

  #openBatch(size: number): OpenBatch {
    const { files, clock } = this.#options;
    const needed = BATCH_HEADER_SIZE + size;
    const capacityOfSegment = files.sizeBytes - SEGMENT_HEADER_SIZE;
    const capacity = Math.min(BATCH_SIZE_BYTES_MAX, capacityOfSegment);
    if (needed > capacity) {
      throw new KLaniError('BatchTooLarge', `Cannot write one batch of ${needed} bytes: must be <= ${capacity}`);
    }
    let position = this.appended;
    const left = (this.#segment + 1) * files.sizeBytes - position;
    if (needed > left || this.#mustBeginSegment) {
      this.#checkSegment(this.#segment + 1);
      this.#segment += 1;
      this.#mustBeginSegment = false;
      position = this.#segment * files.sizeBytes + SEGMENT_HEADER_SIZE;
    }
    const end = (this.#segment + 1) * files.sizeBytes;
    this.#timeMs = Math.max(this.#timeMs, Math.floor(clock.wallMs()));
    return new OpenBatch({
      position,
      timeMs: this.#timeMs,
      capacityBytes: Math.min(capacity, end - position),
      memory: this.#spare.pop(),
    });
  }

  #scheduleSeal(): void {
    if (this.#inFlight !== undefined || this.#sealScheduled) return;
    this.#sealScheduled = true;
    this.#options.scheduler.defer(() => {
      this.#sealScheduled = false;
      this.#sealNext();
    });
  }

  /** Writes the first batch of the queue and begins its sync. */
  #sealNext(): void {
    const batch = this.#queue[0];
    if (batch === undefined || this.#inFlight !== undefined || this.#failure !== undefined) return;
    const { files } = this.#options;
    const segment = Math.floor(batch.position / files.sizeBytes);
    const beginsSegment = batch.position % files.sizeBytes === SEGMENT_HEADER_SIZE;
    if (!beginsSegment) {
      this.#write(batch, segment, false);
      return;
    }
    const fault = this.#isDraining ? files.failureOf(segment) : undefined;
    if (fault !== undefined) {
      this.#fail(fault);
      return;
    }
    // The queue is left as it is until the segment is there: a batch that waits takes further records.
    this.#sealScheduled = true;
    this.#segmentAwaited = segment;
    files.whenReady(
      segment,
      () => {
        this.#sealScheduled = false;
        this.#segmentAwaited = 0;
        this.#write(batch, segment, true);
      },
      (error) => {
        if (this.#isDraining && this.#failure === undefined) this.#fail(error);
        return this.#failure === undefined;
      },
    );
  }

  #write(batch: OpenBatch, segment: number, beginsSegment: boolean): void {
    const { files, epoch } = this.#options;
    this.#queue.shift();
    this.#inFlight = batch;
    assert(Math.floor((batch.end - 1) / files.sizeBytes) === segment, 'A batch lies in one segment');
    try {
      const header = beginsSegment ? this.#beginSegment(segment, batch) : undefined;
      this.#previousHash = sealBatch(batch, 0, {
        position: batch.position,
        length: batch.length,
        recordCount: batch.recordCount,
        timeMs: batch.timeMs,
        epoch,
        durable: this.#durable,
        salt: this.#salt,
        previousHash: this.#previousHash,
      });
      const bytes = batch.bytes.subarray(0, batch.length);
      const offset = batch.position - segment * files.sizeBytes;
      if (header === undefined) files.file(segment).write(bytes, offset);
      else files.file(segment).write(joined(header, bytes), 0);
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      this.#unwritable = batch;
      this.#fail(error);
      return;
    }
    this.#sync(segment, batch);
  }

  /** Opens a prepared segment; returns the header that its first batch is written with. */
  #beginSegment(index: number, batch: OpenBatch): Uint8Array {
    const { files, databaseId, epoch, random } = this.#options;
    files.open(index);
    if (this.#durable === files.sizeBytes) random.fill((this.#salt = new Uint8Array(SALT_SIZE)));
    else this.#salt = nextSalt(this.#salt, this.#previousHash);
    const header = encodeSegmentHeader({
      databaseId,
      index,
      sizeBytes: files.sizeBytes,
      epoch,
      previousEnd: this.#durable === files.sizeBytes ? 0 : this.#durable,
      previousHash: this.#previousHash,
      timeMs: batch.timeMs,
      salt: this.#salt,
    });
    files.prepare(index + 1);
    return header;
  }

  #sync(segment: number, batch: OpenBatch): void {
    const { files, scheduler, durability } = this.#options;
    if (durability === 'os') {
      scheduler.defer(() => this.#synced(batch));
      return;
    }
    this.#syncCount += 1;
    files.file(segment).syncLater((error) => {
      if (error === undefined) this.#synced(batch);
      else this.#fail(error);
    });
  }

  #synced(batch: OpenBatch): void {
    this.#durable = batch.end;
    this.#appended = batch.end;
    this.#inFlight = undefined;
    this.#applying = batch;
    this.#sealNext();
    this.#options.onDurable(batch);
    this.#applied = batch.end;
    this.#applying = undefined;
    batch.answer(undefined);
    if (this.#spare.length < SPARE_COUNT_MAX && batch.bytes.length <= SPARE_SIZE_MAX) this.#spare.push(batch.bytes);
  }

  #fail(cause: KLaniError): void {
    this.#failure = new KLaniError('WriterFailed', `Cannot write any more: ${cause.message}; ${AFTER_FAILURE}`, { cause });
    this.#options.onFailed(this.#failure);
    const outcome = lost(this.#failure);
    this.#inFlight?.answer(outcome);
    for (const batch of this.#queue) batch.answer(outcome);
  }
}

function lost(failure: KLaniError): KLaniError {
  return new KLaniError('OutcomeUnknown', `Cannot tell whether the write is durable: ${failure.message}`, { cause: failure });
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
