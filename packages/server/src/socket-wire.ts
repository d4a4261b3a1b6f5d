/**
 * A TCP or Unix socket as a wire.
 *
 * Node gives the option `onread`, which reads into memory of the user's, to sockets that connect and not to those that were accepted. Without it
 * every read allocates, makes two views and passes through the machinery of streams: measured on a server with 128 connections and one
 * request each, 8 µs a request in place of 5. So the accepted socket's handle is given to a socket that has the option. The handle is no
 * public part of Node: where it is missing, the socket is read in the ordinary way. `socket-wire.test.ts` holds both ways to the same.
 */
import { duplicateDescriptor } from '@k-lani/engine';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { AcceptedWire, WireUser } from './wire.ts';

/** Bytes taken from the system at once. */
const READ_SIZE_BYTES = 64 * 1024;

/** One for all sockets: what was read is used up before the next read. */
const readBuffer = new Uint8Array(READ_SIZE_BYTES);

/** The part of it that was filled last: with short requests often the same. */
let filled = readBuffer;

export class SocketWire implements AcceptedWire {
  readonly peer: string;
  readonly #readsIntoOwnMemory: boolean;
  #socket: Socket;

  /** @param options.readsIntoOwnMemory false: reads in the ordinary way */
  constructor(accepted: Socket, options: { readonly readsIntoOwnMemory: boolean } = { readsIntoOwnMemory: true }) {
    this.#socket = accepted;
    this.#readsIntoOwnMemory = options.readsIntoOwnMemory;
    this.peer = accepted.remoteAddress === undefined ? 'unix' : `${accepted.remoteAddress}:${String(accepted.remotePort)}`;
  }

  /** The wire of a connected socket that another thread has accepted. */
  static ofDescriptor(descriptor: number): SocketWire {
    return new SocketWire(new Socket({ fd: descriptor, readable: true, writable: true, allowHalfOpen: true }));
  }

  /** Gives what happens on the socket to `user`, from now on. The socket was paused until now. */
  attach(user: WireUser): void {
    const adopted = this.#readsIntoOwnMemory ? adopt(this.#socket, user) : undefined;
    if (adopted === undefined) this.#socket.on('data', (chunk: Uint8Array) => user.received(chunk));
    else this.#socket = adopted;
    const socket = this.#socket;
    socket.on('drain', () => user.drained());
    socket.on('end', () => user.finished());
    // What the error says is of no use to anyone: the other end is gone, and `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => user.closed());
    socket.resume();
  }

  /** A second descriptor of the socket, which lives by itself; `undefined` where its handle cannot be reached. @throws {KLaniError} Io */
  duplicate(): number | undefined {
    const handle: unknown = Reflect.get(this.#socket, '_handle');
    const descriptor: unknown = typeof handle === 'object' && handle !== null && 'fd' in handle ? handle.fd : undefined;
    return typeof descriptor === 'number' && descriptor >= 0 ? duplicateDescriptor(descriptor) : undefined;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array, sizeBytes: number): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    socket.write(Buffer.from(bytes.buffer, bytes.byteOffset, sizeBytes));
    // Empty again only when the system took all of it during the call.
    return socket.writableLength === 0;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** A socket over the handle of an accepted one, which must not be used any more. */
function adopt(accepted: Socket, user: WireUser): Socket | undefined {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return undefined;
  Reflect.set(accepted, '_handle', null);
  const onread = {
    buffer: readBuffer,
    callback: (sizeBytes: number): boolean => {
      if (sizeBytes !== filled.length) filled = readBuffer.subarray(0, sizeBytes);
      user.received(filled);
      return true;
    },
  };
  const options: SocketConstructorOpts = { onread, allowHalfOpen: true };
  return new Socket(Object.assign(options, { handle }));
}
