/**
 * Reads the durable snapshots of an open database from another thread or process, from memory that the two share, without asking it.
 *
 * 1. A read looks at row locations and indexes in one stay in the visible side (`SideReader`), copies out what it found, and leaves. It reads
 *    records from its own mappings of the log afterwards: their bytes never change. Only a term that is a range and filters reads rows in
 *    the stay.
 * 2. Schemas are read from the log. No row is looked at before every schema of its snapshot is known.
 * 3. A segment that was given up between the two is no answer: the read begins again with a newer snapshot.
 * 4. Nothing is stored to but the reader's slot.
 */
import { assert, type Clock } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Plan } from '../index/intersection.ts';
import { KEY_WORDS_MAX, type Term, type TermList } from '../index/term.ts';
import type { Directory, Io, MemoryPlace, MemorySharing, SharedMemoryView } from '../io/io.ts';
import { LogReader } from '../log/log-reader.ts';
import { NONE } from '../memory/none.ts';
import { CHUNK_SIZE_BYTES } from '../memory/page-store.ts';
import { AttachedSide } from '../snapshot/attached-side.ts';
import {
  CONTROL_NAME,
  CONTROL_SIZE_BYTES,
  FIRST_SEGMENT_WORD,
  MAGIC,
  MAGIC_WORD,
  NOTICES_WORD,
  SEGMENT_SIZE_WORD,
  SHARED_MEMORY_VERSION,
  SIDES_WORD,
  STATE_CLOSED,
  STATE_OPEN,
  STATE_WORD,
  VERSION_WORD,
} from '../snapshot/control-words.ts';
import { applySchema } from '../snapshot/replay.ts';
import type { ListedTable } from '../snapshot/side-root.ts';
import { SideReader } from '../snapshot/side-reader.ts';
import { Catalog } from '../table/catalog.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { forEachVersionFrom, lastVersion, type HistoryQuery } from './history.ts';
import { Reader, type QueryLimits } from './reader.ts';
import { SharedCursor } from './shared-cursor.ts';
import { recordMeets } from './state.ts';
import type { VisibleState } from './visible-state.ts';

/** Where the memory of an open database is: it can be sent to a thread, or as JSON to a process of this host. */
export interface SharedHandle {
  /** The database's directory. */
  readonly path: string;
  readonly control: MemoryPlace;
}

/** How often a read is begun again because segments were given up or schemas added meanwhile. */
const READ_ATTEMPTS_MAX = 16;
const READ_RETRY_MS = 5;
/** After which time a database that is being opened is worth looking at again, milliseconds. */
const OPENING_RETRY_MS = 50;

/** After how many reads the clock is looked at, and after which time whether the owner lives, milliseconds. */
const READS_BETWEEN_LOOKS = 16;
const ALIVE_LOOK_MS = 250;

/** What a stay ends with instead of a result when the list of tables is not the one that is known. */
interface NewTables {
  readonly list: readonly ListedTable[];
  readonly writes: number;
}

/** What a snapshot has. */
export interface SharedStats {
  /** Everything before this position is in it. */
  readonly lsn: number;
  /** Memory of row locations and indexes, of both sides, bytes. */
  readonly derivedBytes: number;
  readonly tables: readonly { readonly name: string; readonly liveRows: number; readonly rowIdMax: number }[];
}

export class SharedReader {
  /** The database's directory. */
  readonly path: string;
  /** Where records are read. `bytes` and `view` are good until the next call. */
  readonly log: LogReader;
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #control: SharedMemoryView;
  readonly #words: Int32Array;
  readonly #memories: readonly SharedMemoryView[];
  readonly #sides: SideReader<AttachedSide>;
  readonly #catalog = new Catalog();
  readonly #state: StayState;
  readonly #reader: Reader;
  #tables: NewTables = { list: [], writes: 0 };
  /** What the stay under way found instead of a result. */
  #newTables: NewTables | undefined;
  #stay: (side: AttachedSide) => unknown = () => undefined;
  #wantedTable = 0;
  #wantedRow = 0;
  #notices = -1;
  #readsToLook = 0;
  #lookedMs: number;
  #isClosed = false;

  /**
   * Attaches to the memory of an open database.
   *
   * @throws {KLaniError} Closed where its owner has closed it or is gone; Unsupported where memory is not shared; FormatUnsupported where the
   *   owner is of another version; Io where the memory or the log may not be read
   */
  static attach(handle: SharedHandle, parts: { readonly io: Io; readonly clock: Clock }): SharedReader {
    const directory = parts.io.openDirectory(handle.path, { create: false });
    try {
      return new SharedReader(handle, directory, parts.clock);
    } catch (error) {
      directory.close();
      if (error instanceof KLaniError && error.code === 'NotFound') throw gone(handle.path);
      throw error;
    }
  }

