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
import { Listener } from './listener.ts';
import { SERVER_VERSION } from './server-version.ts';
import { Service, type ServerLog, type ServerStats } from './service.ts';
import { Session } from './session.ts';
import { nodeTicker, type Ticker } from './ticker.ts';
import type { AcceptedWire, ConnectionSource } from './wire.ts';

/** How often sessions are looked at, milliseconds at most. */
const LOOK_MS_MAX = 1000;

/** Connections beyond `maxConnections` that are told so at a time; the others are closed without a word. */
const REFUSED_MAX = 64;

/** After which time a refused connection is worth trying again, milliseconds. */
const REFUSED_RETRY_MS = 1000;

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
  readonly adapters: ServerAdapters;
  readonly clock: Clock;
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
  const listen = adapters.listen ?? ((address: Address) => Listener.open(address));
  try {
    for (const address of checked.listen) listeners.push(await listen(parseAddress(address)));
    const clock = adapters.clock ?? new NodeClock();
    return new Server(await openDatabase(checked, adapters, clock), listeners, { config: checked, adapters, clock });
  } catch (error) {
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
  readonly #sessions = new Set<Session>();
  readonly #stopTicker: () => void;
  #sessionNumber = 0;
  /** Those of the sessions that are only told that there are too many. */
  #refusedCount = 0;
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  /** Made by {@link startServer}. */
  constructor(database: Database, listeners: readonly ConnectionSource[], options: ServerOptions) {
    const { config, adapters, clock } = options;
    const log =
      adapters.log ?? pino({ level: config.logLevel, base: null, formatters: { level: (level) => ({ level }) } }, pino.destination(STDERR));
    this.#service = new Service({ database, config, clock, log, version: SERVER_VERSION, sessions: this.#sessions });
    this.#listeners = listeners;
    this.addresses = listeners.map(({ address }) => formatAddress(address));
    database.onFailed((error) => log.error({ err: error }, 'the writer has failed: reads go on, writes do not'));
    this.#stopTicker = (adapters.ticker ?? nodeTicker).start(Math.min(LOOK_MS_MAX, config.sessionIdleMs / 4), () => this.#look());
    const onError = (error: Error): void => log.error({ err: error }, 'a connection could not be accepted');
    for (const listener of listeners) listener.start((wire) => this.#accept(wire), onError);
    log.info({ addresses: this.addresses, data: database.path, durability: database.durability }, 'listening');
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
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const session of this.#sessions) session.end();
    if (this.#sessions.size > 0) await empty;
    this.#stopTicker();
    await database.close();
    log.info({}, 'closed');
  }

  #accept(wire: AcceptedWire): void {
    const { config, counters, log } = this.#service;
    const openCount = this.#sessions.size - this.#refusedCount;
    const isRefused = openCount >= config.maxConnections;
    if (isRefused) counters.connectionsRefused += 1;
    else counters.connections += 1;
    if (this.#closed !== undefined || (isRefused && this.#refusedCount >= REFUSED_MAX)) {
      wire.destroy();
      return;
    }
    this.#sessionNumber += 1;
    const refusal = isRefused ? tooManyConnections(openCount, config.maxConnections) : undefined;
    const onGone = (): void => this.#forget(session, isRefused);
    const session = new Session(this.#service, wire, { number: this.#sessionNumber, refusal, onGone });
    if (isRefused) this.#refusedCount += 1;
    this.#sessions.add(session);
    log.debug({ session: session.number, peer: wire.peer }, 'connected');
    wire.attach(session);
  }

  #forget(session: Session, wasRefused: boolean): void {
    this.#sessions.delete(session);
    if (wasRefused) this.#refusedCount -= 1;
    this.#service.log.debug({ session: session.number }, 'gone');
    if (this.#sessions.size === 0) this.#onEmpty?.();
  }

  #look(): void {
    const nowMs = this.#service.clock.monotonicMs();
    for (const session of this.#sessions) session.look(nowMs);
  }
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

function tooManyConnections(count: number, maxConnections: number): KLaniError {
  return new KLaniError('LimitReached', `Cannot take connection: ${count} are open, maxConnections is ${maxConnections}`, {
    retryAfterMs: REFUSED_RETRY_MS,
  });
}
