import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { KLaniError } from '@k-lani/protocol';
import type { Link, LinkReceiver, Transport } from './transport.ts';

/** Bytes taken from the system at once: some hundred answers. */
const READ_BUFFER_BYTES = 64 * 1024;

/** One for all links: what was read is used up before the next read. */
const readBuffer = new Uint8Array(READ_BUFFER_BYTES);

/** The part of it that was filled last: with short answers often the same. */
let filled = readBuffer;

/** A client that ends so many turns one after the other, with no other client in between, is alone. */
const ALONE_TURNS = 8;

/** How many promises deep a caller may be wrapped and still be woken within the turn of a client that is alone. */
const PROMISE_DEPTH = 6;

const DONE = Promise.resolve();

const PORT_MAX = 65_535;

class TcpTransport implements Transport {
  #last: () => void = () => {};
  #turns = 0;
  /** What the end of this turn calls. */
  #ending: (() => void)[] = [];

  connect(url: string, receiver: LinkReceiver): Link {
    return new SocketLink(parseAddress(url), receiver);
  }

  /**
   * Where several clients take turns, a turn ends after every socket that is ready has been read: their writes then follow each other,
   * and a server that sleeps is woken once for all of them, not once for each. A client that is alone does not wait for the other
   * sockets, which saves each call a way through the event loop; only for the callers that the present answers wake.
   */
  endOfTurn(callback: () => void): void {
    this.#turns = callback === this.#last ? this.#turns + 1 : 0;
    this.#last = callback;
    if (this.#turns >= ALONE_TURNS) void afterPromises(callback);
    else if (this.#ending.push(callback) === 1) setImmediate(this.#endTurn);
  }

  /** One for all clients of the turn. */
  readonly #endTurn = (): void => {
    const callbacks = this.#ending;
    this.#ending = [];
    for (const callback of callbacks) callback();
  };
}

/** Links over TCP (`tcp://HOST:PORT`, `tcp://[::1]:7700`) and Unix sockets (`unix:/PATH`), from Node. */
export const tcpTransport: Transport = new TcpTransport();

/** Reads into memory of its own: without it each chunk costs an allocation and passes through the machinery of streams. */
class SocketLink implements Link {
  readonly #socket: Socket;

  constructor(address: NetConnectOpts, receiver: LinkReceiver) {
    const onread = {
      buffer: readBuffer,
      callback: (sizeBytes: number): boolean => {
        if (sizeBytes !== filled.length) filled = readBuffer.subarray(0, sizeBytes);
        receiver.onData(filled);
        return true;
      },
    };
    let cause: unknown;
    this.#socket = connect({ ...address, noDelay: true, onread });
    this.#socket.on('connect', () => receiver.onOpen());
    this.#socket.on('drain', () => receiver.onDrain());
    this.#socket.on('error', (error) => {
      cause = error;
    });
    this.#socket.on('close', () => receiver.onClose(cause));
  }

  get unwrittenBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Each round lets the callers go on that the one before has woken. */
async function afterPromises(callback: () => void): Promise<void> {
  for (let depth = 0; depth < PROMISE_DEPTH; depth += 1) await DONE;
  callback();
}

function parseAddress(url: string): NetConnectOpts {
  if (url.startsWith('unix:')) {
    const path = url.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
    if (path !== '') return { path };
  }
  const parsed = url.startsWith('tcp://') ? URL.parse(url) : null;
  const port = Number(parsed?.port);
  if (parsed !== null && parsed.hostname !== '' && port >= 1 && port <= PORT_MAX) {
    return { host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'), port };
  }
  throw new KLaniError('InvalidArgument', `Cannot connect: address is "${url}", must be tcp://HOST:PORT or unix:/PATH`);
}
