/**
 * A database: one directory, one writing process. Everything here is synchronous but opening, closing and becoming durable: a command
 * carries itself out against the state and says which position its answer depends on; `whenDurable` tells when that may be given.
 *
 * The layers below: `log` stores, `snapshot` holds what is derived from it, `lock` knows who may write; `writer`, `claimer` and `reader`
 * are the commands.
 */
import type { Clock, Random, Scheduler } from '@k-lani/base';
import { KLaniError, type TableSchema } from '@k-lani/protocol';
import type { FoundCheckpoint } from '../checkpoint/checkpoint-files.ts';
import { CHECKPOINT_BYTES, type CheckpointStats, type Checkpoints } from '../checkpoint/checkpoints.ts';
import { restoreDerived } from '../checkpoint/restore.ts';
import type { CheckpointRunner } from '../checkpoint/runner.ts';
import type { Directory, Io } from '../io/io.ts';
import { LOCK_LEASE_MS_MAX, LockTable, type Lock, type LockOwner } from '../lock/lock-table.ts';
import { SegmentArchive } from '../log/archive.ts';
import type { Durability } from '../log/group-commit.ts';
import { Log } from '../log/log.ts';
import type { WhenDurable } from '../log/open-batch.ts';
import { lockToRead } from '../log/reading-lock.ts';
import { Mark, NO_OPERATION, RecordKind, RecordOffset, newDraft, recordSize, type Operation } from '../log/record.ts';
import type { RecoveryProgress } from '../log/recovery.ts';
import { SEGMENT_SIZE_BYTES } from '../log/segment.ts';
import { LeftRight } from '../snapshot/left-right.ts';
import { OPERATION_WINDOW, OPERATION_WINDOW_MAX, OperationWindow, operationMatch } from '../snapshot/operation-window.ts';
import { Replay } from '../snapshot/replay.ts';
import { Catalog } from '../table/catalog.ts';
import type { TableSide } from '../snapshot/table-side.ts';
import type { IndexDeclaration, StoredTable } from '../table/stored-table.ts';
import { Claimer, type ClaimLine, type Claimed } from './claimer.ts';
import { Compactor, checkHistory, type CompactionStats, type HistoryPolicy } from './compactor.ts';
import { CURSOR_IDLE_MS_MAX } from './cursor.ts';
import { checkCheckpointBytes, openCheckpoint, openCheckpoints, passOver } from './open-checkpoints.ts';
import { LatestReader } from './latest-reader.ts';
import { alterTable, createTable } from './schema-change.ts';
import type { SharedHandle } from './shared-reader.ts';
import { State } from './state.ts';
import { Writer } from './writer.ts';

export interface DatabaseOptions {
  readonly io: Io;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly durability: Durability;
  /** Whether the database is only read: its directory is not written, and no marks are. */
  readonly readOnly: boolean;
  /** For a new database: a power of two. */
  readonly segmentSizeBytes: number;
  /** How many operations are remembered. */
  readonly operationWindow: number;
  /** How many bytes of log lie at least between two checkpoints; 0 for no checkpoints. */
  readonly checkpointBytes: number;
  /** Who builds them; in turns of this thread unless given. */
  readonly checkpointRunner: CheckpointRunner | undefined;
  readonly lockLeaseMsMax: number;
  readonly cursorIdleMsMax: number;
  /** What is kept of the versions of a row. */
  readonly history: HistoryPolicy;
  /** Directory that takes the segments that are given up; they are removed where there is none. */
  readonly archive: string | undefined;
  readonly progress: RecoveryProgress | undefined;
}

/** The defaults of {@link DatabaseOptions}, but for what adapts the outside. */
export const DATABASE_DEFAULTS = {
  durability: 'fsync',
  readOnly: false,
  segmentSizeBytes: SEGMENT_SIZE_BYTES,
  operationWindow: OPERATION_WINDOW,
  checkpointBytes: CHECKPOINT_BYTES,
  checkpointRunner: undefined,
  lockLeaseMsMax: LOCK_LEASE_MS_MAX,
  cursorIdleMsMax: CURSOR_IDLE_MS_MAX,
  history: 'all',
  archive: undefined,
  progress: undefined,
} as const satisfies Partial<DatabaseOptions>;

