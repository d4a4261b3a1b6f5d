/**
 * Checks the records of one batch after the other.
 *
 * 1. The records of a batch fill it without a gap, are as many as its header says, and each matches its own checksum.
 * 2. A record's lsn is not behind its position, and the version before it lies before it in the log.
 * 3. An operation's records end within their batch.
 */
import { KLaniError } from '@k-lani/protocol';
import { BATCH_HEADER_SIZE } from './batch.ts';
import { Mark, RECORD_FLAG_LAST, RecordKind, RecordOffset, isRecordIntact, readU64, type RecordTarget } from './record.ts';
import type { BatchVisitor } from './recovery.ts';

export class RecordChecker {
  records = 0;
  /** Bytes of the batches. */
  sizeBytes = 0;
  /** Position of the last record; 0 for none. */
  lsnLast = 0;
  /** Whether the last record is the mark of a clean end. */
  isClosed = false;

  /** @throws {KLaniError} Damaged with file and offset */
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
