/** A database inside this process. */
import type { Random } from '@k-lani/base';
import {
  ByteWriter,
  KLaniError,
  Opcode,
  canEvolve,
  encodeSchema,
  opcodeName,
  parseOperationId,
  schemaDifferences,
  type BatchResult,
  type ClaimResult,
  type DynamicSchema,
  type NewRowOf,
  type OperationStatus,
  type TableSchema,
  type TableSummary,
  type TermOf,
} from '@k-lani/protocol';
import type { CompactionStats } from '../database/compactor.ts';
import type { Database, DatabaseStats } from '../database/database.ts';
import { doneOperation } from '../database/operations.ts';
import type { SharedHandle } from '../database/shared-reader.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { EmbeddedBatch } from './embedded-batch.ts';
import { claim, type ClaimOptions } from './embedded-claim.ts';
import { EmbeddedSession, type WriteOptions } from './embedded-session.ts';
import { EmbeddedTable } from './embedded-table.ts';

/** One line of a claim: rows of one table. */
export interface EmbeddedClaimLine<S extends TableSchema = TableSchema> {
  readonly table: EmbeddedTable<S>;
  /** Terms that a row must meet, all of them. */
  readonly where: readonly TermOf<S>[];
  /** Fields that the claim sets. */
  readonly set: Partial<NewRowOf<S>>;
  /** Rows wanted, 1 unless given. */
  readonly count?: number;
}

export class EmbeddedDatabase implements AsyncDisposable {
  readonly path: string;
  readonly #session: EmbeddedSession;
  readonly #database: Database;
  readonly #endings: (() => Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  /** Made by `openDatabase`. */
  constructor(database: Database, random: Random, actor: Uint8Array) {
    this.path = database.path;
    this.#session = new EmbeddedSession(database, random, actor);
    this.#database = database;
  }

  /** The database without types, for those who serve it to others. */
  get core(): Database {
    return this.#database;
  }

