/** What an opening does about checkpoints: which one it begins with, and who builds the next. */
import type { Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { findCheckpoint, removeUnfinished, type FoundCheckpoint } from '../checkpoint/checkpoint-files.ts';
import { Checkpoints } from '../checkpoint/checkpoints.ts';
import { TurnRunner, type CheckpointRunner } from '../checkpoint/runner.ts';
import type { Directory } from '../io/io.ts';
import type { Log } from '../log/log.ts';
import { readManifest } from '../log/manifest.ts';
import { SEGMENT_HEADER_SIZE } from '../log/segment.ts';

/** What an opening is told about checkpoints. */
interface CheckpointOptions {
  readonly checkpointBytes: number;
  readonly checkpointRunner: CheckpointRunner | undefined;
  readonly operationWindow: number;
  readonly readOnly: boolean;
  readonly scheduler: Scheduler;
}

/** @throws {KLaniError} InvalidArgument unless `checkpointBytes` is 0 or a positive integer */
export function checkCheckpointBytes(checkpointBytes: number): void {
  if (Number.isSafeInteger(checkpointBytes) && checkpointBytes >= 0) return;
  throw new KLaniError('InvalidArgument', `Cannot open the database: checkpointBytes is ${checkpointBytes}, must be an integer >= 0`);
}

/**
 * The checkpoint to begin with, if one can be believed; removes what an unfinished one left. The directory's lock is held.
 *
 * @throws {KLaniError} Damaged, FormatUnsupported, Io
 */
export function openCheckpoint(directory: Directory, options: CheckpointOptions): FoundCheckpoint {
  const { checkpointBytes, operationWindow, readOnly } = options;
  if (!readOnly) removeUnfinished(directory);
  if (checkpointBytes === 0) return { checkpoint: undefined, ignored: [] };
  return findCheckpoint(directory, { firstSegment: readManifest(directory)?.firstSegment ?? 1, operationWindow });
}

/** What is left to begin with when the checkpoint that was found cannot be restored: the log. */
export function passOver({ checkpoint, ignored }: FoundCheckpoint, error: unknown): FoundCheckpoint {
  const reason = error instanceof Error ? error.message : String(error);
  return { checkpoint: undefined, ignored: [...ignored, `${checkpoint?.name} is passed over: it cannot be restored: ${reason}`] };
}

/** Begins to look after checkpoints in a database whose log is open. */
export function openCheckpoints(parts: {
  directory: Directory;
  log: Log;
  options: CheckpointOptions;
  found: FoundCheckpoint;
}): Checkpoints {
  const { directory, log, options, found } = parts;
  const { checkpoint, ignored } = found;
  const { checkpointBytes, checkpointRunner, operationWindow, readOnly, scheduler } = options;
  const segments = log.recovered?.segments ?? [];
  // Segments that were torn in their first write have a header and no batches, however many there are.
  const before = segments.slice(0, -1).findLast(({ index, end }) => end > index * log.segmentSizeBytes + SEGMENT_HEADER_SIZE);
  return new Checkpoints({
    directory,
    runner: readOnly || checkpointBytes === 0 ? undefined : (checkpointRunner ?? new TurnRunner(scheduler)),
    bytesMin: checkpointBytes,
    operationWindow,
    segmentSizeBytes: log.segmentSizeBytes,
    opened:
      checkpoint === undefined
        ? undefined
        : {
            end: checkpoint.place.end,
            segment: checkpoint.place.segment,
            oldestSegment: checkpoint.oldestSegment,
            sizeBytes: checkpoint.sizeBytes,
          },
    ignored,
    newestSegment: { index: segments.at(-1)?.index ?? 0, previousEnd: before?.end ?? 0 },
    durableEnd: log.durable,
    firstSegment: () => log.firstSegment,
  });
}