  private constructor({ path, control }: SharedHandle, directory: Directory, clock: Clock) {
    const sharing = expectSharing(directory);
    this.path = path;
    this.#directory = directory;
    this.#clock = clock;
    this.#lookedMs = clock.monotonicMs();
    this.#control = sharing.open(control, { chunkSizeBytes: CONTROL_SIZE_BYTES, access: 'write' });
    const memories = [this.#control];
    this.#memories = memories;
    try {
      this.#words = controlWords(this.#control, path);
      const sides = [0, 1].map((side) => {
        const descriptor = Atomics.load(this.#words, SIDES_WORD + side);
        const memory = sharing.open({ ...control, descriptor }, { chunkSizeBytes: CHUNK_SIZE_BYTES, access: 'read' });
        memories.push(memory);
        return new AttachedSide(memory);
      });
      const [left, right] = sides;
      assert(left !== undefined && right !== undefined, 'There are two sides');
      this.#sides = new SideReader(this.#words, [left, right]);
      this.log = new LogReader(directory, Atomics.load(this.#words, SEGMENT_SIZE_WORD));
      this.#state = new StayState(this.log, left);
      this.#reader = new Reader(this.#state);
      this.#read(() => undefined);
    } catch (error) {
      for (const memory of memories) memory.close();
      throw error;
    }
  }

  /** Everything before this position is in the newest snapshot. @throws {KLaniError} Closed, Overloaded */
  get lsn(): number {
    return this.#read((side) => side.end);
  }

  /** The tables of the newest snapshot, by rising id. @throws {KLaniError} Closed, Overloaded */
  tables(): readonly StoredTable[] {
    this.#read(() => undefined);
    return this.#catalog.tables;
  }

  /** The table of this name in the newest snapshot. @throws {KLaniError} UnknownTable, Closed, Overloaded */
  table(name: string): StoredTable {
    this.#read(() => undefined);
    return this.#catalog.get(name);
  }

  /** The newest snapshot's lsn, memory, and counts of tables. @throws {KLaniError} Closed, Overloaded */
  stats(): SharedStats {
    return this.#read((side) => ({
      lsn: side.end,
      derivedBytes: 2 * side.sizeBytes,
      tables: this.#catalog.tables.map(({ id, name }) => {
        const { liveCount, rowIdMax } = side.find(id)?.locations ?? { liveCount: 0, rowIdMax: 0 };
        return { name, liveRows: liveCount, rowIdMax };
      }),
    }));
  }

  /**
   * Makes the last durable version of a row readable.
   *
   * @returns the index of its record in `log.bytes`, good until the next call; {@link NONE} when there is no such row
   * @throws {KLaniError} ChecksumMismatch, Closed, Overloaded
   */
  seek(table: StoredTable, rowId: number): number {
    this.#wantedTable = table.id;
    this.#wantedRow = rowId;
    for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt += 1) {
      try {
        const position = this.#read(this.#locateWanted);
        return position > 0 ? this.log.record(position) : NONE;
      } catch (error) {
        if (!isTruncated(error)) throw error;
      }
    }
    throw overloaded('segments of the log were given up');
  }

  /**
   * The ids of the rows that meet all terms. Good until the next query.
   *
   * @throws {KLaniError} ResultSetEstimateExceeded, FieldNotIndexed, ChecksumMismatch, Closed, Overloaded
   */
  query(table: StoredTable, terms: TermList, limits: QueryLimits): Uint32Array {
    const found = this.#readThenLog(() => this.#reader.query(table, terms, limits), same);
    this.#state.visible.find(table.id)?.confirm();
    return found;
  }

  /** How many rows meet all terms. @throws {KLaniError} FieldNotIndexed, ChecksumMismatch, Closed, Overloaded */
  count(table: StoredTable, terms: TermList): number {
    return this.#readThenLog(() => this.#reader.count(table, terms), same);
  }

  /** How a query would be carried out. @throws {KLaniError} FieldNotIndexed, Closed, Overloaded */
  explain(table: StoredTable, terms: TermList): Plan {
    return this.#read(() => this.#reader.explain(table, terms));
  }

  /**
   * Calls `visit` with the index in `log.bytes` of each durable version's record, newest first. The record is readable during the call.
   *
   * @throws {KLaniError} Truncated, after the versions that are kept, when more are asked for and were given up; ChecksumMismatch, Closed,
   *   Overloaded
   */
  forEachVersion(table: StoredTable, query: HistoryQuery, visit: (at: number) => void): void {
    let visited = 0;
    const count = (at: number): void => {
      visited += 1;
      visit(at);
    };
    for (let lookedAt = 0; ;) {
      const last = this.#read(() => lastVersion(this.#state, table, query.rowId));
      try {
        forEachVersionFrom(this.log, table, { ...query, ...last }, count);
        return;
      } catch (error) {
        // Where its last record was moved meanwhile, nothing is lost; where it was not, it is a tombstone that was given up.
        if (visited > 0 || last.position === lookedAt || !isTruncated(error)) throw error;
        lookedAt = last.position;
      }
    }
  }

  /**
   * The ids of the rows that meet all terms, and the lsn of the snapshot in which they do.
   *
   * @throws {KLaniError} as `query`
   */
  queryAt(table: StoredTable, terms: TermList, limits: QueryLimits): { readonly lsn: number; readonly rowIds: Uint32Array } {
    return this.#readThenLog(
      (side) => ({ lsn: side.end, rowIds: this.#reader.query(table, terms, limits) }),
      ({ lsn, rowIds }) => ({ lsn, rowIds: rowIds.slice() }),
    );
  }

  /** A cursor over every row of the newest snapshot. @throws {KLaniError} Closed, Overloaded */
  scan(table: StoredTable): SharedCursor {
    return SharedCursor.scan(this, table);
  }

  /** A cursor over the rows that meet all terms in the newest snapshot. @throws {KLaniError} as `query`, of all rows */
  stream(table: StoredTable, terms: TermList): SharedCursor {
    return SharedCursor.stream(this, table, terms);
  }

  /** The lsn of the newest snapshot, and the highest row id of a table in it. @throws {KLaniError} Closed, Overloaded */
  extent(table: StoredTable): { readonly lsn: number; readonly rowIdMax: number } {
    return this.#read((side) => ({ lsn: side.end, rowIdMax: side.find(table.id)?.locations.rowIdMax ?? 0 }));
  }

  /**
   * Where the last versions of rows are in the newest snapshot: negative for a tombstone, 0 for none.
   *
   * @param positions takes them, in the order of `rowIds`
   * @throws {KLaniError} Closed, Overloaded
   */
  locate(table: StoredTable, rowIds: Uint32Array, positions: Float64Array): void {
    this.#read((side) => {
      const locations = side.find(table.id)?.locations;
      for (let place = 0; place < rowIds.length; place += 1) positions[place] = locations?.get(rowIds[place] as number) ?? 0;
    });
  }

  /** Whether it was closed, or found that its owner had closed the database or was gone. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Gives the memory and the mappings of the log back. Closing again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.log.close();
    for (const memory of this.#memories) memory.close();
    this.#directory.close();
  }

  /** Looks whether the owner is still there, and closes this if it is not. */
  lookForOwner(): boolean {
    if (this.#isClosed) return false;
    this.#lookedMs = this.#clock.monotonicMs();
    const isThere = Atomics.load(this.#words, STATE_WORD) === STATE_OPEN && this.#control.isOwned();
    if (!isThere) this.close();
    return isThere;
  }

  /** A stay, and what follows from it in the log. */
  #readThenLog<Found, Result>(stay: (side: AttachedSide) => Found, log: (found: Found) => Result): Result {
    for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt += 1) {
      try {
        return log(this.#read(stay));
      } catch (error) {
        if (!isTruncated(error)) throw error;
      }
    }
    throw overloaded('segments of the log were given up');
  }

  /** Calls `stay` with the visible side, once every table of its snapshot is known. */
  #read<Result>(stay: (side: AttachedSide) => Result): Result {
    this.#expectOwner();
    for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt += 1) {
      this.#stay = stay;
      this.#newTables = undefined;
      const result = this.#sides.read(this.#enter);
      if (this.#newTables === undefined) return result as Result;
      this.#learn(this.#newTables);
    }
    throw overloaded('tables were changed');
  }

  /** What every stay does first. These are made once: a closure a read would be garbage. */
  readonly #enter = (side: AttachedSide): unknown => {
    side.enter();
    const { list, writes } = this.#tables;
    if (side.writes !== writes) {
      this.#newTables = { list: side.readTables(), writes: side.writes };
      return undefined;
    }
    this.#newTables = undefined;
    side.attachTables(list, writes);
    this.#state.visible = side;
    return this.#stay(side);
  };

  readonly #locateWanted = (side: AttachedSide): number => side.find(this.#wantedTable)?.locations.get(this.#wantedRow) ?? 0;

  /** Reads the schemas that are new. */
  #learn(tables: NewTables): void {
    for (const [place, { schemaPositions }] of tables.list.entries()) {
      const known = this.#catalog.tables[place]?.schemaPositions.size ?? 0;
      try {
        for (const position of schemaPositions.slice(known)) applySchema(this.log, this.#catalog, { position, tableId: place + 1 });
      } catch (error) {
        // Moved meanwhile: the next list says where to.
        if (isTruncated(error)) return;
        throw error;
      }
    }
    this.#tables = tables;
  }

  #expectOwner(): void {
    if (this.#isClosed) throw gone(this.path);
    this.#readsToLook -= 1;
    if (this.#readsToLook < 0 && !this.#looksAlive()) throw gone(this.path);
    const notices = Atomics.load(this.#words, NOTICES_WORD);
    if (notices !== this.#notices) this.#takeNotice(notices);
  }

  #takeNotice(notices: number): void {
    if (Atomics.load(this.#words, STATE_WORD) !== STATE_OPEN) {
      this.close();
      throw gone(this.path);
    }
    this.#notices = notices;
    this.log.beginAt(Atomics.load(this.#words, FIRST_SEGMENT_WORD));
  }

  #looksAlive(): boolean {
    this.#readsToLook = READS_BETWEEN_LOOKS;
    return this.#clock.monotonicMs() - this.#lookedMs < ALIVE_LOOK_MS || this.lookForOwner();
  }
}

/** What `Reader` reads in a stay. */
class StayState implements VisibleState {
  readonly log: LogReader;
  visible: AttachedSide;
  readonly #key = new Uint32Array(KEY_WORDS_MAX);

  constructor(log: LogReader, visible: AttachedSide) {
    this.log = log;
    this.visible = visible;
  }

  visiblePosition(tableId: number, rowId: number): number {
    return this.visible.find(tableId)?.locations.get(rowId) ?? 0;
  }

  locateRecord(position: number): number {
    return this.log.record(position);
  }

  recordMeets(table: StoredTable, position: number, term: Term): boolean {
    return recordMeets(this.log, this.log.record(position), { table, term, key: this.#key });
  }
}

/**
 * The memory of the database in a directory that another process, or this one, has open.
 *
 * @throws {KLaniError} NotFound where no process has it open; Overloaded where one is about to; Io where it is another user's; Unsupported
 */
export function findShared(directory: Directory): SharedHandle {
  const { path } = directory;
  const sharing = expectSharing(directory);
  for (const control of sharing.find(CONTROL_NAME)) {
    const memory = sharing.open(control, { chunkSizeBytes: CONTROL_SIZE_BYTES, access: 'read' });
    try {
      const chunk = memory.chunk(0);
      const state = chunk === undefined ? 0 : Atomics.load(new Int32Array(chunk), STATE_WORD);
      if (state === STATE_OPEN) return { path, control };
      if (state !== STATE_CLOSED)
        throw new KLaniError('Overloaded', `Cannot read ${path}: it is being opened`, { retryAfterMs: OPENING_RETRY_MS });
    } finally {
      memory.close();
    }
  }
  throw new KLaniError(
    'NotFound',
    `Cannot find a running server of ${path}: the process that has it open does not write, or shares no memory`,
  );
}

/** The words of the control memory. */
function controlWords(memory: SharedMemoryView, path: string): Int32Array {
  const chunk = memory.chunk(0);
  if (chunk === undefined) throw gone(path);
  const words = new Int32Array(chunk);
  const isOurs = MAGIC.every((word, place) => Atomics.load(words, MAGIC_WORD + place) === word);
  const version = Atomics.load(words, VERSION_WORD);
  if (!isOurs || version !== SHARED_MEMORY_VERSION) {
    const found = isOurs ? `version is ${version}` : 'it is not that of a database';
    throw new KLaniError('FormatUnsupported', `Cannot read the memory of ${path}: ${found}, must be ${SHARED_MEMORY_VERSION}`);
  }
  if (Atomics.load(words, STATE_WORD) !== STATE_OPEN) throw gone(path);
  return words;
}

function expectSharing({ path, sharing }: Directory): MemorySharing {
  if (sharing !== undefined) return sharing;
  throw new KLaniError('Unsupported', `Cannot read ${path} beside its owner: memory is shared on Linux alone`);
}

function gone(path: string): KLaniError {
  return new KLaniError(
    'Closed',
    `Cannot read ${path}: the process that had it open has closed it or is gone; open a new reader when it runs again`,
  );
}

function overloaded(reason: string): KLaniError {
  return new KLaniError('Overloaded', `Cannot read: ${reason} ${READ_ATTEMPTS_MAX} times before the read was done`, {
    retryAfterMs: READ_RETRY_MS,
  });
}

function isTruncated(error: unknown): boolean {
  return error instanceof KLaniError && error.code === 'Truncated';
}

function same<Found>(found: Found): Found {
  return found;
}
