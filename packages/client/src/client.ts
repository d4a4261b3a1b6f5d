import {
  type DynamicSchema,
  type HandshakeAnswer,
  KLaniError,
  type TableSummary,
  type TableSchema,
  canEvolve,
  schemaDifferences,
  type BatchResult,
  type ClaimResult,
  type OperationStatus,
} from '@k-lani/protocol';
import type { BackOffLimits } from './back-off.ts';
import { Batch } from './batch.ts';
import { ClaimCall, type ClaimOptions } from './claim.ts';
import { Connection, TIMEOUT_MS_MAX } from './connection.ts';
import {
  AlterTableCall,
  CheckpointCall,
  CreateTableCall,
  ListTablesCall,
  OpenHandleCall,
  OperationStatusCall,
  StatsCall,
} from './database-calls.ts';
import { type Environment, platformEnvironment } from './environment.ts';
import type { OpenTable } from './open-tables.ts';
import type { Report } from './read-calls.ts';
import type { CallOptions } from './request.ts';
import { OpenTableCall } from './session-calls.ts';
import { type ClaimLine, RemoteTable } from './table.ts';
import type { Transport } from './transport.ts';
import type { IdSource, WriteOptions } from './write-calls.ts';

/** How a client reaches its server. */
export interface ClientOptions {
  /** Recorded as the actor of this client's changes; at most 64 bytes of UTF-8. */
  readonly name?: string;
  /** How long a call waits for its answer unless it says otherwise, over all reconnects, in milliseconds; 30,000 unless given. */
  readonly timeoutMs?: number;
  /** Delays between attempts to reach a lost server; they double from 10 to 1,000 ms unless given, and vary by chance. */
  readonly reconnect?: Partial<BackOffLimits>;
  /** Calls that may wait for their answers at once; the next one is `Overloaded`. 65,536 unless given. */
  readonly pendingCallsMax?: number;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal;
  /** Time and chance; the platform's unless given. */
  readonly environment?: Environment;
}

const DEFAULTS = { name: 'k-lani-client', timeoutMs: 30_000, delayMsMin: 10, delayMsMax: 1000, pendingCallsMax: 65_536 } as const;

const PENDING_CALLS_MAX = 1_000_000;

/**
 * Opens a client over a transport.
 *
 * @throws {KLaniError} `ConnectionLost`, `Aborted`, `InvalidArgument`, `VersionUnsupported`, `AuthFailed`, or what else the server refuses
 */
export async function openClient(transport: Transport, url: string, options: ClientOptions = {}): Promise<Client> {
  const { timeoutMs = DEFAULTS.timeoutMs, pendingCallsMax = DEFAULTS.pendingCallsMax, reconnect = {} } = options;
  const { delayMsMin = DEFAULTS.delayMsMin, delayMsMax = Math.max(delayMsMin, DEFAULTS.delayMsMax) } = reconnect;
  expectBetween('timeoutMs', timeoutMs, 1, TIMEOUT_MS_MAX);
  expectBetween('pendingCallsMax', pendingCallsMax, 1, PENDING_CALLS_MAX);
  expectBetween('reconnect.delayMsMin', delayMsMin, 1, TIMEOUT_MS_MAX);
  expectBetween('reconnect.delayMsMax', delayMsMax, delayMsMin, TIMEOUT_MS_MAX);
  const connection = new Connection({
    url,
    transport,
    environment: options.environment ?? platformEnvironment,
    clientName: options.name ?? DEFAULTS.name,
    timeoutMs,
    backOff: { delayMsMin, delayMsMax },
    pendingCallsMax,
  });
  await connection.open(options.signal);
  return new Client(connection);
}

/**
 * A client of one server, over one connection that it keeps up by itself. Calls of one tick leave in one write, and any number may be in
 * flight. After a lost connection, reads are asked again, writes are asked again under their operation ids and happen once.
 */
export class Client {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What the server said of itself and its limits when the present session began. */
  get server(): HandshakeAnswer {
    return this.#connection.server;
  }