/** What a table has, and the memory of one of its two sides: the other takes as much. */
interface TableStats {
  readonly name: string;
  readonly liveRows: number;
  readonly rowIdMax: number;
  /** Pages of the row locations, bytes. */
  readonly locationsBytes: number;
  /** What is remembered of combinations of terms that were asked for, bytes. */
  readonly rememberedBytes: number;
  /** Pages of each index, bytes. */
  readonly indexes: readonly { readonly field: string; readonly kind: IndexDeclaration['kind']; readonly sizeBytes: number }[];
}

export interface DatabaseStats {
  readonly path: string;
  readonly durability: Durability;
  readonly epoch: number;
  readonly durable: number;
  readonly appended: number;
  readonly pendingBytes: number;
  readonly syncs: number;
  readonly locks: number;
  readonly operations: number;
  /** Memory of row locations, indexes and the operation window, bytes. */
  readonly derivedBytes: number;
  readonly tables: readonly TableStats[];
  readonly compaction: CompactionStats;
  /** How often a claim passed over a row whose record is damaged: other than 0 asks for `k-lani verify`. */
  readonly damagedRecords: number;
  readonly checkpoint: CheckpointStats;
  /** Why the writer has failed for good. */
  readonly failure: string | undefined;
}

export class Database {
  readonly path: string;
  readonly state: State;
  readonly reader: LatestReader;
  readonly durability: Durability;
  readonly cursorIdleMsMax: number;
  /** The newest checkpoint, and the building of the next. */
  readonly checkpoints: Checkpoints;
  readonly #directory: Directory;
  readonly #readOnly: boolean;
  readonly #writer: Writer;
  readonly #claimer: Claimer;
  readonly #compactor: Compactor;
  readonly #archive: SegmentArchive | undefined;
  readonly #failureListeners: ((error: KLaniError) => void)[];
  #closed: Promise<void> | undefined;

