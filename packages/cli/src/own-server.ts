import { fileURLToPath } from 'node:url';
import { serverCommand, type SpawnServer } from '@k-lani/bench';

const SHIM = fileURLToPath(new URL('../bin/k-lani.js', import.meta.url));

/** Starts servers with this very command, by the Node that runs it. */
export function ownServer(environment: NodeJS.ProcessEnv = process.env): SpawnServer {
  return serverCommand([process.execPath, SHIM], environment);
}
