import { type Client, type ClientOptions, openClient } from './client.ts';
import { tcpTransport } from './tcp-transport.ts';

/**
 * Connects to a server over TCP (`tcp://127.0.0.1:7700`) or a Unix socket (`unix:/run/k-lani.sock`).
 *
 * ```ts
 * await using db = await connect('tcp://127.0.0.1:7700', { name: 'box-office-3' });
 * const seats = await db.table(seatsSchema);
 * const sale = await seats.claim({ where: [{ field: 'is_booked', eq: false }], set: { is_booked: true, buyer: 'ada' } });
 * ```
 *
 * @throws {KLaniError} `ConnectionLost` when nobody answers there, `Aborted`, `InvalidArgument`, `VersionUnsupported`, `AuthFailed`
 */
export function connect(url: string, options?: ClientOptions): Promise<Client> {
  return openClient(tcpTransport, url, options);
}
