/** The real server as a process, for the tests of this package: it takes the arguments that `serverCommand()` adds. */
import { parseArgs } from 'node:util';
import { CONFIG_KEYS, flagOf, loadConfig, startServer } from '@k-lani/server';
import { serverCommand } from './server-process.ts';

/** Starts real servers. */
export const spawnTestServer = serverCommand([process.execPath, import.meta.filename]);

/** Where the arguments say nothing. */
const FLAGS = { segmentSizeBytes: String(1 << 20), logLevel: 'error' };

if (import.meta.main) {
  const names = new Map(CONFIG_KEYS.map(({ key }) => [flagOf(key).slice('--'.length), key]));
  const options = Object.fromEntries([...names.keys()].map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ allowPositionals: true, options: { ...options, json: { type: 'boolean' } } });
  const given = Object.entries(values).flatMap(([name, value]) => {
    const key = names.get(name);
    return key === undefined ? [] : [[key, String(value)]];
  });
  const config = loadConfig({ file: undefined, environment: {}, flags: { ...FLAGS, ...Object.fromEntries(given) } });
  const server = await startServer(config);
  console.log(JSON.stringify({ listening: server.addresses }));
  process.once('SIGTERM', () => void server.close());
}