  /**
   * Opens the database in a directory, or makes one there: takes the directory's lock, checks the log, rebuilds what is derived from it.
   *
   * @throws {KLaniError} DirectoryLocked, Damaged, FormatUnsupported, DiskFull, ReadOnly, InvalidArgument, Io
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    if (!(Number.isInteger(options.operationWindow) && options.operationWindow >= 1 && options.operationWindow <= OPERATION_WINDOW_MAX)) {
      throw new KLaniError(
        'InvalidArgument',
        `Cannot open the database: operationWindow is ${options.operationWindow}, must be 1 to ${OPERATION_WINDOW_MAX}`,
      );
    }
    checkHistory(options.history);
    checkCheckpointBytes(options.checkpointBytes);
    const directory = options.io.openDirectory(path, { create: !options.readOnly });
    try {
      if (options.readOnly) lockToRead(directory);
      else directory.acquireLock();
      return await Database.#openLocked(directory, options);
    } catch (error) {
      directory.close();
      throw error;
    }
  }

  static async #openLocked(directory: Directory, options: DatabaseOptions): Promise<Database> {
    const database = await Database.#restored(directory, options, openCheckpoint(directory, options));
    if (options.readOnly) return database;
    try {
      await database.mark(Mark.opened);
      database.#compactor.start();
      database.checkpoints.begin();
      return database;
    } catch (error) {
      database.#release();
      throw error;
    }
  }

  /** The database as its log tells it: from a checkpoint on or, where that one cannot be restored, all of it. */
  static async #restored(directory: Directory, options: DatabaseOptions, found: FoundCheckpoint): Promise<Database> {
    const failureListeners: ((error: KLaniError) => void)[] = [];
    let database: Database | undefined;
    const log = await Log.open({
      ...options,
      directory,
      start: found.checkpoint?.start,
      onDurable: (batch) => database?.publish(batch.position, batch.end),
      onFailed: (error) => failureListeners.forEach((listener) => listener(error)),
    });
    try {
      database = new Database({ directory, log, options, failureListeners, found });
      database.#rebuild(found);
      return database;
    } catch (error) {
      const { checkpoint } = found;
      if (database === undefined) {
        log.close();
        throw error;
      }
      database.#release();
      if (checkpoint === undefined) throw damageOf(error);
      // Whatever it is, if it is the log's fault it is found again.
      const fromLog = await Database.#restored(directory, options, passOver(found, error));
      if (!options.readOnly) directory.remove(checkpoint.name);
      return fromLog;
    }
  }

  private constructor(parts: {
    directory: Directory;
    log: Log;
    options: DatabaseOptions;
    failureListeners: ((error: KLaniError) => void)[];
    found: FoundCheckpoint;
  }) {
    const { directory, log, options } = parts;
    const catalog = new Catalog();
    this.#directory = directory;
    this.#failureListeners = parts.failureListeners;
    this.path = directory.path;
    this.durability = options.durability;
    this.#readOnly = options.readOnly;
    this.cursorIdleMsMax = options.cursorIdleMsMax;
    this.state = new State({
      log,
      catalog,
      snapshots: new LeftRight({ ...options, log, catalog, sharing: options.readOnly ? undefined : directory.sharing }),
      locks: new LockTable({ clock: options.clock, epoch: log.epoch, leaseMsMax: options.lockLeaseMsMax }),
      operations: new OperationWindow(options.operationWindow, operationMatch(log, log.checkedFrom)),
      clock: options.clock,
    });
    this.reader = new LatestReader(this.state);
    this.#writer = new Writer(this.state);
    this.#claimer = new Claimer(this.state);
    this.#archive = archiveOf(directory, options);
    this.#compactor = new Compactor(this.state, {
      ...options,
      history: options.readOnly ? 'all' : options.history,
      archive: this.#archive,
      mustSync: options.durability === 'os',
    });
    this.checkpoints = openCheckpoints(parts);
  }

  /** Calls `listener` once, when the writer fails for good. */
  onFailed(listener: (error: KLaniError) => void): void {
    this.#failureListeners.push(listener);
  }

  /** Calls `done` when the record at `position` is durable and visible; at once when it is, or for position 0. */
  whenDurable(position: number, done: WhenDurable): void {
    if (position === 0) done(undefined);
    else this.state.log.whenDurable(position, done);
  }

  /** Whether an answer that depends on `position` may leave now. */
  isDurable(position: number): boolean {
    return position < this.state.log.durable;
  }

  /** A position that every change appended so far lies before or at: what a refusal may have seen. */
  get lastAppended(): number {
    return this.state.log.appended - 1;
  }

  /** Why the writer has failed for good, if it has. */
  get failure(): KLaniError | undefined {
    return this.state.log.failure;
  }

  get writer(): Writer {
    return this.#writer;
  }

  claim(operation: Operation, lines: readonly ClaimLine[]): Claimed {
    return this.#claimer.claim(operation, lines);
  }

  createTable(operation: Operation, schema: TableSchema): StoredTable {
    return createTable(this.state, operation, schema);
  }

  alterTable(operation: Operation, table: StoredTable, schema: TableSchema): StoredTable {
    return alterTable(this.state, operation, table, schema);
  }

  /**
   * Locks a row that exists in its latest state; `undefined` when it is locked.
   *
   * @throws {KLaniError} NotFound, InvalidArgument, LimitReached
   */
  tryLock(owner: LockOwner, row: { table: StoredTable; rowId: number }, leaseMs: number): Lock | undefined {
    const { table, rowId } = row;
    this.state.expectWritable(table);
    if (this.state.latestPosition(table.id, rowId) <= 0) {
      throw new KLaniError('NotFound', `Cannot lock row ${rowId} of table "${table.name}": there is none, or it is deleted`);
    }
    return this.state.locks.tryAcquire(owner, { tableId: table.id, rowId }, leaseMs);
  }

  /** Applies a durable batch and makes it visible. */
  publish(position: number, end: number): void {
    const { log, snapshots } = this.state;
    const start = log.firstRecord(position);
    this.checkpoints.durable(position, end);
    snapshots.publish(start, end);
    log.forEachRecord(start, end, (record) => {
      const at = log.locate(record, RecordOffset.body);
      const tableId = log.view.getUint16(at + RecordOffset.tableId, true);
      const rowId = log.view.getUint32(at + RecordOffset.rowId, true);
      if (rowId !== 0) this.state.overlay(tableId).settle(rowId, record);
    });
    this.#compactor.published(position);
  }

  /** Waits until everything appended is durable, and asks for a checkpoint of what is sealed. Returns the position of a mark behind it. */
  async checkpoint(): Promise<number> {
    const position = await this.mark(Mark.checkpoint);
    this.checkpoints.request();
    return position;
  }

  /** Writes a mark, and waits until it and everything before it is durable. Returns its position. */
  mark(mark: number): Promise<number> {
    const { log } = this.state;
    log.reserve(recordSize(0, 0));
    log.begin({ ...newDraft(RecordKind.mark), version: mark }, NO_OPERATION, 0);
    const position = log.finish();
    return new Promise((resolve, reject) => {
      this.whenDurable(position, (error) => (error === undefined ? resolve(position) : reject(error)));
    });
  }

  /**
   * Gives up every segment that was sealed by now and that the history policy does not want; what is still in force is moved.
   *
   * @throws {KLaniError} as `Compactor.compact`
   */
  compact(): Promise<CompactionStats> {
    return this.#compactor.compact();
  }

  stats(): DatabaseStats {
    const { log, catalog, snapshots, locks, operations } = this.state;
    return {
      path: this.path,
      durability: this.durability,
      epoch: log.epoch,
      durable: log.durable,
      appended: log.appended,
      pendingBytes: log.pendingBytes,
      syncs: log.syncCount,
      locks: locks.count,
      operations: operations.size,
      derivedBytes: snapshots.sizeBytes + operations.sizeBytes,
      tables: catalog.tables.map((table) => tableStats(table, snapshots.visible.find(table.id))),
      compaction: this.#compactor.stats(),
      damagedRecords: this.state.damagedRecords,
      checkpoint: this.checkpoints.stats(),
      failure: log.failure?.message,
    };
  }

  /**
   * Where other threads of this process, and other processes of this host, find what they need to read the database by themselves. Good until
   * it is closed.
   *
   * @throws {KLaniError} Unsupported where memory is not shared: on other platforms than Linux, and where nothing may be written
   */
  share(): SharedHandle {
    const { place } = this.state.snapshots;
    if (place !== undefined) return { path: this.path, control: place };
    throw new KLaniError(
      'Unsupported',
      `Cannot share ${this.path}: memory is shared on Linux alone, by a database that is open for writing`,
    );
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Waits for everything appended, writes the mark of a clean end, and releases the directory. Closing again gives the same promise. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    const { log } = this.state;
    try {
      // Compaction may wait for room that is not there, which draining gives up.
      const stopped = this.#compactor.stop();
      await log.drain();
      await stopped;
      await this.checkpoints.close();
      if (log.failure === undefined && !this.#readOnly) await this.mark(Mark.closed);
    } catch (error) {
      // Without its mark the end is as after a kill, which loses nothing.
      if (!(error instanceof KLaniError)) throw error;
    } finally {
      await log.drain();
      this.#release();
      this.#directory.close();
    }
  }

  /** Gives everything back but the directory. */
  #release(): void {
    const { log, snapshots } = this.state;
    snapshots.close();
    log.close();
    this.#archive?.close();
  }

  /** Builds everything that follows from the log: all of it, or what lies behind a checkpoint. */
  #rebuild({ checkpoint }: FoundCheckpoint): void {
    const { log, catalog, operations, snapshots } = this.state;
    snapshots.rebuild((side) => {
      const derived = { catalog, side, operations };
      if (checkpoint !== undefined) restoreDerived(derived, checkpoint, log);
      const replay = new Replay(log, derived, log.checkedFrom);
      log.replay((position) => replay.record(position));
    });
  }
}

