/**
 * A server: a database, the addresses on which it is served, and the sessions of those who came.
 *
 * Start: every address is bound, then the database is opened, then connections are taken; those that came in between wait. Close: no more
 * connections, no more requests, what was begun is answered, the database is closed.
 */
import type { Clock, Random, Scheduler } from '@k-lani/base';
import { DATABASE_DEFAULTS, Database, type DatabaseStats, type Io, NodeClock, NodeIo, NodeRandom, WorkerRunner } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { pino } from 'pino';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { checkConfig } from './config.ts';
import type { ServerConfig } from './config-keys.ts';
import { ioThreadCount, IoThreads } from './io-threads.ts';
import { Listener } from './listener.ts';
import { SERVER_VERSION } from './server-version.ts';
import { answerBytesMax, Service, type IoThreadStats, type ServerLog, type ServerStats } from './service.ts';
import { Sessions } from './sessions.ts';
import { nodeTicker, type Ticker } from './ticker.ts';
import type { ConnectionSource } from './wire.ts';

/** How often sessions are looked at, milliseconds at most. */
const LOOK_MS_MAX = 1000;

const STDERR = 2;

/** What a server stands on; each has its real counterpart as the default. */
export interface ServerAdapters {
  readonly io?: Io;
  readonly clock?: Clock & Scheduler;
  readonly random?: Random;
  readonly ticker?: Ticker;
  /** Binds an address. */
  readonly listen?: (address: Address) => Promise<ConnectionSource>;
  readonly log?: ServerLog;
  /** Told how far the check of the log has come, while the database opens. */
  readonly progress?: DatabaseProgress;
}

/** How far the check of the log has come. */
export type DatabaseProgress = NonNullable<Parameters<typeof Database.open>[1]['progress']>;

interface ServerOptions {
  readonly config: ServerConfig;
  readonly ticker: Ticker;
  readonly log: ServerLog;
  readonly clock: Clock;
  readonly ioThreads: IoThreads | undefined;
}

/**
 * Opens a database and serves it.
 *
 * @param config what differs from the defaults of `CONFIG_KEYS`
 * @throws {KLaniError} InvalidConfiguration; AddressInUse, before the database is touched; DirectoryLocked, Damaged, FormatUnsupported,
 *   DiskFull, ReadOnly, Io. Nothing is left open then.
 */
export async function startServer(config: Partial<ServerConfig> = {}, adapters: ServerAdapters = {}): Promise<Server> {
  const checked = checkConfig(config);
  const listeners: ConnectionSource[] = [];
  let ioThreads: IoThreads | undefined;
  const listen = adapters.listen ?? ((address: Address) => Listener.open(address));
  try {
    for (const address of checked.listen) listeners.push(await listen(parseAddress(address)));
    const clock = adapters.clock ?? new NodeClock();
    const log = adapters.log ?? logOf(checked);
    // Threads own real sockets alone.
    const count = adapters.listen === undefined ? ioThreadCount(checked.ioThreads) : 0;
    ioThreads = count === 0 ? undefined : await IoThreads.start(count, { ...ioThreadLimits(checked), log, scheduler: clock });
    const database = await openDatabase(checked, adapters, clock);
    if (ioThreads !== undefined) shareSnapshots(database, ioThreads, log);
    return new Server(database, listeners, { config: checked, ticker: adapters.ticker ?? nodeTicker, log, clock, ioThreads });
  } catch (error) {
    await ioThreads?.close();
    for (const listener of listeners) listener.close();
    throw error;
  }
}

/** A server that runs. */
export class Server {
  /** Where it listens, with the ports that it got. */
  readonly addresses: readonly string[];
  readonly #listeners: readonly ConnectionSource[];
  readonly #service: Service;
  readonly #sessions: Sessions;
  readonly #ioThreads: IoThreads | undefined;
  readonly #stopTicker: () => void;
  #closed: Promise<void> | undefined;

