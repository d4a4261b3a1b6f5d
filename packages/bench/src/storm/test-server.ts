/** The real server as a process, for the tests of this package: it takes the arguments that `serverCommand()` adds. */
import { parseArgs } from 'node:util';
import { startServer } from '@k-lani/server';
import { serverCommand } from './server-process.ts';

/** Starts real servers. */
export const spawnTestServer = serverCommand([process.execPath, import.meta.filename]);

if (import.meta.main) {
  const { values } = parseArgs({
    allowPositionals: true,
    options: { data: { type: 'string' }, listen: { type: 'string' }, durability: { type: 'string' }, json: { type: 'boolean' } },
  });
  const { data = '', listen = '', durability } = values;
  const server = await startServer({
    data,
    listen: [listen],
    durability: durability === 'os' ? 'os' : 'fsync',
    segmentSizeBytes: 1 << 20,
    logLevel: 'error',
  });
  console.log(JSON.stringify({ listening: server.addresses }));
  process.once('SIGTERM', () => void server.close());
}