  /**
   * Opens the table of a schema, and creates it where there is none. The stored schema may have gone further, by fields at its end.
   *
   * @throws {KLaniError} SchemaMismatch with the differences
   */
  async table<S extends TableSchema>(schema: S): Promise<EmbeddedTable<S>> {
    const stored = this.#session.database.state.catalog.find(schema.table) ?? (await this.#create(schema));
    const differences = schemaDifferences(stored.schema, schema);
    if (differences.length > 0 && !canEvolve(schema, stored.schema)) {
      throw new KLaniError('SchemaMismatch', `Cannot open table "${schema.table}": the stored schema differs: ${differences.join('; ')}`);
    }
    await this.#session.durable(stored.schemaPosition);
    return new EmbeddedTable<S>(this.#session, stored);
  }

  /** Opens a table whose schema is the stored one. @throws {KLaniError} UnknownTable */
  async openTable(name: string): Promise<EmbeddedTable<DynamicSchema>> {
    const stored = this.#session.database.state.catalog.get(name);
    await this.#session.durable(stored.schemaPosition);
    return new EmbeddedTable<DynamicSchema>(this.#session, stored);
  }

  /**
   * Adds the fields that `schema` has at its end to the stored table; each needs a default or `required: false`, and the version must be
   * higher.
   *
   * @throws {KLaniError} UnknownTable, SchemaMismatch with what stands in the way
   */
  async alterTable<S extends TableSchema>(schema: S): Promise<EmbeddedTable<S>> {
    const table = this.#session.database.state.catalog.get(schema.table);
    const stored = await this.#changeSchema(schema, Opcode.AlterTable, (operation) =>
      this.#session.database.alterTable(operation, table, schema),
    );
    return new EmbeddedTable<S>(this.#session, stored);
  }

  /** Every table, by rising id. */
  listTables(): TableSummary[] {
    const { catalog, visible } = this.#session.database.state;
    return catalog.tables.map(({ id, name, schema }) => ({
      tableId: id,
      name,
      schemaVersion: schema.version,
      liveRows: visible.find(id)?.locations.liveCount ?? 0,
    }));
  }

  /**
   * Takes rows for every line, of one or several tables, or none.
   *
   * @throws {KLaniError} InvalidArgument, FieldNotIndexed, UnknownField, DuplicateKey, BatchTooLarge, errors of values
   */
  async claim(lines: readonly EmbeddedClaimLine[], options: ClaimOptions = {}): Promise<ClaimResult> {
    return claim(this.#session, lines, options);
  }

  /**
   * Carries out the changes that `build` collects, all or nothing.
   *
   * @throws {KLaniError} as the changes alone; InvalidArgument for a row changed twice; BatchTooLarge
   */
  async batch(build: (batch: EmbeddedBatch) => void, options: WriteOptions = {}): Promise<BatchResult> {
    const batch = new EmbeddedBatch();
    build(batch);
    return batch.commit(this.#session, options);
  }

  /** What became of an operation. @throws {KLaniError} InvalidArgument */
  async operationStatus(operationId: string): Promise<OperationStatus> {
    const { state } = this.#session.database;
    const done = doneOperation(state, parseOperationId(operationId));
    if (done === undefined) return { state: 'unknown' };
    await this.#session.durable(done.lsn);
    return {
      state: 'done',
      command: opcodeName(done.opcode) ?? 'unknown',
      lsn: done.lsn,
      time: new Date(done.timeMs),
      changes: done.changes
        .filter(({ rowId }) => rowId !== 0)
        .map(({ tableId, rowId, version }) => ({ table: state.catalog.byId(tableId).name, rowId, version })),
    };
  }

  /** Writes a synced mark: resolves when everything before it is on stable storage. */
  async checkpoint(): Promise<{ lsn: number }> {
    return { lsn: await this.#session.database.checkpoint() };
  }

  /**
   * Gives up the history that the policy does not want, as far as whole log segments are of no more use, and returns when that is done. The
   * same goes on in the background, where it is worth the while.
   *
   * @throws {KLaniError} ChecksumMismatch or Damaged for a segment that is damaged, and kept; DiskFull, Overloaded, Io, WriterFailed
   */
  compact(): Promise<CompactionStats> {
    return this.#session.database.compact();
  }

  stats(): DatabaseStats {
    return this.#session.database.stats();
  }

  /**
   * What `attachReader` takes in another thread of this process. Other processes use `openReader`. Good until the database is closed.
   *
   * @throws {KLaniError} Unsupported on other platforms than Linux, and with `readOnly`; Closed
   */
  share(): SharedHandle {
    return this.#session.database.share();
  }

  /** Has `ending` carried out first when the database is closed: what uses it besides. */
  beforeClose(ending: () => Promise<void>): void {
    this.#endings.push(ending);
  }

  /** Waits for what is in flight and releases the directory. */
  close(): Promise<void> {
    return (this.#closed ??= this.#endings.length === 0 ? this.#database.close() : this.#closeLast());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeLast(): Promise<void> {
    await Promise.all(this.#endings.map((ending) => ending()));
    await this.#database.close();
  }

  #create(schema: TableSchema): Promise<StoredTable> {
    return this.#changeSchema(schema, Opcode.CreateTable, (operation) => this.#session.database.createTable(operation, schema));
  }

  #changeSchema(
    schema: TableSchema,
    opcode: typeof Opcode.CreateTable | typeof Opcode.AlterTable,
    change: (operation: Parameters<Database['createTable']>[0]) => StoredTable,
  ): Promise<StoredTable> {
    const body = new ByteWriter();
    body.text(encodeSchema(schema));
    return this.#session.write(
      { opcode, options: {}, body },
      (operation) => {
        const answer = change(operation);
        return { answer, dependsOn: answer.schemaPosition };
      },
      () => this.#session.database.state.catalog.get(schema.table),
    );
  }
}