function tableStats({ name, schema, indexes: declared }: StoredTable, side: TableSide | undefined): TableStats {
  if (side === undefined) return { name, liveRows: 0, rowIdMax: 0, locationsBytes: 0, rememberedBytes: 0, indexes: [] };
  const { liveCount, rowIdMax } = side.locations;
  const { locationsBytes, rememberedBytes, indexes } = side.memory;
  return {
    name,
    liveRows: liveCount,
    rowIdMax,
    locationsBytes,
    rememberedBytes,
    indexes: indexes.map(({ fieldIndex, sizeBytes }) => ({
      field: schema.fields[fieldIndex]?.name ?? '',
      kind: declared.find((index) => index.fieldIndex === fieldIndex)?.kind ?? 'non_unique',
      sizeBytes,
    })),
  };
}

/** A record that was not read before, and that opening needs, is damaged: no less than one that recovery reads. */
function damageOf(error: unknown): unknown {
  if (!(error instanceof KLaniError) || error.code !== 'ChecksumMismatch') return error;
  return new KLaniError('Damaged', `Cannot open the database: ${error.message}`, { cause: error });
}

function archiveOf(directory: Directory, { io, archive, readOnly, scheduler }: DatabaseOptions): SegmentArchive | undefined {
  if (archive === undefined || readOnly) return undefined;
  return new SegmentArchive(directory, io.openDirectory(archive, { create: true }), scheduler);
}
