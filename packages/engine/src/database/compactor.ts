/**
 * Compaction: gives up the oldest segments once the policy no longer wants their history, in the background, a slice of the writer's thread at
 * a time. What is still in force in a segment is moved: appended again through the ordinary group commit.
 *
 * One segment goes through these states; a crash in any of them leaves a whole log, and a later run begins again with the same segment:
 *
 * | state | what holds |
 * | --- | --- |
 * | evacuated | each record of it that is in force has a moved copy behind it, durable and visible; so has the highest row id of each table |
 * | archived | if there is an archive, it has the segment, synced |
 * | unneeded | no operation in the window and no open cursor reaches into it |
 * | given up | the manifest in force names the next segment: the log begins there, and history before it is `Truncated` |
 * | removed | its file is unlinked, whole |
 *
 * 1. In force are the latest version of a row that is not deleted, and every version of a schema. A tombstone is not: a deleted row is as good
 *    as one that never was, but for its id, which stays given.
 * 2. A record is moved only while it is the latest of its row, which the overlay then knows of, so that whoever changes the row next supersedes
 *    the moved one.
 * 3. Every record of the segment matches its checksum, or the segment is kept.
 */
import { assert, type Clock, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Done } from '../io/io.ts';
import type { SegmentArchive } from '../log/archive.ts';
import { BATCH_HEADER_SIZE, decodeBatchHeader, type BatchHeader } from '../log/batch.ts';
import type { Manifest } from '../log/manifest.ts';
import { NO_OPERATION, RecordKind, RecordOffset, newDraft, readU64, recordSize } from '../log/record.ts';
import { SEGMENT_HEADER_SIZE, segmentName, type SegmentHeader } from '../log/segment.ts';
import type { State } from './state.ts';

/** What is kept of the versions of a row: all of them; those of the last days, at least; or the latest, at least. */
export type HistoryPolicy = 'all' | 'latest' | { readonly days: number };

/** Most days of a history policy: a century. */
export const HISTORY_DAYS_MAX = 36_500;

/** What a slice of the writer's thread looks at and moves at most: records, and bytes. */
const SLICE_RECORDS_MAX = 128;
const SLICE_BYTES_MAX = 64 * 1024;

/** How long the thread is left to others between two slices, milliseconds; for a turn only, where somebody waits for the end. */
const SLICE_PAUSE_MS = 1;

/** How often it is looked whether there is something to do, or a cursor has ended, milliseconds. */
const LOOK_MS = 60_000;
const CURSOR_LOOK_MS = 1000;

/** In the background the log is compacted when at least this share of it is not in force, so that no byte is moved for less than one. */
const GARBAGE_SHARE_MIN = 0.5;

const DAY_MS = 86_400_000;

export interface CompactionStats {
  /** The segment that begins the log. */
  readonly firstSegment: number;
  /** Bytes of the records of rows that are not deleted. */
  readonly liveBytes: number;
  /** Bytes of segments given up since the database was opened. */
  readonly reclaimedBytes: number;
  /** When a segment was last given up since then. */
  readonly lastRun: string | undefined;
  /** Why the last run ended early, if it did. */
  readonly lastFailure: string | undefined;
}

export interface CompactorOptions {
  readonly history: HistoryPolicy;
  /** Where segments are kept that are given up. */
  readonly archive: SegmentArchive | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Whether a record that is durable to its readers may not be on stable storage. */
  readonly mustSync: boolean;
}

/** A segment that may be given up, and the header of the one that then begins the log. */
interface Candidate {
  readonly index: number;
  readonly next: SegmentHeader;
}

/** What was found in a segment that is evacuated. */
interface Evacuated {
  readonly batchCount: number;
  readonly last: BatchHeader | undefined;
  /** Position up to which the log holds what was moved. */
  readonly reliedEnd: number;
}

