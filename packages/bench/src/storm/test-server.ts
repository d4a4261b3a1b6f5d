/** The real server as a process, for the tests of this package: it takes the arguments that `serverCommand()` adds. */
import { parseArgs } from 'node:util';
import { startServer } from '@k-lani/server';
import { serverCommand } from './server-process.ts';

/** Starts real servers. */
export const spawnTestServer = serverCommand([process.execPath, import.meta.filename]);

if (import.meta.main) {
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      listen: { type: 'string' },
      durability: { type: 'string' },
      'segment-size-bytes': { type: 'string', default: '1048576' },
      'lock-lease-ms-max': { type: 'string', default: '300000' },
      json: { type: 'boolean' },
    },
  });
  const { data = '', listen = '', durability } = values;
  const server = await startServer({
    data,
    listen: [listen],
    durability: durability === 'os' ? 'os' : 'fsync',
    segmentSizeBytes: Number(values['segment-size-bytes']),
    lockLeaseMsMax: Number(values['lock-lease-ms-max']),
    logLevel: 'error',
  });
  console.log(JSON.stringify({ listening: server.addresses }));
  process.once('SIGTERM', () => void server.close());
}
