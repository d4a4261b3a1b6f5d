import type { Socket } from 'node:net';
import type { Wire, WireUser } from './wire.ts';

/** A TCP or Unix socket as a wire. */
export class SocketWire implements Wire {
  readonly peer: string;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.peer = socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${String(socket.remotePort)}`;
  }

  /** Gives what happens on the socket to `user`, from now on. */
  attach(user: WireUser): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => user.received(chunk));
    socket.on('drain', () => user.drained());
    // What the error says is of no use to anyone: the other end is gone, and `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => user.finished());
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
