/** Verifying a run of segments by itself, so that several threads can share a log: what its first header says of the log before it is taken for true, and compared afterwards. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import type { Anchor } from './anchor.ts';
import { RecordChecker } from './record-checker.ts';
import { recover, type RecoveryProgress, type RecoveryStart, type SegmentFile } from './recovery.ts';
import { segmentName } from './segment.ts';

/** What is read. */
export interface VerifyRange {
  /** As `peekSegments` gave them; where the run ends before the last, the one that follows it too. */
  readonly files: readonly SegmentFile[];
  /** What the log before the run is taken to be. */
  readonly start: RecoveryStart | undefined;
  /** The first segment that is not read any more, if any. */
  readonly endSegment: number | undefined;
  readonly isLive: boolean;
  /** Compared with the batch at its position, if that is met. */
  readonly anchor: Anchor | undefined;
}

/** What was found whole. Plain values: it passes between threads. */
export interface RangeReport {
  readonly start: RecoveryStart | undefined;
  /** Where the batches end, and the hash of the last header. */
  readonly end: number;
  readonly hash: Uint8Array;
  readonly timeMs: number;
  readonly epoch: number;
  readonly batches: number;
  readonly records: number;
  /** Bytes of the batches. */
  readonly sizeBytes: number;
  readonly segments: number;
  /** Position of the last record; 0 for none. */
  readonly lsnLast: number;
  readonly isClosed: boolean;
  readonly tornBytes: number;
  /** The last two batches, oldest first. */
  readonly lastBatches: readonly Anchor[];
  readonly isAnchorSeen: boolean;
}

/** @throws {KLaniError} Damaged with file and offset; FormatUnsupported; NotFound for a segment that was removed meanwhile; Io */
export function verifyRange(
  directory: Directory,
  range: VerifyRange,
  { progress, memory }: { progress?: RecoveryProgress | undefined; memory?: Uint8Array } = {},
): RangeReport {
  const { files, start, endSegment, isLive, anchor } = range;
  const checker = new RecordChecker();
  let lastBatches: Anchor[] = [];
  let isAnchorSeen = false;
  const recovered = recover(directory, {
    files,
    firstSegment: files[0]?.index ?? 1,
    start,
    isLive,
    progress,
    ...(endSegment === undefined ? {} : { endSegment }),
    ...(memory === undefined ? {} : { memory }),
    visit: (batch) => {
      checker.visit(batch);
      const { position } = batch.header;
      if (position === anchor?.position) {
        expectEqual(batch.hash, anchor, batch.path, batch.start);
        isAnchorSeen = true;
      }
      lastBatches = [...lastBatches.slice(-1), { position, hash: batch.hash }];
    },
  });
  if (recovered.databaseId === undefined) throw new KLaniError('NotFound', `Cannot verify ${directory.path}: no log is in it`);
  return {
    start,
    end: recovered.logEnd.end,
    hash: recovered.logEnd.hash,
    timeMs: recovered.logEnd.timeMs,
    epoch: recovered.epoch,
    batches: recovered.batchCount - (start?.batchCount ?? 0),
    records: checker.records,
    sizeBytes: checker.sizeBytes,
    segments: recovered.segments.length,
    lsnLast: checker.lsnLast,
    isClosed: checker.isClosed,
    tornBytes: recovered.tornBytes,
    lastBatches,
    isAnchorSeen,
  };
}

/** Each run must begin where the one before it ended, with the same hash. */
export function checkLinks(directory: Directory, ranges: readonly RangeReport[], firstSegments: readonly number[]): void {
  for (const [place, { start }] of ranges.entries()) {
    const before = ranges[place - 1];
    if (before === undefined) continue;
    const path = `${directory.path}/${segmentName(firstSegments[place] ?? 0)}`;
    if (start?.end !== before.end) {
      const what = `the log before it ends at position ${before.end}, the header says ${start?.end ?? 0}`;
      throw new KLaniError('Damaged', `Cannot verify ${path}: damaged at offset 56: ${what}`);
    }
    if (start.hash.some((byte, index) => byte !== before.hash[index])) {
      throw new KLaniError(
        'Damaged',
        `Cannot verify ${path}: damaged at offset 64: the previous hash is not that of the last batch before`,
      );
    }
  }
}

function expectEqual(hash: Uint8Array, anchor: Anchor, path: string, start: number): void {
  if (anchor.hash.every((byte, index) => byte === hash[index])) return;
  const what = `the batch at lsn ${anchor.position} is not the one of the anchor: the log was changed after the anchor was taken, or is another one`;
  throw new KLaniError('Damaged', `Cannot verify ${path}: damaged at or before offset ${start}: ${what}`);
}