export class Compactor {
  readonly #state: State;
  readonly #options: CompactorOptions;
  #run: Promise<void> | undefined;
  /** Ends a pause early. */
  #endPause: (() => void) | undefined;
  #isStopped = false;
  /** Whether somebody waits for the run under way. */
  #isAwaited = false;
  #lookedAtSegment = 0;
  #reclaimedBytes = 0;
  #lastRunMs: number | undefined;
  #lastFailure: KLaniError | undefined;

  constructor(state: State, options: CompactorOptions) {
    this.#state = state;
    this.#options = options;
  }

  /** Begins to look for work, now and from time to time. */
  start(): void {
    if (this.#options.history === 'all' || this.#isStopped) return;
    void this.#begin(Infinity, false);
    this.#options.scheduler.after(LOOK_MS, () => this.start());
  }

  /** Looks for work when a batch has begun another segment. */
  published(position: number): void {
    const segment = Math.floor(position / this.#state.log.segmentSizeBytes);
    if (segment === this.#lookedAtSegment) return;
    this.#lookedAtSegment = segment;
    if (this.#options.history !== 'all') void this.#begin(Infinity, false);
  }

  /**
   * Gives up every segment that was sealed by now and that the policy does not want, however much of it has to be moved.
   *
   * @throws {KLaniError} ChecksumMismatch, Damaged, DiskFull, Overloaded, Io, WriterFailed; what was given up before stays so
   */
  async compact(): Promise<CompactionStats> {
    const end = Math.floor(this.#state.log.durable / this.#state.log.segmentSizeBytes);
    while (this.#run !== undefined) await this.#run;
    if (this.#options.history !== 'all') {
      this.#isAwaited = true;
      await this.#begin(end, true);
    }
    if (this.#lastFailure !== undefined) throw this.#lastFailure;
    return this.stats();
  }

  /** Ends what is under way as soon as it can be left, and begins nothing more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endPause?.();
    await this.#run;
  }

  stats(): CompactionStats {
    const { log } = this.#state;
    return {
      firstSegment: log.firstSegment,
      liveBytes: this.#liveBytes(),
      reclaimedBytes: this.#reclaimedBytes,
      lastRun: this.#lastRunMs === undefined ? undefined : new Date(this.#lastRunMs).toISOString(),
      lastFailure: this.#lastFailure?.message,
    };
  }

  /** Begins a run unless one is under way; resolves with its end, and never rejects. */
  #begin(end: number, isAsked: boolean): Promise<void> {
    this.#run ??= this.#runToEnd(end, isAsked);
    return this.#run;
  }

  async #runToEnd(end: number, isAsked: boolean): Promise<void> {
    // The caller goes on first: nothing is appended while a batch is being published.
    await Promise.resolve();
    try {
      await this.#runUntil(end, isAsked);
    } catch (error) {
      if (!(error instanceof KLaniError)) this.#options.scheduler.defer(() => throwAgain(error));
      else this.#lastFailure = error;
    } finally {
      this.#run = undefined;
      this.#isAwaited = false;
    }
  }

  async #runUntil(end: number, isAsked: boolean): Promise<void> {
    for (;;) {
      const candidate = this.#candidate();
      if (candidate === undefined || candidate.index >= end || !(isAsked || this.#isWorthwhile())) break;
      await this.#giveUp(candidate);
      if (this.#isStopped) return;
    }
    this.#lastFailure = undefined;
  }

  /** The oldest segment, if it is sealed and neither the policy nor a remembered operation wants it. */
  #candidate(): Candidate | undefined {
    const { log, operations } = this.#state;
    const { history, clock } = this.#options;
    const oldest = log.begunBehind(log.firstSegment - 1);
    const next = oldest === undefined ? undefined : log.begunBehind(oldest.index);
    if (this.#isStopped || oldest === undefined || next === undefined || history === 'all') return undefined;
    // The next segment's first batch is not older than the last one of this segment.
    if (history !== 'latest' && next.timeMs >= clock.wallMs() - history.days * DAY_MS) return undefined;
    const operation = operations.oldest;
    if (operation !== 0 && operation < next.index * log.segmentSizeBytes) return undefined;
    return { index: oldest.index, next };
  }

  #isWorthwhile(): boolean {
    const { log } = this.#state;
    const logBytes = log.durable - log.firstSegment * log.segmentSizeBytes;
    return logBytes - this.#liveBytes() >= logBytes * GARBAGE_SHARE_MIN;
  }

  #liveBytes(): number {
    const { catalog, visible } = this.#state;
    return catalog.tables.reduce((sum, { id }) => sum + (visible.find(id)?.locations.liveBytes ?? 0), 0);
  }

  /** Takes one segment through all its states; leaves it in one of them when it is stopped. */
  async #giveUp({ index, next }: Candidate): Promise<void> {
    const { log, cursors, snapshots } = this.#state;
    const { archive, clock, mustSync } = this.#options;
    const evacuated = await this.#evacuate(index, next.previousEnd);
    if (evacuated === undefined) return;
    // What superseded its records may be anywhere behind it, and so may what an earlier attempt moved.
    if (mustSync) await ended((done) => log.syncFrom(next.index * log.segmentSizeBytes, done));
    const visibleFrom = log.durable;
    if (archive !== undefined) await archive.take(log.firstSegment, next.index, () => this.#isStopped);
    while (cursors.oldest < visibleFrom && !this.#isStopped) await this.#pause(CURSOR_LOOK_MS);
    if (this.#isStopped) return;
    const from = log.firstSegment;
    await ended((done) => log.beginAt(this.#manifest(next, evacuated), done));
    snapshots.level();
    snapshots.beginAt(log.firstSegment);
    log.closeGivenUp();
    await ended((done) => log.removeGivenUp(done));
    this.#reclaimedBytes += (next.index - from) * log.segmentSizeBytes;
    this.#lastRunMs = clock.wallMs();
  }

  /** Moves what is in force in a segment, and waits until that is durable; `undefined` when it was stopped before. */
  async #evacuate(index: number, end: number): Promise<Evacuated | undefined> {
    const { log } = this.#state;
    let position = index * log.segmentSizeBytes + SEGMENT_HEADER_SIZE;
    let batchEnd = position;
    let batchCount = 0;
    let last: BatchHeader | undefined;
    while (position < end) {
      let lastMoved = 0;
      for (let records = 0, bytes = 0; position < end && records < SLICE_RECORDS_MAX && bytes < SLICE_BYTES_MAX; records += 1) {
        if (position === batchEnd) {
          last = this.#batchAt(position);
          batchEnd += last.length;
          batchCount += 1;
          position += BATCH_HEADER_SIZE;
          continue;
        }
        const at = log.record(position);
        const length = log.view.getUint32(at, true);
        const moved = this.#moveIfInForce(position);
        if (moved !== 0) {
          bytes += length;
          lastMoved = moved;
        }
        position += length;
      }
      if (lastMoved !== 0) await ended((done) => log.whenDurable(lastMoved, done));
      await (this.#isAwaited ? this.#turn() : this.#pause(SLICE_PAUSE_MS));
      if (this.#isStopped) return undefined;
    }
    const lastTold = this.#tellRowIds();
    if (lastTold !== 0) await ended((done) => log.whenDurable(lastTold, done));
    return { batchCount, last, reliedEnd: log.durable };
  }

  #batchAt(position: number): BatchHeader {
    const { log } = this.#state;
    const at = log.locate(position, BATCH_HEADER_SIZE);
    const header = decodeBatchHeader(log, at, { position, salt: undefined });
    if (header !== undefined) return header;
    const index = Math.floor(position / log.segmentSizeBytes);
    const offset = position - index * log.segmentSizeBytes;
    throw new KLaniError('Damaged', `Cannot compact ${segmentName(index)}: damaged at offset ${offset}: a batch header is not whole`);
  }

  /** Moves the record at `position`, which was checked, if it is in force; returns where to, or 0. */
  #moveIfInForce(position: number): number {
    const { log, catalog } = this.#state;
    const at = log.locate(position, RecordOffset.body);
    const { view } = log;
    const kind = view.getUint8(at + RecordOffset.kind);
    if (kind !== RecordKind.append && kind !== RecordKind.replace && kind !== RecordKind.schema) return 0;
    const length = view.getUint32(at, true);
    const table = catalog.byId(view.getUint16(at + RecordOffset.tableId, true));
    const rowId = view.getUint32(at + RecordOffset.rowId, true);
    const version = view.getUint32(at + RecordOffset.version, true);
    const latest = kind === RecordKind.schema ? table.schemaPositions.get(version) : this.#state.latestPosition(table.id, rowId);
    if (latest !== position) return 0;
    log.reserve(length);
    const moved = log.move(position);
    if (kind === RecordKind.schema) table.schemaPositions.set(version, moved);
    else this.#state.overlay(table.id).set(rowId, moved);
    return moved;
  }

  /** Appends the highest row id of every table that has given one; returns the last position, 0 for none. */
  #tellRowIds(): number {
    const { log, catalog } = this.#state;
    let position = 0;
    for (const { id, rowIdNext } of catalog.tables) {
      if (rowIdNext === 1) continue;
      log.reserve(recordSize(0, 0));
      log.begin({ ...newDraft(RecordKind.rowIds), tableId: id, rowId: rowIdNext - 1 }, NO_OPERATION, 0);
      position = log.finish();
    }
    return position;
  }

  #manifest(next: SegmentHeader, { batchCount, last, reliedEnd }: Evacuated): Manifest {
    const { log, catalog } = this.#state;
    const begin = next.index * log.segmentSizeBytes;
    const before = log.manifest?.start;
    const schemas = catalog.tables.flatMap(({ schemaPositions }) =>
      [...schemaPositions.values()].filter((position) => {
        const at = log.record(position);
        return readU64(log.view, at + RecordOffset.lsn) < begin;
      }),
    );
    return {
      databaseId: log.databaseId,
      firstSegment: next.index,
      start: {
        end: next.previousEnd === 0 ? log.segmentSizeBytes : next.previousEnd,
        hash: next.previousHash,
        timeMs: last?.timeMs ?? before?.timeMs ?? 0,
        epoch: last?.epoch ?? before?.epoch ?? 0,
        batchCount: (before?.batchCount ?? 0) + batchCount,
      },
      schemas,
      reliedEnd,
      isArchive: false,
    };
  }

  /** Resolves when every event that is ready now has been handled. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.scheduler.defer(resolve));
  }

  /** Resolves after some time, or when the compactor is stopped. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) {
        resolve();
        return;
      }
      assert(this.#endPause === undefined, 'One run pauses at a time');
      const end = (): void => {
        this.#endPause = undefined;
        resolve();
      };
      this.#endPause = end;
      this.#options.scheduler.after(delayMs, () => {
        if (this.#endPause === end) end();
      });
    });
  }
}

/** @throws {KLaniError} InvalidArgument for what is no policy */
export function checkHistory(history: HistoryPolicy): void {
  if (history === 'all' || history === 'latest') return;
  const { days } = history;
  if (Number.isInteger(days) && days >= 1 && days <= HISTORY_DAYS_MAX) return;
  throw new KLaniError('InvalidArgument', `Cannot keep history for ${days} days: must be an integer from 1 to ${HISTORY_DAYS_MAX}`);
}

/** Resolves when `begin` has called back without an error. */
function ended(begin: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((error) => (error === undefined ? resolve() : reject(error)));
  });
}

function throwAgain(error: unknown): never {
  throw error;
}
