/** The network between one server, life after life, and its clients. */
import type { ConnectionSource, ServerAdapters } from '@k-lani/server';
import type { Link, LinkReceiver, Transport } from 'k-lani-client';
import type { Chance } from '../world/chance.ts';
import type { SimProcess } from '../world/sim-process.ts';
import { Connection } from './connection.ts';
import type { NetworkFaults } from './network-faults.ts';

/** After a power cut clients learn that their server is another one when they send again, within this time of its return, milliseconds. */
const NOTICE_MS_MAX = 2000;

type Take = Parameters<ConnectionSource['start']>[0];

export class SimNetwork {
  readonly #chance: Chance;
  readonly #faults: NetworkFaults;
  readonly #onLost: (client: string) => void;
  readonly #connections = new Set<Connection>();
  #server: SimProcess | undefined;
  #take: Take | undefined;
  #isListening = false;
  /** Those that came before the server takes any. */
  readonly #early: Connection[] = [];

  /** @param onLost told the name of a client whose connection may be over at one end */
  constructor(chance: Chance, faults: NetworkFaults, onLost: (client: string) => void) {
    this.#chance = chance;
    this.#faults = faults;
    this.#onLost = onLost;
  }

  /** What the server listens with, in this process. */
  listener(server: SimProcess): NonNullable<ServerAdapters['listen']> {
    return async (address) => {
      this.#server = server;
      this.#isListening = true;
      // Those who still wait for a server that is gone learn it from its successor.
      for (const connection of this.#connections) connection.refuse(this.#chance.between(0, NOTICE_MS_MAX), 'ECONNRESET');
      this.#connections.clear();
      return {
        address,
        start: (take) => {
          this.#take = take;
          for (const connection of this.#early.splice(0)) this.#accept(connection);
        },
        close: () => {
          this.#isListening = false;
          for (const connection of this.#early.splice(0)) connection.refuse(0, 'ECONNRESET');
        },
      };
    };
  }

  /** The server's process is gone: after a kill its system tells the clients, after a power cut nobody does. */
  serverGone(kind: 'kill' | 'power cut'): void {
    this.#take = undefined;
    this.#server = undefined;
    this.#isListening = false;
    this.#early.length = 0;
    for (const connection of this.#connections) {
      if (kind === 'kill') connection.refuse(this.#faults.delayMs(), 'ECONNRESET');
      else connection.die();
    }
    if (kind === 'kill') this.#connections.clear();
  }

  /** How the clients in a process reach the server. */
  transport(client: SimProcess): Transport {
    return {
      connect: (_url, receiver) => this.#connect(client, receiver),
      endOfTurn: (callback) => void client.plan(0, 'end of turn', callback),
    };
  }

  #connect(client: SimProcess, receiver: LinkReceiver): Link {
    const server = this.#server;
    const onLost = (): void => this.#onLost(client.name);
    const connection = new Connection({ client, server: server ?? client, receiver, chance: this.#chance, faults: this.#faults, onLost });
    if (server === undefined) {
      connection.refuse(this.#faults.delayMs(), 'ECONNREFUSED');
      return connection;
    }
    for (const other of this.#connections) if (other.isOver) this.#connections.delete(other);
    this.#connections.add(connection);
    server.plan(this.#faults.delayMs(), 'connection', () => {
      if (!this.#isListening) connection.refuse(0, 'ECONNREFUSED');
      else if (this.#take === undefined) this.#early.push(connection);
      else this.#accept(connection);
    });
    return connection;
  }

  #accept(connection: Connection): void {
    this.#take?.(connection.accept());
    connection.client.plan(this.#faults.delayMs(), 'connected', () => connection.open());
  }
}
