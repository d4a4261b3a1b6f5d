/**
 * Threads that own the sockets of a server: they read, cut frames and write, while sessions, commands and everything that changes stay with
 * the writer, in the thread that accepts.
 *
 * 1. A connection is accepted here, as without threads, and moved to the thread that has the fewest. Its session stays here, over a
 *    connection of the thread's channel in the place of the socket: no session knows the difference.
 * 2. The descriptor is moved by duplicating it. Until the thread says that it has taken it, the first one is kept, so that whatever happens to
 *    the thread, the client sees the end of its connection.
 * 3. Reads of what is durable are answered by the threads, from the snapshot that the writer shares with them: see `relay.ts`. Where memory
 *    cannot be shared, and for everything else, the writer answers.
 * 4. A thread that dies takes its connections with it, nothing else: clients come again and ask again under their operation ids. It is
 *    logged, and another thread takes its place after `REPLACE_MS`. Where no thread lives, the accepting thread serves its sockets itself.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Attendant, Channel, type ChannelSide, createChannel, type Scheduler } from '@k-lani/base';
import type { SharedHandle } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { FIGURES_SIZE, statsOf } from './io-thread-figures.ts';
import type { IoThreadStats, ServerLog } from './service.ts';
import type { ReadLimits } from './snapshot-reads.ts';
import { SocketWire } from './socket-wire.ts';
import { ThreadWire } from './thread-wire.ts';
import type { AcceptedWire } from './wire.ts';

/** The most threads that are started unasked. */
const AUTO_MAX = 4;

/** After which time a thread that has died is replaced, milliseconds. */
const REPLACE_MS = 1000;

/** The file that a thread begins with, in the form in which this package is installed. */
const ENTRY = new URL(import.meta.resolve('#io-thread'));

/** What a thread is given. */
export interface IoThreadTask {
  readonly channel: ChannelSide;
  /** See `io-thread-figures.ts`. */
  readonly figures: SharedArrayBuffer;
  readonly limits: ReadLimits;
  /** How often sessions are shown that their clients are alive, milliseconds. */
  readonly tickMs: number;
}

/** What a thread says: that it is ready, the number of the move whose descriptor it has taken, or why it cannot read snapshots. */
export type IoThreadMessage = 'ready' | number | { readonly problem: string };

/** What a set of threads needs. */
export interface IoThreadsParts {
  readonly limits: ReadLimits;
  readonly tickMs: number;
  readonly log: ServerLog;
  readonly scheduler: Scheduler;
}

/** How many threads a configuration means on a machine with so many processors. */
export function ioThreadCount(configured: 'auto' | number, processors = availableParallelism()): number {
  if (configured !== 'auto') return configured;
  return processors <= 2 ? 0 : Math.min(processors - 1, AUTO_MAX);
}

export class IoThreads {
  readonly #parts: IoThreadsParts;
  readonly #threads: (IoThread | undefined)[] = [];
  #snapshot: SharedHandle | undefined;
  #isClosing = false;

  private constructor(parts: IoThreadsParts) {
    this.#parts = parts;
  }

