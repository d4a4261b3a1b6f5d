/** Listens on one address. Connections that come before they are taken wait, paused. */
import { lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { KLaniError } from '@k-lani/protocol';
import { type Address, formatAddress } from './address.ts';
import { SocketWire } from './socket-wire.ts';
import type { ConnectionSource } from './wire.ts';

/** How long a connection may be silent before the system asks whether its other end is still there, milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** Connections that wait in the system's queue for being accepted. */
const BACKLOG = 1024;

export class Listener implements ConnectionSource {
  /** With the port that the system chose, where port 0 was asked for. */
  readonly address: Address;
  readonly #server: NetServer;
  readonly #early: Socket[] = [];
  #take: ((wire: SocketWire) => void) | undefined;
  #onError: ((error: Error) => void) | undefined;

  private constructor(server: NetServer, address: Address) {
    this.#server = server;
    this.address = address;
    server.on('error', (error) => this.#onError?.(error));
    server.on('connection', (socket: Socket) => {
      if (this.#take === undefined) this.#early.push(socket);
      else this.#take(new SocketWire(socket));
    });
  }

  /**
   * Begins to listen. The socket file that a killed server left is replaced.
   *
   * @throws {KLaniError} AddressInUse, ReadOnly, InvalidConfiguration for an address that this machine does not have, Io
   */
  static async open(address: Address): Promise<Listener> {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
    });
    try {
      await listen(server, address);
    } catch (error) {
      if (!isCode(error, 'EADDRINUSE') || address.kind !== 'unix' || !(await isStale(address.path))) throw listenError(address, error);
      rmSync(address.path, { force: true });
      await listen(server, address).catch((again: unknown) => {
        throw listenError(address, again);
      });
    }
    return new Listener(server, boundAddress(server, address));
  }

  /** Gives every connection to `take`, first those that came before, and to `onError` what keeps one from being accepted. */
  start(take: (wire: SocketWire) => void, onError: (error: Error) => void): void {
    this.#take = take;
    this.#onError = onError;
    for (const socket of this.#early.splice(0)) take(new SocketWire(socket));
  }

  /** Accepts no more connections; those that were given away go on. Connections that wait are closed. */
  close(): void {
    this.#server.close();
    for (const socket of this.#early.splice(0)) socket.destroy();
  }
}

function listen(server: NetServer, address: Address): Promise<void> {
  const where = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Whether the file is a socket on which nobody listens. */
async function isStale(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(isCode(error, 'ECONNREFUSED') || isCode(error, 'ENOENT')));
  });
}

function boundAddress(server: NetServer, address: Address): Address {
  const bound = server.address();
  return address.kind === 'tcp' && bound !== null && typeof bound === 'object' ? { ...address, port: bound.port } : address;
}

function listenError(address: Address, cause: unknown): KLaniError {
  const message = `Cannot listen on ${formatAddress(address)}: ${cause instanceof Error ? cause.message : String(cause)}`;
  if (isCode(cause, 'EADDRINUSE')) return new KLaniError('AddressInUse', message, { cause });
  if (isCode(cause, 'EADDRNOTAVAIL') || isCode(cause, 'ENOTFOUND')) return new KLaniError('InvalidConfiguration', message, { cause });
  if (isCode(cause, 'EACCES') || isCode(cause, 'EROFS')) return new KLaniError('ReadOnly', message, { cause });
  return new KLaniError('Io', message, { cause });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
