/** Where a backup goes: a directory, or a stream. */
import type { Manifest } from '../log/manifest.ts';
import type { RecoveryStart, SegmentFile } from '../log/recovery.ts';

/** What a target holds of an earlier backup. */
export interface HeldLog {
  /** Its segments that have begun, oldest first, up to the last that has a batch; at least one. */
  readonly files: readonly SegmentFile[];
  /** Where its last batch ends. */
  readonly end: RecoveryStart;
}

/** One segment of a backup. */
export interface BackupSegment {
  readonly index: number;
  /** What it holds; zeros follow, to the segment's size. */
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

/** Takes the files of a log, oldest first. At any moment it holds a log that ends somewhere, or says that it is not complete. */
export interface BackupTarget {
  readonly path: string;

  /** What it holds now; a backup goes on from there. */
  held(): HeldLog | undefined;

  /**
   * Gives up what was put since it was opened, because the log no longer begins there.
   *
   * @throws {KLaniError} SnapshotExpired where that cannot be
   */
  beginAnew(): void;

  /** Takes the manifest. Called before any segment, and not where an earlier backup is held. */
  putManifest(manifest: Manifest): Promise<void>;

  /**
   * Takes a segment, in place of the one that was held under its index. `bytes` is the caller's again when this resolves.
   *
   * @throws {KLaniError} DiskFull, ReadOnly, Io
   */
  putSegment(segment: BackupSegment): Promise<void>;

  /** Ends the backup: it is complete and durable. */
  finish(): Promise<void>;

  /** Ends the use of the target, after `finish` or instead of it. */
  close(): void;
}
