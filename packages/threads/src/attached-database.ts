import type { ReaderDatabase, SharedStats, TableReader } from '@k-lani/engine';
import type {
  BatchResult,
  ClaimResult,
  DynamicSchema,
  NewRowOf,
  OperationStatus,
  TableSchema,
  TableSummary,
  TermOf,
} from '@k-lani/protocol';
import type { CallOptions, ClaimOptions, Client, RemoteTable, WriteOptions } from 'k-lani-client';
import { AttachedBatch } from './attached-batch.ts';
import { AttachedTable } from './attached-table.ts';
import type { ThreadTransport } from './thread-transport.ts';

/** One line of a claim: rows of one table. */
export interface AttachedClaimLine<S extends TableSchema = TableSchema> {
  readonly table: AttachedTable<S>;
  /** Terms that a row must meet, all of them. */
  readonly where: readonly TermOf<S>[];
  /** Fields that the claim sets. */
  readonly set: Partial<NewRowOf<S>>;
  /** Rows wanted, 1 unless given. */
  readonly count?: number;
}

/**
 * A database that another thread of this process has open, with the names and shapes of the embedded API. Its writes and locks are those of a
 * session of its own, which ends with `close` or with the thread.
 */
export class AttachedDatabase implements AsyncDisposable {
  readonly path: string;
  readonly #reader: ReaderDatabase;
  readonly #client: Client;
  readonly #transport: ThreadTransport;
  #closed: Promise<void> | undefined;

  /** Made by `attach`. */
  constructor(reader: ReaderDatabase, client: Client, transport: ThreadTransport) {
    this.path = reader.path;
    this.#reader = reader;
    this.#client = client;
    this.#transport = transport;
  }

  /**
   * Opens the table of a schema, and creates it where there is none. The stored schema may have gone further, by fields at its end.
   *
   * @throws {KLaniError} SchemaMismatch with the differences
   */
  async table<S extends TableSchema>(schema: S, options?: WriteOptions): Promise<AttachedTable<S>> {
    const remote = await this.#client.table(schema, options);
    return this.#attached(await this.#reader.table(schema), remote);
  }

  /** Opens a table whose schema is the stored one. @throws {KLaniError} UnknownTable */
  async openTable(name: string, options?: CallOptions): Promise<AttachedTable<DynamicSchema>> {
    const remote = await this.#client.openTable(name, options);
    return this.#attached(await this.#reader.openTable(name), remote);
  }

  /**
   * Adds the fields that `schema` has at its end to the stored table; each needs a default or `required: false`, and the version must be
   * higher.
   *
   * @throws {KLaniError} UnknownTable, SchemaMismatch with what stands in the way
   */
  async alterTable<S extends TableSchema>(schema: S, options?: WriteOptions): Promise<AttachedTable<S>> {
    const remote = await this.#client.alterTable(schema, options);
    return this.#attached(await this.#reader.table(schema), remote);
  }

  /** Every table, by rising id. @throws {KLaniError} Closed, Overloaded */
  listTables(): TableSummary[] {
    return this.#reader.listTables();
  }

  /**
   * Takes rows for every line, of one or several tables, or none.
   *
   * @throws {KLaniError} InvalidArgument, FieldNotIndexed, UnknownField, DuplicateKey, BatchTooLarge, errors of values
   */
  claim(lines: readonly AttachedClaimLine[], options?: ClaimOptions): Promise<ClaimResult> {
    return this.#client.claim(
      lines.map((line) => ({ ...line, table: line.table.remote })),
      options,
    );
  }

  /**
   * Carries out the changes that `build` collects, all or nothing.
   *
   * @throws {KLaniError} as the changes alone; InvalidArgument for a row changed twice; BatchTooLarge
   */
  batch(build: (batch: AttachedBatch) => void, options?: WriteOptions): Promise<BatchResult> {
    return this.#client.batch((batch) => build(new AttachedBatch(batch)), options);
  }

  /** What became of an operation. @throws {KLaniError} InvalidArgument */
  operationStatus(operationId: string, options?: CallOptions): Promise<OperationStatus> {
    return this.#client.operationStatus(operationId, options);
  }

  /** Writes a synced mark: resolves when everything before it is on stable storage. */
  checkpoint(options?: CallOptions): Promise<{ readonly lsn: number }> {
    return this.#client.checkpoint(options);
  }

  /** The newest snapshot's lsn, and what is in it. @throws {KLaniError} Closed, Overloaded */
  stats(): SharedStats {
    return this.#reader.stats();
  }

  /** Waits for the calls that were made, ends the session, which gives its locks back, and lets the memory go. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#client.close();
    this.#transport.close();
    this.#reader.close();
  }

  #attached<S extends TableSchema>(table: TableReader<S>, remote: RemoteTable<S>): AttachedTable<S> {
    return new AttachedTable<S>(this.#reader.shared, table.stored, remote);
  }
}