  /**
   * Opens a table, and makes it before if there is none. The stored schema may have gone further, by fields at its end.
   *
   * @throws {KLaniError} `SchemaMismatch` when it is stored with another schema; the message lists the differences
   */
  async table<S extends TableSchema>(schema: S, options?: WriteOptions): Promise<RemoteTable<S>> {
    const table = this.#connection.tables.get(schema.table) ?? (await this.#createOrOpen(schema, options));
    const { schema: stored } = table.use().layout;
    const differences = schemaDifferences(stored, schema);
    if (differences.length === 0 || canEvolve(schema, stored)) return new RemoteTable<S>(this.#connection, table);
    throw new KLaniError('SchemaMismatch', `Cannot open table "${schema.table}": ${differences.join('; ')}`);
  }

  /**
   * Opens a table whose schema is known only to the server.
   *
   * @throws {KLaniError} `UnknownTable`
   */
  async openTable(name: string, options?: CallOptions): Promise<RemoteTable<DynamicSchema>> {
    return new RemoteTable(this.#connection, await this.#open(name, options));
  }

  /**
   * Takes a table over to the next version of its schema, which may add fields that have a default or are not required.
   *
   * @throws {KLaniError} `UnknownTable`, `SchemaMismatch`
   */
  async alterTable<S extends TableSchema>(schema: S, options?: WriteOptions): Promise<RemoteTable<S>> {
    const connection = this.#connection;
    const table = await this.#open(schema.table, options);
    const fresh = await connection.call(new OpenHandleCall(schema.table), options);
    const altered = await connection.call(new AlterTableCall(connection.tables, { fresh, schema, id: this.#id(options) }), options, table);
    return new RemoteTable<S>(connection, altered);
  }

  /** The tables of the database. */
  listTables(options?: CallOptions): Promise<readonly TableSummary[]> {
    return this.#connection.call(new ListTablesCall(), options);
  }

  /**
   * Claims rows for all lines, or for none; the lines may be of several tables.
   *
   * @throws {KLaniError} `FieldNotIndexed`, `DuplicateKey`, `OutcomeUnknown`, and what a schema refuses
   */
  async claim(lines: readonly ClaimLine[], options?: ClaimOptions): Promise<ClaimResult> {
    const connection = this.#connection;
    const sources = lines.map(({ table, where, set, count = 1 }) => ({ table: table.openIn(connection), where, set, count }));
    return connection.call(new ClaimCall(sources, options?.returnRows ?? false, this.#id(options)), options);
  }

  /**
   * Makes all the changes that `build` adds, or none of them.
   *
   * @param build is called at once; what it throws, the batch ends with
   * @throws {KLaniError} `VersionMismatch`, `NotLocked`, `DuplicateKey`, `BatchTooLarge`, `OutcomeUnknown`, and what a schema refuses
   */
  async batch(build: (batch: Batch) => void, options?: WriteOptions): Promise<BatchResult> {
    const batch = new Batch(this.#connection, this.#id(options));
    build(batch);
    return this.#connection.call(batch.close(), options);
  }

  /** What became of a write, by its operation id. */
  operationStatus(operationId: string, options?: CallOptions): Promise<OperationStatus> {
    return this.#connection.call(new OperationStatusCall(operationId), options);
  }

  /** Makes everything before it durable; `lsn` is up to where. */
  checkpoint(options?: CallOptions): Promise<{ readonly lsn: number }> {
    return this.#connection.call(new CheckpointCall(), options);
  }

  /** Counters of the server, for people. */
  stats(options?: CallOptions): Promise<Report> {
    return this.#connection.call(new StatsCall(), options);
  }

  /** Takes no more calls, waits for those made, and ends the session; its locks are given back. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #createOrOpen(schema: TableSchema, options: WriteOptions | undefined): Promise<OpenTable> {
    const call = new CreateTableCall(this.#connection.tables, schema, this.#id(options));
    try {
      return await this.#connection.call(call, options);
    } catch (error) {
      if (error instanceof KLaniError && error.code === 'TableExists') return this.#open(schema.table, options);
      throw error;
    }
  }

  async #open(name: string, options: CallOptions | undefined): Promise<OpenTable> {
    const { tables } = this.#connection;
    return tables.get(name) ?? this.#connection.call(new OpenTableCall(tables, name, 'repeat'), options);
  }

  #id(options: WriteOptions | undefined): IdSource {
    return { ids: this.#connection.operationIds, operationId: options?.operationId };
  }
}

function expectBetween(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new KLaniError('InvalidArgument', `Cannot open client: ${name} is ${value}, must be an integer, ${min} to ${max}`);
}
