/**
 * One connection between a client and a server, and how it ends: in order, by a reset, or with nobody told.
 *
 * 1. Each end learns once that the connection is over, unless the connection is dead: then only who gives up himself learns it.
 */
import type { AcceptedWire, WireUser } from '@k-lani/server';
import type { Link, LinkReceiver } from 'k-lani-client';
import type { Chance } from '../world/chance.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { NetworkFaults } from './network-faults.ts';
import { Pipe } from './pipe.ts';

export interface ConnectionParts {
  readonly client: SimProcess;
  readonly server: SimProcess;
  readonly receiver: LinkReceiver;
  readonly chance: Chance;
  readonly faults: NetworkFaults;
  /** Told when one end may have lost the other. */
  readonly onLost: () => void;
}

export class Connection implements Link {
  readonly #parts: ConnectionParts;
  readonly #toServer: Pipe;
  readonly #toClient: Pipe;
  #user: WireUser | undefined;
  #isClientOver = false;
  #isServerOver = false;
  /** Nothing arrives any more, and nobody knows. */
  #isDead = false;
  #isFinished = false;

  constructor(parts: ConnectionParts) {
    const { chance, client, server, receiver } = parts;
    this.#parts = parts;
    this.#toServer = new Pipe(chance, {
      receiver: server,
      received: (bytes) => this.#user?.received(bytes),
      ended: () => this.#finish(),
      drained: () => client.plan(0, 'drained', () => this.#isClientOver || receiver.onDrain()),
      delayMs: () => this.#delayMs(),
    });
    this.#toClient = new Pipe(chance, {
      receiver: client,
      received: (bytes) => {
        if (!this.#isClientOver) receiver.onData(bytes);
      },
      ended: () => this.#endClient(undefined),
      drained: () => server.plan(0, 'drained', () => this.#isServerOver || this.#user?.drained()),
      delayMs: () => this.#delayMs(),
    });
  }

  get isOver(): boolean {
    return this.#isClientOver && this.#isServerOver;
  }

  get client(): SimProcess {
    return this.#parts.client;
  }

  /** The server's end, for its session. */
  accept(): AcceptedWire {
    const { server, client } = this.#parts;
    const toClient = this.#toClient;
    return {
      peer: client.name,
      get unsentBytes() {
        return toClient.unsentBytes;
      },
      attach: (user) => {
        this.#user = user;
      },
      write: (bytes, sizeBytes) => this.#isServerOver || toClient.write(bytes.subarray(0, sizeBytes)),
      pause: () => this.#toServer.pause(),
      resume: () => this.#toServer.resume(),
      end: () => {
        toClient.end();
        if (this.#isClientOver || this.#isDead) server.plan(this.#parts.faults.giveUpMs(), 'connection over', () => this.#closeServer());
      },
      destroy: () => {
        server.plan(0, 'connection over', () => this.#closeServer());
        this.#resetClient();
      },
    };
  }

  /** The client's end is open. */
  open(): void {
    if (!this.#isClientOver) this.#parts.receiver.onOpen();
  }

  get unwrittenBytes(): number {
    return this.#toServer.unsentBytes;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClientOver) this.#toServer.write(bytes);
  }

  destroy(): void {
    const { client } = this.#parts;
    this.#parts.onLost();
    client.plan(0, 'link over', () => this.#endClient(undefined));
  }

  /** Ends it from outside: both are told, what is on its way is lost. */
  reset(): void {
    const { server } = this.#parts;
    this.#parts.onLost();
    this.#toServer.cut();
    this.#resetClient();
    server.plan(this.#parts.faults.delayMs(), 'reset', () => this.#closeServer());
  }

  /** Ends the client's end only: the server is gone. */
  refuse(delayMs: number, code: string): void {
    this.#parts.onLost();
    this.#toServer.cut();
    this.#toClient.cut();
    this.#isServerOver = true;
    this.#parts.client.plan(delayMs, code, () => this.#closeClient(new Error(code)));
  }

  /** Lets nothing through any more, and tells nobody. */
  die(): void {
    this.#parts.onLost();
    this.#isDead = true;
    this.#toServer.cut();
    this.#toClient.cut();
  }

  /** Both directions can go wrong with each piece. */
  #delayMs(): number | undefined {
    const { faults } = this.#parts;
    if (this.#isDead) return undefined;
    const fault = faults.next();
    if (fault === 'reset') this.reset();
    else if (fault === 'half-open') this.die();
    return fault === undefined ? faults.delayMs() : undefined;
  }

  #resetClient(): void {
    const { client, faults } = this.#parts;
    if (this.#isDead) return;
    this.#parts.onLost();
    this.#toClient.cut();
    client.plan(faults.delayMs(), 'reset', () => this.#closeClient(new Error('ECONNRESET')));
  }

  /** The client's end is over: by itself, or because the server has ended. */
  #endClient(cause: unknown): void {
    if (this.#isClientOver) return;
    this.#closeClient(cause);
    this.#toServer.end();
  }

  #closeClient(cause: unknown): void {
    if (this.#isClientOver) return;
    this.#isClientOver = true;
    this.#parts.onLost();
    this.#toClient.cut();
    this.#parts.receiver.onClose(cause);
  }

  /** The client sends no more. */
  #finish(): void {
    if (this.#isServerOver || this.#isFinished) return;
    this.#isFinished = true;
    this.#user?.finished();
    this.#parts.server.plan(this.#parts.faults.giveUpMs(), 'connection over', () => this.#closeServer());
  }

  #closeServer(): void {
    if (this.#isServerOver) return;
    this.#isServerOver = true;
    this.#parts.onLost();
    this.#toServer.cut();
    this.#user?.closed();
  }
}
