/**
 * The owner's side: one embedded database, and the threads that are attached to it.
 *
 * 1. An attached thread is a session of the server's kind, over a channel in the place of a socket: operation ids, limits, back-pressure,
 *    locks that end with the session, and errors are those of a connection.
 * 2. When a thread ends, in whatever way, its session ends and its locks are free.
 * 3. When the database is closed, no more requests are taken, what was begun is answered, and the channels close; then the database does.
 * 4. Channels do not keep the process from ending, but while they are being closed.
 */
import { threadId, type MessagePort } from 'node:worker_threads';
import { Attendant, Channel, type ChannelSide, createBell } from '@k-lani/base';
import { type EmbeddedDatabase, NodeClock } from '@k-lani/engine';
import { loadConfig, nodeTicker, type ServerLog, Service, SERVER_VERSION, Sessions, ThreadWire } from '@k-lani/server';
import { isDial, type ThreadHandle } from './thread-handle.ts';

/** Threads that are attached to one database at most, each by one `attach`. The next one is answered LimitReached. */
export const ATTACHED_THREADS_MAX = 64;

/** Threads beyond them that are told so at a time; the others are cut off without a word. */
const REFUSED_MAX = 64;

/** How often sessions are looked at, milliseconds. */
const LOOK_MS = 1000;

/** What went wrong in a session and has no caller to be thrown to. */
const LOG: ServerLog = { error: warn, warn, info: () => undefined, debug: () => undefined };

/** Every sharing of this thread, by its number. */
const sharings = new Map<number, Sharing>();
const handles = new WeakMap<EmbeddedDatabase, ThreadHandle>();
let lastNumber = 0;

/**
 * Lets other threads of this process use an open database: send them what this returns, for `attach`. It can be used any number of times,
 * and asking again gives the same. This thread carries out the writes of all and commits them in groups: its event loop must turn. Closing
 * the database ends the attached sessions.
 *
 * @example
 * const database = await openDatabase('./box-office');
 * new Worker('./seller.js', { workerData: share(database) });
 *
 * @throws {KLaniError} Unsupported on other platforms than Linux, and for a database that was opened with `readOnly`; Closed
 */
export function share(database: EmbeddedDatabase): ThreadHandle {
  const known = handles.get(database);
  if (known !== undefined) return known;
  const memory = database.share();
  lastNumber += 1;
  const bell = createBell();
  const handle = { processId: process.pid, threadId, sharing: lastNumber, bell, memory };
  const sharing = new Sharing(database, bell);
  handles.set(database, handle);
  sharings.set(handle.sharing, sharing);
  if (sharings.size === 1) process.on('workerMessage', accept);
  database.beforeClose(async () => {
    sharings.delete(handle.sharing);
    if (sharings.size === 0) process.off('workerMessage', accept);
    await sharing.end();
  });
  return handle;
}

/** Takes the call of a thread. One for a database that has been closed finds its channel closed. */
function accept(message: unknown): void {
  if (!isDial(message)) return;
  const sharing = sharings.get(message.kLaniSharing);
  if (sharing === undefined) message.channel.port.close();
  else sharing.accept(message.channel);
}

class Sharing {
  readonly #sessions: Sessions;
  /** With the ports that they wake through. */
  readonly #channels = new Map<Channel, MessagePort>();
  readonly #attendant: Attendant;
  readonly #stopTicker: () => void;

  constructor(database: EmbeddedDatabase, bell: SharedArrayBuffer) {
    const clock = new NodeClock();
    this.#attendant = new Attendant((callback) => clock.defer(callback), bell);
    const config = loadConfig({ flags: { maxConnections: String(ATTACHED_THREADS_MAX) } });
    this.#sessions = new Sessions(new Service({ database: database.core, config, clock, log: LOG, version: SERVER_VERSION }));
    this.#stopTicker = nodeTicker.start(LOOK_MS, () => this.#sessions.look(clock.monotonicMs()));
  }

  accept(side: ChannelSide): void {
    if (this.#channels.size >= ATTACHED_THREADS_MAX + REFUSED_MAX) {
      side.port.close();
      return;
    }
    const channel = new Channel(side, {
      endOfTurn: queueMicrotask,
      attendant: this.#attendant,
      onOpen: (connection) => this.#sessions.accept(new ThreadWire(connection, 'thread')),
      onGone: () => this.#channels.delete(channel),
    });
    this.#channels.set(channel, side.port);
    side.port.unref();
  }

  /** Answers what was begun and ends all sessions and channels. */
  async end(): Promise<void> {
    for (const port of this.#channels.values()) port.ref();
    await this.#sessions.end();
    this.#stopTicker();
    for (const channel of this.#channels.keys()) channel.close();
    this.#channels.clear();
  }
}

function warn(details: object, message: string): void {
  const cause = 'err' in details && details.err instanceof Error ? details.err.stack : undefined;
  process.emitWarning(`k-lani: ${message}`, { type: 'KLaniWarning', detail: cause ?? JSON.stringify(details) });
}
