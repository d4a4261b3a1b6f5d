/**
 * The builder: makes the checkpoint before a segment from the log alone, by the code that recovery goes through. It shares nothing with the
 * writer but the files: it goes on from the checkpoint before, reads the segments behind that, which are written to no more, and writes what
 * follows from them.
 *
 * It works in steps, so that it can be run in a thread of its own as well as in turns of another: find the checkpoint before; one segment a
 * step; one table a step; then the steps of writing.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { BATCH_HEADER_SIZE, type RecoveryStart } from '../log/batch.ts';
import { LogReader } from '../log/log-reader.ts';
import { readManifest, type Manifest } from '../log/manifest.ts';
import { RecordOffset } from '../log/record.ts';
import { peekSegments, recover, startOf, type NotBegun, type Recovered } from '../log/recovery.ts';
import { segmentName, type SegmentHeader } from '../log/segment.ts';
import { OperationWindow, operationMatch } from '../snapshot/operation-window.ts';
import { Replay, type Derived } from '../snapshot/replay.ts';
import { Side } from '../snapshot/side.ts';
import { Catalog } from '../table/catalog.ts';
import { findCheckpoint, writeCheckpoint } from './checkpoint-files.ts';
import { restoreDerived, savedTables } from './restore.ts';

/** Which checkpoint is to be built. */
export interface CheckpointJob {
  /** The segment before whose first batch it stands. That batch is durable. */
  readonly segment: number;
  /** How many operations it remembers. */
  readonly operationWindow: number;
}

/** A checkpoint that is in force. */
export interface CheckpointFacts {
  /** Position where the log before it ends. */
  readonly end: number;
  readonly segment: number;
  /** The oldest segment that it refers to: while that is there, it can be used. */
  readonly oldestSegment: number;
  readonly sizeBytes: number;
}

/**
 * Builds a checkpoint and removes older ones. Returns the one that is in force then: a newer one, if there is such.
 *
 * @param expectWanted called often between steps and inside; what it throws ends the building
 * @throws {KLaniError} Damaged where the log is damaged; Truncated when segments that it needs are removed meanwhile; DiskFull, ReadOnly,
 *   Io, LimitReached. Nothing is left behind then, nor when the steps are not taken to the end.
 */
export function* buildCheckpoint(directory: Directory, job: CheckpointJob, expectWanted: () => void): Generator<void, CheckpointFacts> {
  const manifest = readManifest(directory);
  try {
    return yield* build(directory, { job, manifest, expectWanted });
  } catch (error) {
    if (readManifest(directory)?.firstSegment === manifest?.firstSegment) throw error;
    throw new KLaniError('Truncated', 'Cannot build a checkpoint: the oldest segments were given up meanwhile', { cause: error });
  }
}

/** What one run of the builder goes by. */
interface Run {
  readonly job: CheckpointJob;
  readonly manifest: Manifest | undefined;
  readonly expectWanted: () => void;
}

type Segments = ReturnType<typeof peekSegments>;

function* build(directory: Directory, run: Run): Generator<void, CheckpointFacts> {
  const { job, manifest, expectWanted } = run;
  const firstSegment = manifest?.firstSegment ?? 1;
  const segments = peekSegments(directory, firstSegment).filter(({ index }) => index <= job.segment);
  const target = segments.at(-1)?.header;
  const end = target === undefined ? undefined : startOf(target);
  assert(target !== undefined && end !== undefined, 'The segment has begun, and is not the first');
  const { checkpoint } = findCheckpoint(directory, { firstSegment, operationWindow: job.operationWindow });
  if (checkpoint !== undefined && checkpoint.place.segment >= job.segment) {
    return {
      end: checkpoint.place.end,
      segment: checkpoint.place.segment,
      oldestSegment: checkpoint.oldestSegment,
      sizeBytes: checkpoint.sizeBytes,
    };
  }
  const log = new LogReader(directory, target.sizeBytes, job.segment);
  try {
    const catalog = new Catalog();
    const operations = new OperationWindow(job.operationWindow, operationMatch(log, job.segment * target.sizeBytes));
    const derived: Derived = { catalog, operations, side: new Side(log, catalog) };
    const from = checkpoint?.start ?? manifest?.start;
    const replay = new Replay(log, derived, from?.end ?? 0);
    if (checkpoint === undefined) replayMovedSchemas(replay, manifest, end.end);
    else restoreDerived(derived, checkpoint, log);
    yield;
    yield* replaySegments(directory, { segments, log, replay, from, expectWanted });
    yield* syncSegments(directory, segments, checkpoint?.place.segment ?? firstSegment);
    const oldestSegment = yield* oldestSegmentOf(derived, { target, end });
    const place = { databaseId: target.databaseId, segmentSizeBytes: target.sizeBytes, segment: job.segment, end: end.end, hash: end.hash };
    const content = {
      place,
      oldestSegment,
      operationWindow: job.operationWindow,
      operations: operations.save(),
      tables: savedTables(derived),
    };
    const sizeBytes = yield* writeCheckpoint(directory, content, derived.side.store);
    return { end: end.end, segment: job.segment, oldestSegment, sizeBytes };
  } finally {
    log.close();
  }
}

