import type { ChannelConnection } from '@k-lani/base';
import type { AcceptedWire, WireUser } from './wire.ts';

/** A connection of another thread as a wire. */
export class ThreadWire implements AcceptedWire {
  readonly peer: string;
  readonly #connection: ChannelConnection;

  constructor(connection: ChannelConnection, peer: string) {
    this.#connection = connection;
    this.peer = peer;
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes;
  }

  attach(user: WireUser): void {
    this.#connection.attach(user);
  }

  write(bytes: Uint8Array, sizeBytes: number): boolean {
    return this.#connection.write(bytes, sizeBytes);
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }
}