  /** Made by {@link startServer}. */
  constructor(database: Database, listeners: readonly ConnectionSource[], options: ServerOptions) {
    const { config, ticker, log, clock, ioThreads } = options;
    const ioThreadStats = (): readonly IoThreadStats[] => ioThreads?.stats() ?? [];
    this.#service = new Service({ database, config, clock, log, version: SERVER_VERSION, ioThreadStats });
    this.#sessions = new Sessions(this.#service);
    this.#ioThreads = ioThreads;
    this.#listeners = listeners;
    this.addresses = listeners.map(({ address }) => formatAddress(address));
    database.onFailed((error) => log.error({ err: error }, 'the writer has failed: reads go on, writes do not'));
    this.#stopTicker = ticker.start(lookMs(config.sessionIdleMs), () => this.#look());
    const onError = (error: Error): void => log.error({ err: error }, 'a connection could not be accepted');
    for (const listener of listeners) listener.start((wire) => this.#sessions.accept(ioThreads?.move(wire) ?? wire), onError);
    const { addresses } = this;
    log.info({ addresses, data: database.path, durability: database.durability, ioThreads: ioThreadStats().length }, 'listening');
  }

  /** What it has counted, and the database's own figures. */
  get stats(): DatabaseStats & { readonly server: ServerStats } {
    return { ...this.#service.database.stats(), server: this.#service.stats() };
  }

  /**
   * Ends in good order: takes no more connections and requests, gives the answers of what was begun, closes the database. Closing again
   * gives the same promise. Clients that do not take their answers are left after 10 s.
   */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    const { log, database } = this.#service;
    log.info({ sessions: this.#sessions.size }, 'closing');
    for (const listener of this.#listeners) listener.close();
    await this.#sessions.end();
    await this.#ioThreads?.close();
    this.#stopTicker();
    await database.close();
    log.info({}, 'closed');
  }

  #look(): void {
    this.#sessions.look(this.#service.clock.monotonicMs());
  }
}

function ioThreadLimits({ maxFrameBytes, maxResponseRows, maxResponseBytes, sessionIdleMs }: ServerConfig) {
  const limits = { maxFrameBytes, maxResponseRows, answerBytesMax: answerBytesMax({ maxFrameBytes, maxResponseBytes }) };
  return { limits, tickMs: lookMs(sessionIdleMs) };
}

/** Sessions that end when idle are looked at, and shown to be alive, four times in that time at least. */
function lookMs(sessionIdleMs: number): number {
  return Math.min(LOOK_MS_MAX, sessionIdleMs / 4);
}

/** Where memory is not shared, the threads pass all reads on. */
function shareSnapshots(database: Database, ioThreads: IoThreads, log: ServerLog): void {
  try {
    ioThreads.share(database.share());
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'Unsupported') throw error;
    log.info({ err: error }, 'I/O threads answer no reads by themselves');
  }
}

function logOf({ logLevel: level }: ServerConfig): ServerLog {
  return pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, pino.destination(STDERR));
}

function openDatabase(config: ServerConfig, adapters: ServerAdapters, clock: Clock & Scheduler): Promise<Database> {
  return Database.open(config.data, {
    ...DATABASE_DEFAULTS,
    io: adapters.io ?? new NodeIo(),
    clock,
    scheduler: clock,
    random: adapters.random ?? new NodeRandom(),
    durability: config.durability,
    segmentSizeBytes: config.segmentSizeBytes,
    operationWindow: config.operationWindow,
    checkpointBytes: config.checkpointBytes,
    checkpointRunner: adapters.io === undefined && adapters.clock === undefined ? new WorkerRunner() : undefined,
    history: typeof config.history === 'number' ? { days: config.history } : config.history,
    archive: config.archive === 'none' ? undefined : config.archive,
    lockLeaseMsMax: config.lockLeaseMsMax,
    cursorIdleMsMax: config.streamIdleMs,
    progress: adapters.progress,
  });
}