/** Takes the schemas that the log needs before it tells them. */
function replayMovedSchemas(replay: Replay, manifest: Manifest | undefined, end: number): void {
  for (const position of manifest?.schemas ?? []) {
    if (position >= end) {
      throw new KLaniError('Truncated', `Cannot build a checkpoint at ${end}: a schema that it needs was moved to ${position}`);
    }
    replay.record(position);
  }
}

/** Replays what lies behind `from`, or all of the log before the last of `segments`; one segment a step. */
function* replaySegments(
  directory: Directory,
  parts: {
    segments: Segments;
    log: LogReader;
    replay: Replay;
    from: RecoveryStart | undefined;
    expectWanted: () => void;
  },
): Generator<void, void> {
  const { segments, log, replay, from, expectWanted } = parts;
  const begun = segments.flatMap(({ header }) => (header === undefined ? [] : [header]));
  for (const [place, following] of begun.entries()) {
    const header = begun[place - 1];
    if (header === undefined || following.previousEnd <= (from?.end ?? 0)) continue;
    const start = header.previousEnd <= (from?.end ?? 0) ? from : startOf(header);
    const recovered = recover(directory, {
      files: segments.filter(({ index }) => index >= header.index && index <= following.index),
      firstSegment: header.index,
      start,
      endSegment: following.index,
      visit: ({ header: batch }) => {
        expectWanted();
        const first = batch.position + BATCH_HEADER_SIZE;
        for (let position = first; position < batch.position + batch.length;) {
          const at = log.locate(position, RecordOffset.body);
          const length = log.view.getUint32(at, true);
          replay.record(position);
          position += length;
        }
      },
    });
    expectEnd(directory, recovered, following);
    yield;
  }
}

/**
 * Makes sure of the log up to the first batch behind the checkpoint, which proves it from then on: where the writer does not sync, nobody else
 * has. What lies before segment `first` was made sure of by the checkpoint before.
 */
function* syncSegments(directory: Directory, segments: Segments, first: number): Generator<void, void> {
  for (const { index, header } of segments) {
    if (header === undefined || index < first) continue;
    const file = directory.openFile(segmentName(index), 'write');
    try {
      file.sync();
    } finally {
      file.close();
    }
    yield;
  }
}

/** @throws {KLaniError} Damaged unless the log before a segment ends as its header says */
function expectEnd(directory: Directory, recovered: Recovered | NotBegun, following: SegmentHeader): void {
  const end = recovered.databaseId === undefined ? undefined : recovered.logEnd;
  const isSame = end?.end === following.previousEnd && end.hash.every((byte, index) => byte === following.previousHash[index]);
  if (isSame) return;
  throw new KLaniError(
    'Damaged',
    `Cannot build a checkpoint: the log in ${directory.path} ends at ${end?.end ?? 0}, the header of segment ${following.index} says ${following.previousEnd}`,
  );
}

/** The oldest segment that anything refers to; one table a step. */
function* oldestSegmentOf(
  { catalog, side, operations }: Derived,
  { target, end }: { target: SegmentHeader; end: RecoveryStart },
): Generator<void, number> {
  let oldest = end.end - 1;
  for (const { id, schemaPositions } of catalog.tables) {
    for (const position of schemaPositions.values()) oldest = Math.min(oldest, position);
    const { locations } = side.table(id);
    for (let rowId = 1; rowId <= locations.rowIdMax; rowId += 1) {
      const position = locations.get(rowId);
      if (position > 0 && position < oldest) oldest = position;
    }
    yield;
  }
  for (const position of operations.save().positions) oldest = Math.min(oldest, position);
  return Math.floor(oldest / target.sizeBytes);
}
