/** Where a server listens: `tcp://HOST:PORT` (port 0: any free one; IPv6 as `tcp://[::1]:7700`) or `unix:/PATH`. */
import { KLaniError } from '@k-lani/protocol';

/** A parsed address. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const PORT_MAX = 65_535;

/** Longest path of a Unix socket on Linux, bytes; the system cuts longer ones silently. */
const UNIX_PATH_SIZE_BYTES_MAX = 107;

/** @throws {KLaniError} InvalidConfiguration */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) return parseUnix(text);
  const url = text.startsWith('tcp://') ? URL.parse(text) : null;
  const isAddress = url !== null && url.hostname !== '' && url.port !== '' && ['', '/'].includes(url.pathname) && url.search === '';
  const port = Number(url?.port);
  if (!isAddress || port > PORT_MAX) throw badAddress(text, 'must be tcp://HOST:PORT or unix:/PATH');
  return { kind: 'tcp', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

/** The text that `parseAddress` reads. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

function parseUnix(text: string): Address {
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.includes('\0')) throw badAddress(text, 'must be unix: and the path of a socket');
  const sizeBytes = new TextEncoder().encode(path).length;
  if (sizeBytes > UNIX_PATH_SIZE_BYTES_MAX)
    throw badAddress(text, `its path has ${sizeBytes} bytes, must have <= ${UNIX_PATH_SIZE_BYTES_MAX}`);
  return { kind: 'unix', path };
}

function badAddress(text: string, rule: string): KLaniError {
  return new KLaniError('InvalidConfiguration', `Cannot listen on ${JSON.stringify(text)}: ${rule}`);
}