  /**
   * Starts `count` threads, and resolves when all are ready.
   *
   * @throws {KLaniError} Io when one cannot be started
   */
  static async start(count: number, parts: IoThreadsParts): Promise<IoThreads> {
    const threads = new IoThreads(parts);
    try {
      await Promise.all(Array.from({ length: count }, (_, place) => threads.#startOne(place)));
    } catch (error) {
      await threads.close();
      throw error;
    }
    return threads;
  }

  /** The wire in the place of an accepted one: in a thread where that can be, or the same. */
  move(wire: AcceptedWire): AcceptedWire {
    if (!(wire instanceof SocketWire)) return wire;
    let chosen: IoThread | undefined;
    for (const thread of this.#threads) {
      if (thread?.isReady === true && (chosen === undefined || thread.connectionCount < chosen.connectionCount)) chosen = thread;
    }
    return chosen?.move(wire) ?? wire;
  }

  /** Lets the threads answer reads from the snapshots of the database. */
  share(snapshot: SharedHandle): void {
    this.#snapshot = snapshot;
    for (const thread of this.#threads) thread?.share(snapshot);
  }

  /** Of every thread that lives. */
  stats(): readonly IoThreadStats[] {
    return this.#threads.flatMap((thread) => (thread === undefined ? [] : [statsOf(thread.figures)]));
  }

  /** Ends all threads and what connections they still have. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#threads.flatMap((thread) => (thread === undefined ? [] : [thread.close()])));
  }

  #startOne(place: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const thread = new IoThread(place + 1, this.#parts, {
        ready: resolve,
        ended: (cause) => {
          this.#threads[place] = undefined;
          const error = new KLaniError('Io', `I/O thread ${place + 1} has ended: ${String(cause)}`, { cause });
          reject(error);
          if (!this.#isClosing) this.#replace(place, error);
        },
      });
      this.#threads[place] = thread;
      if (this.#snapshot !== undefined) thread.share(this.#snapshot);
    });
  }

  #replace(place: number, error: KLaniError): void {
    const { log, scheduler } = this.#parts;
    log.error({ err: error, thread: place + 1, replaceMs: REPLACE_MS }, 'an I/O thread has died: its connections are over, it is replaced');
    scheduler.after(REPLACE_MS, () => {
      if (this.#isClosing) return;
      this.#startOne(place).then(
        () => log.info({ thread: place + 1 }, 'I/O thread replaced'),
        // It has been logged, and the next replacement is on its way.
        () => undefined,
      );
    });
  }
}

/** One thread, seen from the accepting one. */
class IoThread {
  readonly figures = new Float64Array(new SharedArrayBuffer(FIGURES_SIZE));
  isReady = false;
  readonly #log: ServerLog;
  readonly #worker: Worker;
  readonly #channel: Channel;
  /** Sockets whose duplicates were sent, by the number of the move: a descriptor may be given again at once. */
  readonly #moving = new Map<number, SocketWire>();
  #moveNumber = 0;
  readonly #exited: Promise<void>;

  constructor(
    number: number,
    { log, scheduler, limits, tickMs }: IoThreadsParts,
    on: { readonly ready: () => void; readonly ended: (cause: unknown) => void },
  ) {
    this.#log = log;
    const [mine, channel] = createChannel();
    const task: IoThreadTask = { channel, figures: this.figures.buffer, limits, tickMs };
    this.#worker = new Worker(ENTRY, { workerData: task, transferList: [channel.port], execArgv: [], name: `k-lani io ${number}` });
    this.#channel = new Channel(mine, {
      endOfTurn: queueMicrotask,
      attendant: new Attendant((callback) => scheduler.defer(callback)),
      onOpen: (connection) => connection.destroy(),
      onGone: () => this.#lost(),
    });
    let cause: unknown;
    this.#worker.on('message', (message: IoThreadMessage) => {
      if (message === 'ready') {
        this.isReady = true;
        on.ready();
      } else if (typeof message === 'number') this.#moved(message);
      else log.warn({ thread: number }, `an I/O thread passes all reads on: ${message.problem}`);
    });
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#channel.close();
        this.#lost();
        on.ended(cause ?? `exit code ${code}`);
        resolve();
      });
    });
  }

  get connectionCount(): number {
    return this.#channel.connectionCount;
  }

  /** Moves a connection; undefined where that is not possible. */
  move(wire: SocketWire): ThreadWire | undefined {
    const descriptor = this.#duplicate(wire);
    if (descriptor === undefined) return undefined;
    this.#moveNumber = (this.#moveNumber + 1) >>> 0;
    this.#moving.set(this.#moveNumber, wire);
    return new ThreadWire(this.#channel.open(new Uint8Array(Uint32Array.of(descriptor, this.#moveNumber).buffer)), wire.peer);
  }

  #duplicate(wire: SocketWire): number | undefined {
    try {
      return wire.duplicate();
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      this.#log.warn({ err: error }, 'a connection stays with the accepting thread');
      return undefined;
    }
  }

  share(snapshot: SharedHandle): void {
    const port: Pick<Worker, 'postMessage'> = this.#worker;
    port.postMessage(snapshot);
  }

  async close(): Promise<void> {
    this.#channel.close();
    await this.#exited;
  }

  #moved(number: number): void {
    this.#moving.get(number)?.destroy();
    this.#moving.delete(number);
  }

  #lost(): void {
    this.isReady = false;
    for (const wire of this.#moving.values()) {
      wire.end();
      wire.destroy();
    }
    this.#moving.clear();
  }
}
