/**
 * Verifying: recovery's reading of the whole log, and every record besides, without opening the database.
 *
 * 1. Everything that recovery checks holds: segment headers, batch headers, the hash of each batch's records, the chain of batches.
 * 2. The rules of `record-checker.ts` hold for the records, and the log goes as far as anything in the directory proves (`proof.ts`).
 * 3. Nothing of the log is written. Where the directory can be written its lock is held meanwhile; where a process has it open, what that
 *    process had written at some moment is checked, and a batch that it is writing is no damage.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory, Io } from '../io/io.ts';
import { NodeIo } from '../io/node-io.ts';
import { anchorText, type Anchor } from './anchor.ts';
import { expectComplete } from './incomplete.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { checkpointProofs, expectProven, manifestProof, type LogProof } from './proof.ts';
import { lockToReadUnlessRunning, Rereading } from './reading-lock.ts';
import { expectOwn, peekSegments, type RecoveryProgress, type SegmentFile } from './recovery.ts';
import { segmentName } from './segment.ts';
import { verifyRange, type RangeReport } from './verify-range.ts';

/** What was read and found whole. */
export interface LogReport {
  readonly path: string;
  /** 32 hexadecimal digits. */
  readonly databaseId: string;
  /** Whether a process had the database open. */
  readonly isRunning: boolean;
  /** How often the database was opened. */
  readonly epoch: number;
  /** The segment that begins the log; older ones were given up. */
  readonly firstSegment: number;
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
  /** SHA-256 of the last batch's header, 64 hexadecimal digits. */
  readonly headHash: string;
  /**
   * `lsn:hash` of the last batch, of a running database the one before it, which is durable for certain: it stands for everything before it,
   * and can be kept elsewhere to compare.
   */
  readonly anchor: string | undefined;
  /** What became of the anchor that was given: `beforeFirst` when the segment that it is in was given up. */
  readonly anchorGiven: 'matches' | 'beforeFirst' | undefined;
  /** Whether the last record is the mark of a clean end. */
  readonly isClosed: boolean;
  /** Bytes that a write cut short left behind the end, or that are being written. They belong to no answer, and opening passes over them. */
  readonly tornBytes: number;
}

export interface VerifyOptions {
  /** The file system; the real one by default. */
  readonly io?: Io;
  /** Of a batch that the log must have. */
  readonly anchor?: Anchor | undefined;
  /** Called after each segment. */
  readonly progress?: RecoveryProgress;
}

/**
 * Reads the whole log in the directory at `path` and checks every byte that was known to be durable. Takes about a second for each few
 * hundred megabytes and holds one segment in memory; `verifyLogInThreads` is faster.
 *
 * ```ts
 * const { records, anchor } = verifyLog('./data');
 * ```
 *
 * @throws {KLaniError} `Damaged` with the file and the offset in it; `NotFound` where there is no log; `SnapshotExpired` when segments are
 *   given up faster than they are read; `FormatUnsupported`; `Io`
 */
export function verifyLog(path: string, { io = new NodeIo(), anchor, progress }: VerifyOptions = {}): LogReport {
  const directory = io.openDirectory(path, { create: false });
  try {
    const isLive = lockToReadUnlessRunning(directory);
    const rereading = new Rereading(directory);
    for (;;) {
      try {
        const plan = planOf(directory, isLive);
        const range = verifyRange(
          directory,
          { files: plan.files, start: plan.manifest?.start, endSegment: undefined, isLive, anchor },
          { progress },
        );
        return reportOf(directory, plan, { ranges: [range], anchor });
      } catch (error) {
        rereading.again(error);
      }
    }
  } finally {
    directory.close();
  }
}

/** What there is to verify. */
export interface VerifyPlan {
  readonly isLive: boolean;
  readonly manifest: Manifest | undefined;
  readonly files: readonly SegmentFile[];
  /** What the checkpoints prove; read before the log is. */
  readonly proofs: readonly LogProof[];
}

/** @throws {KLaniError} NotFound where there is no log; Damaged */
export function planOf(directory: Directory, isLive: boolean): VerifyPlan {
  expectComplete(directory);
  const proofs = checkpointProofs(directory);
  const manifest = readManifest(directory);
  const files = peekSegments(directory, manifest?.firstSegment ?? 1);
  if (manifest === undefined && files.every(({ header }) => header === undefined)) {
    expectProven(directory, undefined, proofs);
    // Segments of zeros, or torn in the very first write, hold no log; anything else in them is damage.
    verifyRange(directory, { files, start: undefined, endSegment: undefined, isLive, anchor: undefined });
  }
  return { isLive, manifest, files, proofs };
}

/** The report on all ranges together, which are linked; `anchor` was given to each of them. */
export function reportOf(
  directory: Directory,
  { isLive, manifest, files, proofs }: VerifyPlan,
  { ranges, anchor }: { ranges: readonly RangeReport[]; anchor: Anchor | undefined },
): LogReport {
  const last = ranges.at(-1);
  const { header, index: lastSegment = 0 } = files.findLast((file) => file.header !== undefined) ?? {};
  if (last === undefined || header === undefined) throw new KLaniError('NotFound', `Cannot verify ${directory.path}: no log is in it`);
  expectOwn(directory, manifest, header);
  const log = { databaseId: header.databaseId, segmentSizeBytes: header.sizeBytes, end: last.end, lastSegment };
  const relied = manifest?.isArchive === false ? [manifestProof(manifest, header.sizeBytes)] : [];
  expectProven(directory, log, [...relied, ...proofs]);
  const sum = (of: (range: RangeReport) => number): number => ranges.reduce((total, range) => total + of(range), 0);
  const firstSegment = manifest?.firstSegment ?? 1;
  const begin = firstSegment * header.sizeBytes;
  const batch = ranges.flatMap(({ lastBatches }) => lastBatches).at(isLive ? -2 : -1);
  return {
    path: directory.path,
    databaseId: Buffer.from(header.databaseId).toString('hex'),
    isRunning: isLive,
    epoch: last.epoch,
    firstSegment,
    segments: sum((range) => range.segments),
    segmentSizeBytes: header.sizeBytes,
    batches: sum((range) => range.batches),
    records: sum((range) => range.records),
    sizeBytes: sum((range) => range.sizeBytes),
    lsnLast: ranges.findLast(({ lsnLast }) => lsnLast > 0)?.lsnLast ?? 0,
    time: new Date(last.timeMs),
    headHash: Buffer.from(last.hash).toString('hex'),
    anchor: batch === undefined ? undefined : anchorText(batch),
    anchorGiven: anchor === undefined ? undefined : judgeAnchor(directory, anchor, { ranges, begin, sizeBytes: header.sizeBytes }),
    isClosed: last.isClosed,
    tornBytes: last.tornBytes,
  };
}

/** @throws {KLaniError} Damaged where the log has no batch at the anchor's position */
function judgeAnchor(
  directory: Directory,
  { position }: Anchor,
  { ranges, begin, sizeBytes }: { ranges: readonly RangeReport[]; begin: number; sizeBytes: number },
): 'matches' | 'beforeFirst' {
  if (ranges.some(({ isAnchorSeen }) => isAnchorSeen)) return 'matches';
  if (position < begin) return 'beforeFirst';
  const end = ranges.at(-1)?.end ?? 0;
  const index = Math.floor(position / sizeBytes);
  const what = position >= end ? `the log ends at lsn ${end}, before the anchor` : 'no batch begins where the anchor says';
  const path = `${directory.path}/${segmentName(index)}`;
  throw new KLaniError('Damaged', `Cannot verify ${path}: damaged at offset ${position - index * sizeBytes}: ${what}`);
}
