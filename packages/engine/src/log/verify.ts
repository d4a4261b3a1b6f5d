/**
 * Verifying: recovery's reading of the whole log, and every record besides, without opening the database.
 *
 * 1. Everything that recovery checks holds: segment headers, batch headers, the hash of each batch's records, the chain of batches.
 * 2. The records of a batch fill it without a gap, are as many as its header says, and each matches its own checksum.
 * 3. A record's lsn is not behind its position, and the version before it lies before it in the log.
 * 4. An operation's records end within their batch.
 * 5. Nothing of the log is written; where the directory can be written, its lock is held meanwhile.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { BATCH_HEADER_SIZE } from './batch.ts';
import { lockToRead } from './reading-lock.ts';
import { Mark, RECORD_FLAG_LAST, RecordKind, RecordOffset, isRecordIntact, readU64, type RecordTarget } from './record.ts';
import { recover, type BatchVisitor, type RecoveryProgress } from './recovery.ts';

/** What was read and found whole. */
export interface LogReport {
  readonly path: string;
  /** 32 hexadecimal digits. */
  readonly databaseId: string;
  /** How often the database was opened. */
  readonly epoch: number;
  /** Files that hold batches. */
  readonly segments: number;
  readonly segmentSizeBytes: number;
  readonly batches: number;
  readonly records: number;
  /** Bytes of the batches, all of them checked. */
  readonly sizeBytes: number;
  /** Position of the last record; 0 for none. */
  readonly lsnLast: number;
  /** When it was written. */
  readonly time: Date;
  /** SHA-256 of the last batch's header, 64 hexadecimal digits: it stands for everything before it, and can be kept elsewhere to compare. */
  readonly headHash: string;
  /** Whether the last record is the mark of a clean end. */
  readonly isClosed: boolean;
  /** Bytes that a write cut short left behind the end. They belong to no answer, and opening passes over them. */
  readonly tornBytes: number;
}

export interface VerifyOptions {
  /** The file system; the real one by default. */
  readonly io?: Io;
  /** Called after each segment. */
  readonly progress?: RecoveryProgress;
}

/**
 * Reads the whole log in the directory at `path` and checks every byte that was known to be durable. Takes about a second for each few
 * hundred megabytes and holds one segment in memory.
 *
 * ```ts
 * const { records, headHash } = verifyLog('./data');
 * ```
 *
 * @throws {KLaniError} `Damaged` with the file and the offset in it; `DirectoryLocked` while a process has the database open; `NotFound`
 *   where there is no log; `FormatUnsupported`; `Io`
 */
export function verifyLog(path: string, { io = new NodeIo(), progress }: VerifyOptions = {}): LogReport {
  const directory = io.openDirectory(path, { create: false });
  try {
    const checker = new RecordChecker();
    lockToRead(directory);
    const recovered = recover(directory, { visit: checker.visit, progress });
    if (recovered.databaseId === undefined) throw new KLaniError('NotFound', `Cannot verify ${directory.path}: no log is in it`);
    return {
      path: directory.path,
      databaseId: hex(recovered.databaseId),
      epoch: recovered.epoch,
      segments: recovered.segments.length,
      segmentSizeBytes: recovered.segmentSizeBytes,
      batches: recovered.batchCount,
      records: checker.records,
      sizeBytes: checker.sizeBytes,
      lsnLast: checker.lsnLast,
      time: new Date(recovered.logEnd.timeMs),
      headHash: hex(recovered.logEnd.hash),
      isClosed: checker.isClosed,
      tornBytes: recovered.tornBytes,
    };
  } finally {
    directory.close();
  }
}

/** Checks the records of one batch after the other. */
class RecordChecker {
  records = 0;
  sizeBytes = 0;
  lsnLast = 0;
  isClosed = false;

  readonly visit: BatchVisitor = ({ source, path, start, end, header }) => {
    const damage = (at: number, what: string): KLaniError =>
      new KLaniError('Damaged', `Cannot verify ${path}: damaged at offset ${at}: ${what}`);
    let count = 0;
    let isLastOfOperation = true;
    let at = start;
    while (at < end) {
      const position = header.position + BATCH_HEADER_SIZE + at - start;
      if (!isRecordIntact(source, at, end)) throw damage(at, 'the record does not match its checksum');
      const fault = recordFault(source, at, position);
      if (fault !== undefined) throw damage(at, fault);
      isLastOfOperation = (source.view.getUint8(at + RecordOffset.flags) & RECORD_FLAG_LAST) !== 0;
      this.isClosed = isClosedMark(source, at);
      this.lsnLast = position;
      count += 1;
      at += source.view.getUint32(at, true);
    }
    if (count !== header.recordCount) throw damage(start, `the batch has ${count} records, its header says ${header.recordCount}`);
    if (!isLastOfOperation) throw damage(start, 'the batch ends before its last operation does');
    this.records += count;
    this.sizeBytes += header.length;
  };
}

function recordFault({ view }: RecordTarget, at: number, position: number): string | undefined {
  const lsn = readU64(view, at + RecordOffset.lsn);
  const previous = readU64(view, at + RecordOffset.previous);
  if (lsn > position) return `the record says lsn ${lsn}, and stands at position ${position}`;
  if (previous >= position) return `the record says that the version before it is at position ${previous}, and stands at ${position}`;
  return undefined;
}

function isClosedMark({ view }: RecordTarget, at: number): boolean {
  const isMark = view.getUint8(at + RecordOffset.kind) === RecordKind.mark;
  return isMark && view.getUint32(at + RecordOffset.version, true) === Mark.closed;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
