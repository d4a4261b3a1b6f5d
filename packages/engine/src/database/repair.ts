/**
 * Repair: brings what is intact in a damaged directory into a new one, as a database, and tells what is not.
 *
 * 1. The damaged directory is only read, and its lock is not taken: its server must have ended.
 * 2. Every intact record of a row whose schema is intact is taken, in order, as a moved one; so its lsn, version, time and author stay. The new
 *    log begins behind the old one, so that no position is given twice.
 * 3. Where versions are missing, history ends: `Truncated`. Where the latest is missing, the row is what its latest intact version says, and is
 *    listed as far as that can be known; the report says of how many bytes it cannot.
 * 4. No row id is given again: ids go on behind the highest that was found, plus as many as could have been given in what is lost. Of segments
 *    that may have been given up, what was moved out of them tells the highest row id of each table, unless that is lost too.
 * 5. If two rows then have one value in a unique field, because a version that gave it up is lost, the row written later has it, and the other
 *    row is not taken.
 * 6. Operation ids are forgotten: a request that comes again is carried out again.
 * 7. An interrupted repair leaves nothing that opens.
 */
import type { Clock, Random } from '@k-lani/base';
import { KLaniError, decodeSchema, type TableSchema } from '@k-lani/protocol';
import type { Directory, Io } from '../io/io.ts';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { NodeRandom } from '../io/node-random.ts';
import { KEY_WORDS_MAX } from '../index/term.ts';
import { newDatabaseId } from '../log/log.ts';
import { LogWriter } from '../log/log-writer.ts';
import { RECORD_HEADER_SIZE, RecordKind, RecordOffset, newDraft, readU64, sealMoved, writeU64, type RecordTarget } from '../log/record.ts';
import type { RecoveryProgress } from '../log/recovery.ts';
import { salvage, type SalvageVisitor, type Salvaged } from '../log/salvage.ts';
import { survey, type Damage, type Survey } from '../log/survey.ts';
import { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { RowLocations } from '../table/row-locations.ts';
import { StoredTable } from '../table/stored-table.ts';
import { isNullKey, uniqueKeyName } from './unique-check.ts';

/** Most entries of each list of a report; what is beyond is only counted. */
const REPAIR_LIST_MAX = 10_000;

/** A row whose latest version is lost, as far as that can be read. */
export interface LostLatest {
  readonly table: string;
  readonly rowId: number;
  /** The version that is lost. */
  readonly lost: number;
  /** The version that the row has now; 0 when nothing of it is left. */
  readonly kept: number;
}

export interface RepairedTable {
  readonly name: string;
  readonly liveRows: number;
  /** Versions of rows that were taken. */
  readonly versions: number;
  /** The highest row id that counts as given. */
  readonly rowIdMax: number;
}

export interface RepairReport {
  readonly from: string;
  readonly to: string;
  /** 32 hexadecimal digits: that of the damaged database, or a new one where nothing tells it any more. */
  readonly databaseId: string;
  readonly segments: number;
  readonly tables: readonly RepairedTable[];
  /** Bytes of the log that could not be taken, and where they are: at most 10,000 places of `damageCount`. */
  readonly lostBytes: number;
  readonly damageCount: number;
  readonly damage: readonly (Damage & { readonly table: string | undefined })[];
  /** Bytes of those of which nothing tells what rows they held: unless it is 0, any row may be older than it was, missing or back. */
  readonly unknownBytes: number;
  /**
   * How many segments are not there before the first that is, of which nothing tells whether they were given up or are lost, because the
   * manifest is not whole: unless it is 0, the same goes for any row.
   */
  readonly untoldSegments: number;
  /**
   * Rows whose latest version is lost, as far as the damaged bytes can be read: at most 10,000 of `lostLatestCount`. Those in `unknownBytes`
   * are not among them.
   */
  readonly lostLatestCount: number;
  readonly lostLatest: readonly LostLatest[];
  /** Rows that were not taken because a row written later has their value in a unique field: at most 10,000 of them. */
  readonly conflictCount: number;
  readonly conflicts: readonly { readonly table: string; readonly rowId: number; readonly keptRowId: number }[];
  /** Intact records that were not taken because the schema that tells what they mean is lost. */
  readonly withoutSchema: number;
}

export interface RepairOptions {
  /** The file system; the real one by default, as are clock and random source. */
  readonly io?: Io;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Told how far the reading has come. */
  readonly progress?: RecoveryProgress;
}

/** What is found of one table. */
interface FoundTable {
  /** In the new database. */
  readonly id: number;
  readonly stored: StoredTable;
  /** Versions of its schema that are intact. */
  readonly known: ReadonlySet<number>;
  /** Where the latest intact version of each row is in the damaged log. */
  readonly latest: RowLocations;
  /** Whether a record tells the highest row id, as whoever gives up segments leaves one. */
  isRowIdMaxTold: boolean;
  /** The version written last of each row, and where it is in the new log. */
  readonly versions: RowLocations;
  readonly written: RowLocations;
  readonly excluded: Set<number>;
  versionCount: number;
}

/** Records of tables by the id that they have in the damaged log. */
type FoundTables = Map<number, FoundTable>;

/**
 * Brings what is intact of the database in `from` into `to`, as a database that verifies and opens. Holds one segment in memory, and about 24
 * bytes for each row.
 *
 * ```ts
 * const { lostBytes, lostLatest } = repairDatabase('./damaged', './repaired');
 * ```
 *
 * @throws {KLaniError} InvalidArgument when `to` is not empty; NotFound when nothing is intact in `from`; DiskFull, ReadOnly, Io
 */
export function repairDatabase(from: string, to: string, options: RepairOptions = {}): RepairReport {
  const { io = new NodeIo(), clock = new NodeClock(), random = new NodeRandom(), progress } = options;
  const source = io.openDirectory(from, { create: false });
  const target = io.openDirectory(to, { create: true });
  try {
    if (target.list().length > 0) {
      throw new KLaniError(
        'InvalidArgument',
        `Cannot repair into ${to}: ${target.list().length} files are in it, must be an empty directory`,
      );
    }
    return repairInto(source, target, { clock, random, progress });
  } finally {
    source.close();
    target.close();
  }
}

function repairInto(
  source: Directory,
  target: Directory,
  { clock, random, progress }: { clock: Clock; random: Random; progress: RecoveryProgress | undefined },
): RepairReport {
  const surveyed = survey(source);
  const schemas: FoundSchemas = new Map();
  const read = (visit: SalvageVisitor, part: number): Salvaged =>
    salvage(source, surveyed, { visit, progress: (done, total) => progress?.(done + part * total, PASSES * total) });
  const found = read((record) => findSchema(schemas, record), 0);
  if (found.last === undefined) throw new KLaniError('NotFound', `Cannot repair ${source.path}: no batch in it is whole`);
  const damage = [...surveyed.damage, ...found.damage];
  const tables = tablesOf(schemas);
  const rows = new Rows(tables);
  read(rows.find, 1);
  if (damage.length > 0) read(rows.findConflicts, 2);
  const { header, hash } = found.last;
  const databaseId = surveyed.databaseId ?? newDatabaseId(random);
  target.acquireLock();
  const writer = new LogWriter({
    directory: target,
    random,
    databaseId,
    segmentSizeBytes: surveyed.segmentSizeBytes,
    firstSegment: surveyed.lastSegment + 1,
    start: {
      end: header.position + header.length,
      hash,
      timeMs: header.timeMs,
      epoch: header.epoch,
      batchCount: (surveyed.manifest?.start.batchCount ?? 0) + found.batchCount,
    },
    epoch: found.epochMax + 1,
    timeMs: Math.max(header.timeMs, Math.floor(clock.wallMs())),
  });
  writeSchemas(schemas, tables, writer);
  read((record) => rows.write(writer, record), 3);
  const lostBytes = damage.reduce((sum, { length }) => sum + length, 0);
  rows.tellRowIds(writer, { lostBytes, untoldBytes: surveyed.untoldSegments * surveyed.segmentSizeBytes });
  writer.finish();
  return reportOf({ databaseId, source, target, surveyed, tables, rows, damage, lostBytes });
}

/** How often the log is read. */
const PASSES = 4;

/** Copies of the intact schema records: by table id, then by version. */
type FoundSchemas = Map<number, Map<number, RecordTarget>>;

function findSchema(schemas: FoundSchemas, { source, at }: { source: RecordTarget; at: number }): void {
  if (source.view.getUint8(at + RecordOffset.kind) !== RecordKind.schema) return;
  const tableId = source.view.getUint16(at + RecordOffset.tableId, true);
  const bytes = source.bytes.slice(at, at + source.view.getUint32(at, true));
  const versions = schemas.get(tableId) ?? new Map<number, RecordTarget>();
  versions.set(source.view.getUint32(at + RecordOffset.version, true), { bytes, view: new DataView(bytes.buffer) });
  schemas.set(tableId, versions);
}

/** The tables that the schemas make, with ids without gaps. */
function tablesOf(schemas: FoundSchemas): FoundTables {
  const tables: FoundTables = new Map();
  for (const [tableId, versions] of byNumber(schemas)) {
    const id = tables.size + 1;
    const [first, ...later] = byNumber(versions).map(([version, record]) => ({ version, schema: schemaIn(record) }));
    if (first === undefined) continue;
    const stored = new StoredTable(id, first.schema);
    for (const { schema } of later) stored.addVersion(schema);
    const store = new PageStore();
    const [latest, versionsWritten, written] = [RowLocations.create(store), RowLocations.create(store), RowLocations.create(store)];
    const known = new Set(versions.keys());
    tables.set(tableId, {
      id,
      stored,
      known,
      latest,
      isRowIdMaxTold: false,
      versions: versionsWritten,
      written,
      excluded: new Set(),
      versionCount: 0,
    });
  }
  return tables;
}

/** Schemas come first in the new log, oldest version first. */
function writeSchemas(schemas: FoundSchemas, tables: FoundTables, writer: LogWriter): void {
  for (const [tableId, versions] of byNumber(schemas)) {
    for (const [, record] of byNumber(versions)) {
      const to = writer.copy(record, 0);
      writer.view.setUint16(to + RecordOffset.tableId, tables.get(tableId)?.id ?? 0, true);
      sealMoved(writer, to);
    }
  }
}

function byNumber<Value>(map: ReadonlyMap<number, Value>): [number, Value][] {
  return [...map].toSorted(([a], [b]) => a - b);
}

function schemaIn({ bytes, view }: RecordTarget): TableSchema {
  const length = view.getUint32(RecordOffset.bodyLength, true);
  return decodeSchema(JSON.parse(new TextDecoder().decode(bytes.subarray(RecordOffset.body, RecordOffset.body + length))));
}

/** The rows of all tables, from pass to pass. */
class Rows {
  readonly #tables: FoundTables;
  readonly conflicts: { table: string; rowId: number; keptRowId: number }[] = [];
  /** Unique values by table, field and key: the row that has them, and its lsn. */
  readonly #holders = new Map<string, { rowId: number; lsn: number }>();
  readonly #key = new Uint32Array(KEY_WORDS_MAX);
  withoutSchema = 0;

  constructor(tables: FoundTables) {
    this.#tables = tables;
  }

  /** Notes where the latest version of each row is, and the highest row id. */
  readonly find: SalvageVisitor = ({ source: { view }, at, position }) => {
    const kind = view.getUint8(at + RecordOffset.kind);
    const rowId = view.getUint32(at + RecordOffset.rowId, true);
    if (rowId === 0) return;
    const table = this.#tables.get(view.getUint16(at + RecordOffset.tableId, true));
    if (table === undefined) {
      this.withoutSchema += 1;
      return;
    }
    table.latest.raiseRowIdMax(rowId);
    if (kind === RecordKind.rowIds) {
      table.isRowIdMaxTold = true;
      return;
    }
    if (this.#isUnderstood(table, view, at)) table.latest.set(rowId, kind === RecordKind.delete ? -position : position);
    else this.withoutSchema += 1;
  };

  /** Finds rows whose latest intact versions have one value in a unique field; the one written last keeps it. */
  readonly findConflicts: SalvageVisitor = ({ source, at, position }) => {
    const { view } = source;
    const table = this.#tables.get(view.getUint16(at + RecordOffset.tableId, true));
    const rowId = view.getUint32(at + RecordOffset.rowId, true);
    if (table === undefined || rowId === 0 || table.latest.get(rowId) !== position) return;
    const lsn = readU64(view, at + RecordOffset.lsn);
    for (const index of table.stored.indexes) {
      if (index.kind !== 'unique') continue;
      const key = this.#key.subarray(0, index.keyWords);
      table.stored.keyOfRecord(source, at, index, key);
      if (isNullKey(table.stored, index, key)) continue;
      const name = `${table.id}/${uniqueKeyName(index, key)}`;
      const holder = this.#holders.get(name);
      const isNewer = holder === undefined || holder.lsn < lsn;
      if (isNewer) this.#holders.set(name, { rowId, lsn });
      if (holder === undefined) continue;
      const [loser, keeper] = isNewer ? [holder.rowId, rowId] : [rowId, holder.rowId];
      table.excluded.add(loser);
      this.conflicts.push({ table: table.stored.name, rowId: loser, keptRowId: keeper });
    }
  };

  /** Writes one version of a row, behind the one before it. */
  write(writer: LogWriter, { source, at }: Parameters<SalvageVisitor>[0]): void {
    const { view } = source;
    const kind = view.getUint8(at + RecordOffset.kind);
    const rowId = view.getUint32(at + RecordOffset.rowId, true);
    const table = this.#tables.get(view.getUint16(at + RecordOffset.tableId, true));
    if (table === undefined || rowId === 0 || kind === RecordKind.rowIds || table.excluded.has(rowId)) return;
    const version = view.getUint32(at + RecordOffset.version, true);
    const before = table.versions.get(rowId);
    // A version that was moved stands in the log twice.
    if (version <= before || !this.#isUnderstood(table, view, at)) return;
    const to = writer.copy(source, at);
    writer.view.setUint16(to + RecordOffset.tableId, table.id, true);
    if (version === before + 1) writeU64(writer.view, to + RecordOffset.previous, Math.abs(table.written.get(rowId)));
    sealMoved(writer, to);
    table.versions.set(rowId, version);
    table.written.set(rowId, kind === RecordKind.delete ? -writer.positionOf(to) : writer.positionOf(to));
    table.versionCount += 1;
  }

  /** Row ids go on behind all that may have been given. */
  tellRowIds(writer: LogWriter, { lostBytes, untoldBytes }: { lostBytes: number; untoldBytes: number }): void {
    for (const { id, latest, isRowIdMaxTold } of this.#tables.values()) {
      const lostCount = Math.floor((lostBytes + (isRowIdMaxTold ? 0 : untoldBytes)) / RECORD_HEADER_SIZE);
      latest.raiseRowIdMax(Math.min(ROW_ID_MAX, latest.rowIdMax + lostCount));
      if (latest.rowIdMax > 0) writer.tell({ ...newDraft(RecordKind.rowIds), tableId: id, rowId: latest.rowIdMax });
    }
  }

  /** Whether the schema is known that the record's row is encoded in. */
  #isUnderstood({ known }: FoundTable, view: DataView, at: number): boolean {
    return known.has(view.getUint32(at + RecordOffset.schemaVersion, true));
  }
}

function reportOf(parts: {
  databaseId: Uint8Array;
  source: Directory;
  target: Directory;
  surveyed: Survey;
  tables: FoundTables;
  rows: Rows;
  damage: readonly Damage[];
  lostBytes: number;
}): RepairReport {
  const { surveyed, tables, rows, damage } = parts;
  const lostLatest = damage.flatMap(({ record }) => {
    const table = record === undefined ? undefined : tables.get(record.tableId);
    if (record === undefined || table === undefined || record.rowId === 0 || record.rowId > table.latest.rowIdMax) return [];
    const kept = table.versions.get(record.rowId);
    return record.version > kept ? [{ table: table.stored.name, rowId: record.rowId, lost: record.version, kept }] : [];
  });
  return {
    from: parts.source.path,
    to: parts.target.path,
    databaseId: Buffer.from(parts.databaseId).toString('hex'),
    segments: surveyed.files.length,
    tables: [...tables.values()].map(({ stored, written, latest, versionCount }) => ({
      name: stored.name,
      liveRows: written.liveCount,
      versions: versionCount,
      rowIdMax: latest.rowIdMax,
    })),
    lostBytes: parts.lostBytes,
    damageCount: damage.length,
    damage: damage.slice(0, REPAIR_LIST_MAX).map((one) => ({ ...one, table: tableName(tables, one) })),
    untoldSegments: surveyed.untoldSegments,
    unknownBytes: damage.reduce((sum, { unknownBytes }) => sum + unknownBytes, 0),
    lostLatestCount: lostLatest.length,
    lostLatest: lostLatest.slice(0, REPAIR_LIST_MAX),
    conflictCount: rows.conflicts.length,
    conflicts: rows.conflicts.slice(0, REPAIR_LIST_MAX),
    withoutSchema: rows.withoutSchema,
  };
}

function tableName(tables: FoundTables, { record }: Damage): string | undefined {
  return record === undefined ? undefined : tables.get(record.tableId)?.stored.name;
}
