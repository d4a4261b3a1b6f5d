/**
 * A channel between two threads: a pair of rings (`ring.ts`), one in each direction, and a port that wakes whoever sleeps. It carries any
 * number of connections (`channel-connection.ts`), which either side opens.
 *
 * 1. Nothing grows: rings are of fixed size, and what a connection keeps beyond them its user was told of.
 * 2. The port is used only to wake: a side that is busy is not disturbed. The wake-up comes at the end of the turn in which something was sent.
 * 3. One look takes what was there when it began; then the event loop has its turn before the next.
 * 4. When a thread ends, in whatever way, its port closes: all connections of the other side are over, and it is told so.
 */
import { assert } from './assert.ts';
import { Attendant } from './attendant.ts';
import { ChannelConnection, type ConnectionHost, Message, type MessageKind, PIECE_BYTES_MAX } from './channel-connection.ts';
import { createRing, RingConsumer, RingProducer } from './ring.ts';

/** Connections of one channel that one side has opened at most; each side counts its own. */
export const CHANNEL_CONNECTIONS_MAX = 65_536 + 64;

/** Bytes of each ring unless given. */
const RING_SIZE_BYTES = 1024 * 1024;

const ID_BITS = 24;
const ID_MASK = (1 << ID_BITS) - 1;

/** What a channel needs of a `MessagePort`. */
export interface ChannelPort {
  postMessage(message: number): void;
  addEventListener(type: 'message' | 'close', listener: () => void): void;
  start(): void;
  close(): void;
}

/** One side of a channel before it is used: can be sent to another thread, its port in the list of what is transferred. */
export interface ChannelSide<Port extends ChannelPort = MessagePort> {
  /** Which side this is: the numbers of the connections that it opens are even, or odd. */
  readonly parity: 0 | 1;
  readonly incoming: SharedArrayBuffer;
  readonly outgoing: SharedArrayBuffer;
  /** Of the thread that takes from `incoming`, and of the one that takes from `outgoing`, if they have one. */
  readonly incomingBell: SharedArrayBuffer | undefined;
  readonly outgoingBell: SharedArrayBuffer | undefined;
  readonly port: Port;
}

/** What a side does. */
export interface ChannelOptions {
  /** Runs `callback` once, at the end of the present turn: what was sent until then wakes the other side once. */
  readonly endOfTurn: (callback: () => void) => void;
  /** The other side has opened a connection; `hello` is the caller's. Attach a user to it, or destroy it. */
  readonly onOpen: (connection: ChannelConnection, hello: Uint8Array) => void;
  /** The other side, or its thread, has ended; every connection has been closed. Not called after this side's `close`. */
  readonly onGone: () => void;
  /** Looks after this channel, and after the others that its thread has with the same bell. */
  readonly attendant: Attendant;
}

/**
 * Memory and ports of a channel.
 *
 * @param ringSizeBytes of each of its two rings: a power of two, at least 256 KiB
 * @param bell of the second side's attendant, if that looks after many channels
 */
export function createChannel(ringSizeBytes = RING_SIZE_BYTES, bell?: SharedArrayBuffer): [ChannelSide, ChannelSide] {
  const { port1, port2 } = new MessageChannel();
  const [there, back] = [createRing(ringSizeBytes), createRing(ringSizeBytes)];
  return [
    { parity: 0, incoming: back, outgoing: there, incomingBell: undefined, outgoingBell: bell, port: port1 },
    { parity: 1, incoming: there, outgoing: back, incomingBell: bell, outgoingBell: undefined, port: port2 },
  ];
}

/** One side of a channel, in use. */
export class Channel {
  readonly #incoming: RingConsumer;
  readonly #outgoing: RingProducer;
  readonly #port: ChannelPort;
  readonly #options: ChannelOptions;
  readonly #host: ConnectionHost;
  /** By number. */
  readonly #connections = new Map<number, ChannelConnection>();
  /** Numbers of connections opened here that may be used again, and the first that never was. */
  readonly #freeIds: number[] = [];
  #nextId: number;
  /** Connections that wait for room, first come first served. */
  readonly #waiting: ChannelConnection[] = [];
  readonly #attendant: Attendant;
  #isAttending = false;
  #isWakeDue = false;
  #isOver = false;

