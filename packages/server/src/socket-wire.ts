import { Socket } from 'node:net';
import type { Wire, WireUser } from './wire.ts';

/** Bytes taken from the system at once. */
const READ_SIZE_BYTES = 64 * 1024;

/** One for all sockets: what is read is used up before the next read. */
const readBuffer = new Uint8Array(READ_SIZE_BYTES);

/** A TCP or Unix socket as a wire. */
export class SocketWire implements Wire {
  readonly peer: string;
  #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.peer = socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${String(socket.remotePort)}`;
  }

  /** Gives what happens on the socket to `user`, from now on. */
  attach(user: WireUser): void {
    const accepted = this.#socket as Socket & { _handle: unknown };
    const handle = accepted._handle;
    accepted._handle = null;
    const onread = { buffer: readBuffer, callback: (length: number): boolean => { user.received(readBuffer.subarray(0, length)); return true; } };
    const socket = new Socket({ handle, onread, allowHalfOpen: true } as object);
    this.#socket = socket;
    socket.on('drain', () => user.drained());
    socket.on('end', () => user.finished());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => user.closed());
    socket.resume();
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    socket.write(bytes);
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
