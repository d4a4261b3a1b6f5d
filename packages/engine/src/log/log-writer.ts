/**
 * Writes a log from the outside, in one go: for records that are brought into a directory of their own. Nobody reads it meanwhile, and it is a
 * log only once its manifest is in force, which comes last.
 */
import { assert, type Random } from '@k-lani/base';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE, SALT_SIZE, nextSalt, sealBatch, type RecoveryStart } from './batch.ts';
import { writeManifestNow } from './manifest.ts';
import {
  Mark,
  NO_OPERATION,
  RecordKind,
  encodeRecordHeader,
  newDraft,
  recordSize,
  sealRecord,
  type RecordDraft,
  type RecordTarget,
} from './record.ts';
import { SEGMENT_HEADER_SIZE, encodeSegmentHeader, segmentName } from './segment.ts';

/** A batch is sealed when it has reached this many bytes. */
const BATCH_BYTES = 1024 * 1024;

export interface LogWriterOptions {
  readonly directory: Directory;
  readonly random: Random;
  readonly databaseId: Uint8Array;
  readonly segmentSizeBytes: number;
  /** The first segment to be written. */
  readonly firstSegment: number;
  /** The place behind the last batch before it. */
  readonly start: RecoveryStart;
  /** Of the batches written. */
  readonly epoch: number;
  readonly timeMs: number;
}

export class LogWriter implements RecordTarget {
  /** The segment that is being written. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #options: LogWriterOptions;
  #index: number;
  /** Where the open batch begins in the segment, where it ends, and how many records it has. */
  #batch = SEGMENT_HEADER_SIZE;
  #end = SEGMENT_HEADER_SIZE + BATCH_HEADER_SIZE;
  #recordCount = 0;
  #previousEnd: number;
  #previousHash: Uint8Array;
  #salt: Uint8Array = new Uint8Array(SALT_SIZE);

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.bytes = new Uint8Array(options.segmentSizeBytes);
    this.view = new DataView(this.bytes.buffer);
    this.#index = options.firstSegment;
    this.#previousEnd = options.start.end;
    this.#previousHash = options.start.hash;
    options.random.fill(this.#salt);
    this.#beginSegment();
  }

  /** Copies a record; returns where it stands in `bytes`, to be changed and sealed by the caller before the next call. */
  copy(source: RecordTarget, from: number): number {
    const length = source.view.getUint32(from, true);
    const at = this.#take(length);
    this.bytes.set(source.bytes.subarray(from, from + length), at);
    return at;
  }

  /** Position in the log of what stands at `at` in `bytes`. */
  positionOf(at: number): number {
    return this.#index * this.bytes.length + at;
  }

  /** Writes a record without a body. */
  tell(draft: RecordDraft): void {
    const at = this.#take(recordSize(0, 0));
    const { timeMs } = this.#options;
    encodeRecordHeader(this, at, { draft, operation: NO_OPERATION, bodyLength: 0, position: this.positionOf(at), timeMs });
    sealRecord(this, at);
  }

  /** Ends the log as a database does that is closed in good order, and brings it into force. */
  finish(): void {
    const { directory, databaseId, firstSegment, start } = this.#options;
    this.#seal();
    this.tell({ ...newDraft(RecordKind.mark), version: Mark.closed });
    this.#seal();
    this.#writeSegment();
    directory.sync();
    writeManifestNow(directory, { databaseId, firstSegment, start, schemas: [], reliedEnd: this.#previousEnd, isArchive: false });
  }

  #take(length: number): number {
    const { segmentSizeBytes } = this.#options;
    if (this.#end + length > segmentSizeBytes || this.#end - this.#batch > BATCH_BYTES) this.#seal();
    if (this.#end + length > segmentSizeBytes) this.#nextSegment();
    assert(this.#end + length <= segmentSizeBytes, 'A record fits into a segment');
    const at = this.#end;
    this.#end += length;
    this.#recordCount += 1;
    return at;
  }

  #seal(): void {
    if (this.#recordCount === 0) return;
    const { epoch, timeMs } = this.#options;
    const length = this.#end - this.#batch;
    const position = this.positionOf(this.#batch);
    this.#previousHash = sealBatch(this, this.#batch, {
      position,
      length,
      recordCount: this.#recordCount,
      timeMs,
      epoch,
      durable: this.#previousEnd,
      salt: this.#salt,
      previousHash: this.#previousHash,
    });
    this.#previousEnd = position + length;
    this.#beginBatch(this.#end);
  }

  #nextSegment(): void {
    this.#writeSegment();
    this.bytes.fill(0);
    this.#index += 1;
    this.#salt = nextSalt(this.#salt, this.#previousHash);
    this.#beginSegment();
  }

  #beginSegment(): void {
    const { databaseId, segmentSizeBytes, epoch, timeMs } = this.#options;
    const header = encodeSegmentHeader({
      databaseId,
      index: this.#index,
      sizeBytes: segmentSizeBytes,
      epoch,
      previousEnd: this.#previousEnd,
      previousHash: this.#previousHash,
      timeMs,
      salt: this.#salt,
    });
    this.bytes.set(header);
    this.#beginBatch(SEGMENT_HEADER_SIZE);
  }

  #beginBatch(at: number): void {
    this.#batch = at;
    this.#end = at + BATCH_HEADER_SIZE;
    this.#recordCount = 0;
  }

  #writeSegment(): void {
    const file = this.#options.directory.createFile(segmentName(this.#index));
    try {
      file.write(this.bytes, 0);
      file.sync();
    } finally {
      file.close();
    }
  }
}