  constructor(side: ChannelSide<ChannelPort>, options: ChannelOptions) {
    this.#incoming = new RingConsumer(side.incoming, side.incomingBell);
    this.#outgoing = new RingProducer(side.outgoing, side.outgoingBell);
    assert(this.#outgoing.payloadBytesMax >= PIECE_BYTES_MAX, 'Channel: its rings take the longest piece');
    this.#port = side.port;
    this.#options = options;
    this.#nextId = side.parity;
    this.#host = {
      send: (kind, id, bytes, start, end) => this.#send(kind, id, bytes, start, end),
      wait: (connection) => this.#wait(connection),
      release: ({ id }) => this.#release(id, side.parity),
    };
    this.#attendant = options.attendant;
    side.port.addEventListener('message', () => this.#attendant.attend());
    side.port.addEventListener('close', () => this.#lost());
    side.port.start();
    this.#attendant.add(this);
  }

  /** Whether one of the two sides, or its thread, has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Connections that are not over. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Opens a connection. @param hello told to the other side; its memory is kept */
  open(hello: Uint8Array): ChannelConnection {
    assert(!this.#isOver, 'Channel.open(): the channel is over');
    const id = this.#freeIds.pop() ?? this.#nextId;
    assert(id < 2 * CHANNEL_CONNECTIONS_MAX, `Channel.open(): ${CHANNEL_CONNECTIONS_MAX} connections are open`);
    if (id === this.#nextId) this.#nextId += 2;
    const connection = new ChannelConnection(this.#host, id, hello);
    this.#connections.set(id, connection);
    if (!connection.push()) this.#wait(connection);
    return connection;
  }

  /** Ends the channel and all its connections, on both sides. What was sent before arrives. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.close();
    this.#endAll();
  }

  /**
   * Blocks the thread until something has come, `timeoutMs` at most, and takes it: cheaper than to sleep and be woken, for a thread that has
   * nothing else to do. Only where the platform lets threads block.
   */
  wait(timeoutMs: number): void {
    if (this.#isOver) return;
    this.#wake();
    this.#incoming.block(timeoutMs);
    this.#attendant.attend();
  }

  /** Where its attendant looks. */
  get incoming(): RingConsumer {
    return this.#incoming;
  }

  /** Takes what has come; for its attendant. Returns how many messages there were. */
  drain(): number {
    this.#isAttending = true;
    const count = this.#incoming.take(this.#onMessage);
    this.#serveWaiting();
    this.#isAttending = false;
    if (!this.#isOver && (this.#incoming.owesRoom || this.#outgoing.mustWake)) this.#ring();
    return count;
  }

  readonly #onMessage = (tag: number, bytes: Uint8Array, start: number, end: number): void => {
    if (this.#isOver) return;
    const kind = (tag >>> ID_BITS) as MessageKind;
    const id = tag & ID_MASK;
    if (kind === Message.open) {
      assert(!this.#connections.has(id), 'Channel: the number of a new connection is free');
      const connection = new ChannelConnection(this.#host, id, undefined);
      this.#connections.set(id, connection);
      this.#options.onOpen(connection, bytes.slice(start, end));
      return;
    }
    const connection = this.#connections.get(id);
    assert(connection !== undefined, 'Channel: a message belongs to a connection');
    connection.receive(kind, bytes, start, end);
  };

  #send(kind: MessageKind, id: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isOver) return true;
    if (this.#waiting.length > 0 && this.#waiting[0]?.id !== id) return false;
    if (!this.#outgoing.put((kind << ID_BITS) | id, bytes, start, end)) return false;
    if (!this.#isAttending && !this.#isWakeDue) {
      this.#isWakeDue = true;
      this.#options.endOfTurn(this.#wake);
    }
    return true;
  }

  readonly #wake = (): void => {
    this.#isWakeDue = false;
    if (!this.#isOver && this.#outgoing.mustWake) this.#ring();
  };

  #ring(): void {
    const port = this.#port;
    port.postMessage(0);
  }

  #wait(connection: ChannelConnection): void {
    assert(!connection.isWaiting, 'Channel: a connection waits once');
    connection.isWaiting = true;
    this.#waiting.push(connection);
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const [connection] = this.#waiting;
      if (connection === undefined || !connection.push()) return;
      connection.isWaiting = false;
      this.#waiting.shift();
    }
  }

  #release(id: number, parity: number): void {
    this.#connections.delete(id);
    if ((id & 1) === parity) this.#freeIds.push(id);
  }

  #lost(): void {
    if (this.#isOver) return;
    // What was sent before the end has arrived.
    this.#incoming.take(this.#onMessage);
    this.#isOver = true;
    this.#endAll();
    this.#options.onGone();
  }

  #endAll(): void {
    this.#attendant.remove(this);
    this.#waiting.length = 0;
    for (const connection of this.#connections.values()) connection.lost();
    this.#connections.clear();
  }
}
