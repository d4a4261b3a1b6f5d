/**
 * The attached thread's side of its channel, as the client's transport.
 *
 * 1. The channel is over when the owner's thread closed it or has ended; the client then ends too, and what waits ends with `Closed`.
 * 2. The channel keeps its thread from ending only while answers are awaited, or a link.
 * 3. A thread that may be blocked waits for its answers in place, which spares it the way through its event loop; when that has gone on for
 *    `blockMsMax`, the event loop has a turn first.
 */
import { postMessageToThread, type MessagePort } from 'node:worker_threads';
import { Attendant, Channel, type ChannelConnection, type ChannelSide, type Clock, createChannel, type Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Link, LinkReceiver, Transport } from 'k-lani-client';
import type { Dial, ThreadHandle } from './thread-handle.ts';

/** Bytes of each of the two rings of a thread. */
const RING_SIZE_BYTES = 256 * 1024;

/** How many promises deep a caller may be wrapped and still share the write of its turn. */
const PROMISE_DEPTH = 6;

const NO_HELLO = new Uint8Array(0);
const DONE = Promise.resolve();

/** How a transport goes about time. */
export interface ThreadTransportOptions {
  readonly clock: Clock & Scheduler;
  /** How long the owner's thread may take to answer the call, milliseconds. */
  readonly timeoutMs: number;
  /** How long the thread may be blocked in one turn of its event loop, milliseconds; 0: never. */
  readonly blockMsMax: number;
}

export class ThreadTransport implements Transport {
  readonly #channel: Channel;
  readonly #port: MessagePort;
  readonly #path: string;
  readonly #clock: Clock & Scheduler;
  readonly #blockMsMax: number;
  /** Until when the thread may be blocked in this turn, if it was. */
  #blockUntilMs: number | undefined;

  /** @throws {KLaniError} Closed where the owner's thread has ended or closed the database, InvalidArgument in that thread itself */
  static async dial({ threadId, sharing, bell, memory }: ThreadHandle, options: ThreadTransportOptions): Promise<ThreadTransport> {
    const [mine, channel] = createChannel(RING_SIZE_BYTES, bell);
    const transport = new ThreadTransport(mine, memory.path, options);
    const dial: Dial = { kLaniSharing: sharing, channel };
    try {
      await postMessageToThread(threadId, dial, [channel.port], options.timeoutMs);
    } catch (cause) {
      transport.close();
      throw dialError(cause, memory.path);
    }
    return transport;
  }

  private constructor(side: ChannelSide, path: string, { clock, blockMsMax }: ThreadTransportOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#blockMsMax = blockMsMax;
    this.#port = side.port;
    this.#channel = new Channel(side, {
      endOfTurn: queueMicrotask,
      attendant: new Attendant((callback) => clock.defer(callback)),
      onOpen: (connection) => connection.destroy(),
      onGone: () => undefined,
    });
  }

  get isOver(): boolean {
    return this.#channel.isOver;
  }

  connect(_url: string, receiver: LinkReceiver): Link {
    if (this.isOver) return new DeadLink(receiver, this.#closed());
    return new ThreadLink(this.#channel.open(NO_HELLO), receiver, { port: this.#port, closed: () => this.#closed() });
  }

  endOfTurn(callback: () => void): void {
    void this.#afterPromises(callback);
  }

  close(): void {
    this.#channel.close();
  }

  /** Each round lets the callers go on that the one before has woken. */
  async #afterPromises(callback: () => void): Promise<void> {
    for (let depth = 0; depth < PROMISE_DEPTH; depth += 1) await DONE;
    callback();
    if (this.#blockMsMax > 0) this.#block();
  }

  #block(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#blockUntilMs === undefined) {
      this.#blockUntilMs = nowMs + this.#blockMsMax;
      this.#clock.defer(() => (this.#blockUntilMs = undefined));
    }
    if (nowMs < this.#blockUntilMs) this.#channel.wait(this.#blockUntilMs - nowMs);
  }

  #closed(): KLaniError | undefined {
    if (!this.isOver) return undefined;
    return new KLaniError('Closed', `Cannot use the database in ${this.#path}: the thread that has it open has closed it or has ended`);
  }
}

class ThreadLink implements Link {
  readonly #connection: ChannelConnection;
  readonly #port: MessagePort;
  #isAwaited = false;

  constructor(
    connection: ChannelConnection,
    receiver: LinkReceiver,
    { port, closed }: { readonly port: MessagePort; readonly closed: () => KLaniError | undefined },
  ) {
    this.#connection = connection;
    this.#port = port;
    let isAnswered = false;
    connection.attach({
      received: (chunk) => receiver.onData(chunk),
      drained: () => receiver.onDrain(),
      finished: () => {
        isAnswered = true;
        connection.destroy();
      },
      closed: () => {
        // Calls may wait for the next link.
        this.awaitAnswers(true);
        receiver.onClose(closed(), isAnswered);
      },
    });
    this.awaitAnswers(true);
    queueMicrotask(() => receiver.onOpen());
  }

  get unwrittenBytes(): number {
    return this.#connection.unsentBytes;
  }

  write(bytes: Uint8Array): void {
    this.#connection.write(bytes, bytes.length);
  }

  destroy(): void {
    this.awaitAnswers(true);
    this.#connection.destroy();
  }

  awaitAnswers(isAwaited: boolean): void {
    if (isAwaited === this.#isAwaited) return;
    this.#isAwaited = isAwaited;
    if (isAwaited) this.#port.ref();
    else this.#port.unref();
  }
}

/** A link that never opens. */
class DeadLink implements Link {
  readonly unwrittenBytes = 0;

  constructor(receiver: LinkReceiver, cause: unknown) {
    queueMicrotask(() => receiver.onClose(cause));
  }

  write(): void {}

  destroy(): void {}
}

function dialError(cause: unknown, path: string): KLaniError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ERR_WORKER_MESSAGING_SAME_THREAD') {
    return new KLaniError(
      'InvalidArgument',
      `Cannot attach to the database in ${path}: this is the thread that has it open; use it directly`,
    );
  }
  if (code === 'ERR_WORKER_MESSAGING_TIMEOUT') {
    return new KLaniError('TimedOut', `Cannot attach to the database in ${path}: the thread that has it open does not answer`, { cause });
  }
  return new KLaniError('Closed', `Cannot attach to the database in ${path}: the thread that has it open has closed it or has ended`, {
    cause,
  });
}
