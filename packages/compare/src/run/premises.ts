/** What a comparison needs for itself, looked at before anything starts: ports and a data directory. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { KLaniError } from '@k-lani/protocol';

const PORT_MAX = 65_535;

/**
 * Finds so many ports of loopback that nobody listens at.
 *
 * @param first the first of as many in a row; `undefined` for any
 * @throws {KLaniError} `InvalidArgument` with the port that is in use
 */
export async function freePorts(count: number, first: number | undefined): Promise<number[]> {
  if (first !== undefined && (first < 1 || first + count - 1 > PORT_MAX)) {
    throw new KLaniError('InvalidArgument', `Cannot compare: ports are ${first} to ${first + count - 1}, must be 1 to ${PORT_MAX}`);
  }
  const servers = Array.from({ length: count }, () => createServer());
  try {
    const ports: number[] = [];
    // All are held until the last is found, so that none is found twice.
    for (const [index, server] of servers.entries()) {
      const wanted = first === undefined ? 0 : first + index;
      const listening = once(server, 'listening');
      server.listen(wanted, '127.0.0.1');
      await listening.catch((error: unknown) => {
        throw new KLaniError('InvalidArgument', `Cannot compare: port ${wanted} is in use; choose another --first-port`, { cause: error });
      });
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error(`Cannot tell the port of ${String(address)}`);
      ports.push(address.port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}

/**
 * Makes the directory that the systems keep their data in.
 *
 * @param wanted one that is empty or not there; `undefined` for one of the system's temporary directories
 * @throws {KLaniError} `InvalidArgument` when something is in it, or it cannot be made
 */
export function dataDirectory(wanted: string | undefined): string {
  if (wanted === undefined) return mkdtempSync(join(tmpdir(), 'k-lani-compare-'));
  const directory = resolve(wanted);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new KLaniError('InvalidArgument', `Cannot compare in ${directory}: it is no directory, and cannot be made one`, { cause: error });
  }
  if (readdirSync(directory).length === 0) return directory;
  throw new KLaniError('InvalidArgument', `Cannot compare in ${directory}: it is not empty; choose another --data`);
}
