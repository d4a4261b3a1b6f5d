/**
 * Who may import whom, and who may touch the world outside: the one table of it. `tidy.test.ts` holds the tree to it.
 *
 * 1. A package imports another by its name and only its `mod.ts`; inside a package nobody imports `mod.ts`.
 * 2. A package imports only the packages its row names, a folder of the engine only the folders its row names.
 * 3. What runs in a browser imports nothing from `node:` and uses no global that only Node has.
 * 4. Disk, network, time, chance and native code are touched only by the adapters listed here, each only by the effects it is listed with;
 *    an adapter that no longer needs an effect leaves the list.
 * 5. Tests may touch everything, and may import what their folder may import, directly or through others.
 */

/** Folder of a package under `packages/` → the folders of the packages it may import. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  engine: ['base', 'protocol'],
  server: ['base', 'protocol', 'engine'],
  client: ['base', 'protocol'],
  threads: ['base', 'protocol', 'engine', 'server', 'client'],
  bench: ['base', 'protocol', 'engine', 'server', 'client'],
  cli: ['base', 'protocol', 'engine', 'server', 'client', 'threads', 'bench'],
  sim: ['base', 'protocol', 'engine', 'server', 'client'],
  compare: ['base', 'protocol', 'engine', 'client', 'threads', 'bench'],
  site: ['protocol', 'bench', 'compare'],
};

/** Folder (or file, without its extension) in `packages/engine/src` → the folders and files it may import besides itself. */
export const ENGINE_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  io: [],
  memory: [],
  lock: [],
  log: ['io'],
  backup: ['io', 'log'],
  table: ['memory', 'log'],
  index: ['memory', 'table'],
  snapshot: ['io', 'memory', 'table', 'index', 'log'],
  checkpoint: ['io', 'memory', 'log', 'table', 'snapshot'],
  database: ['io', 'memory', 'lock', 'log', 'table', 'index', 'snapshot', 'checkpoint'],
  embedded: ['io', 'memory', 'lock', 'log', 'table', 'index', 'snapshot', 'checkpoint', 'database'],
  mod: ['io', 'memory', 'lock', 'log', 'backup', 'table', 'index', 'snapshot', 'checkpoint', 'database', 'embedded'],
};

/** What runs in browsers too (globs). */
export const NODE_FREE: readonly string[] = ['packages/base/src/**', 'packages/protocol/src/**', 'packages/client/src/!(tcp*).ts'];

/** Globals that only Node has. */
export const NODE_GLOBALS: readonly string[] = [
  'Buffer',
  'process',
  'require',
  '__dirname',
  '__filename',
  'setImmediate',
  'clearImmediate',
];

/** A way to touch the world outside. */
export type Effect = 'files' | 'network' | 'time' | 'chance' | 'native' | 'processes';

/** Module → the effect that importing it allows. */
export const EFFECTS_OF_MODULES: Readonly<Record<string, Effect>> = {
  'node:fs': 'files',
  'node:fs/promises': 'files',
  'node:net': 'network',
  'node:tls': 'network',
  'node:dgram': 'network',
  'node:http': 'network',
  'node:https': 'network',
  'node:http2': 'network',
  'node:timers': 'time',
  'node:timers/promises': 'time',
  'node:perf_hooks': 'time',
  'node:child_process': 'processes',
  koffi: 'native',
};

/** Global, or global and member, → its effect. */
export const EFFECTS_OF_GLOBALS: Readonly<Record<string, Effect>> = {
  'Date.now': 'time',
  'new Date()': 'time',
  'performance.now': 'time',
  'process.hrtime': 'time',
  setTimeout: 'time',
  setInterval: 'time',
  setImmediate: 'time',
  'Math.random': 'chance',
  'crypto.getRandomValues': 'chance',
  'crypto.randomUUID': 'chance',
  fetch: 'network',
  WebSocket: 'network',
  WebTransport: 'network',
};

/** Names that `node:crypto` exports and that draw random bytes; the rest of that module is pure. */
export const CHANCE_OF_NODE_CRYPTO: readonly string[] = [
  'getRandomValues',
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'webcrypto',
];

/** Packages that people run, and that may touch everything. */
export const FREE_PACKAGES: readonly string[] = ['bench', 'cli', 'compare', 'site'];

/** File → the effects it adapts. */
export const ADAPTERS: Readonly<Record<string, readonly Effect[]>> = {
  'packages/client/src/environment.ts': ['time', 'chance'],
  'packages/client/src/tcp-transport.ts': ['network', 'time'],
  'packages/engine/src/io/descriptor.ts': ['files'],
  'packages/engine/src/io/directory-lock.ts': ['files'],
  'packages/engine/src/io/libc.ts': ['native'],
  'packages/engine/src/io/node-directory.ts': ['files'],
  'packages/engine/src/io/node-file.ts': ['files'],
  'packages/engine/src/io/node-io.ts': ['files'],
  'packages/engine/src/io/node-clock.ts': ['time'],
  'packages/engine/src/io/node-random.ts': ['chance'],
  'packages/engine/src/io/shared-memory.ts': ['files'],
  'packages/server/src/config.ts': ['files'],
  'packages/server/src/listener.ts': ['files', 'network'],
  'packages/server/src/socket-wire.ts': ['network'],
  'packages/server/src/ticker.ts': ['time'],
  'packages/sim/src/canary/hunt.ts': ['processes'],
  'packages/sim/src/byte-flips/main.ts': ['time'],
  'packages/sim/src/main.ts': ['time', 'processes'],
};
