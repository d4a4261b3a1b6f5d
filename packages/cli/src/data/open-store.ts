/** Where a data command works: on a server, or directly on a directory. */
import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import { CLIENT_NAME_BYTES_MAX, KLaniError } from '@k-lani/protocol';
import { integerBetween } from '../integer-option.ts';
import type { Terminal } from '../output/terminal.ts';
import { nearestName } from '../output/nearest-name.ts';
import type { OpenedTable, Store, StoreAccess } from './store.ts';

/** The server that data commands ask unless told otherwise. */
const CONNECT_DEFAULT = 'tcp://127.0.0.1:7700';

const TIMEOUT_MS = 30_000;
const TIMEOUT_MS_MAX = 3_600_000;

/** The options of {@link withStoreOptions}. */
export interface StoreOptions {
  readonly connect: string;
  readonly data?: string;
  readonly actor?: string;
  readonly timeoutMs: number;
}

/** Gives a command the options that say where it works. */
export function withStoreOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--connect <url>', 'the server to ask: tcp://HOST:PORT or unix:PATH').env('K_LANI_CONNECT').default(CONNECT_DEFAULT),
    )
    .option('--data <dir>', 'work directly on this directory, which no server may have open')
    .addOption(new Option('--actor <name>', 'who does this, for the history; your user name by default').env('K_LANI_ACTOR'))
    .option('--timeout-ms <ms>', 'how long to wait for an answer', integerBetween(1, TIMEOUT_MS_MAX), TIMEOUT_MS);
}

/**
 * Opens what the options name, for `use`, and closes it.
 *
 * @param mode.access what the command does; reads unless it says more
 */
export async function useStore<T>(
  { options, command, terminal, access = 'read' }: { options: StoreOptions; command: Command; terminal: Terminal; access?: StoreAccess },
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const actor = options.actor ?? ownName();
  if (Buffer.byteLength(actor) > CLIENT_NAME_BYTES_MAX) {
    throw new KLaniError('InvalidArgument', `--actor is ${Buffer.byteLength(actor)} bytes long, must be <= ${CLIENT_NAME_BYTES_MAX}`);
  }
  if (options.data !== undefined && command.getOptionValueSource('connect') === 'cli') {
    throw new KLaniError('InvalidArgument', '--connect and --data exclude each other: a server, or a directory that no server has open');
  }
  await using store = options.data === undefined ? await remote(options, actor) : await embedded(options.data, { access, actor, terminal });
  return await use({ ...store, openTable: (name) => openTable(store, name) });
}

/** Opens a table; for a name that is mistyped, says which there is. */
async function openTable(store: Store, name: string): Promise<OpenedTable> {
  try {
    return await store.openTable(name);
  } catch (error) {
    if (!(error instanceof KLaniError) || error.code !== 'UnknownTable') throw error;
    const tables = await store.listTables();
    const nearest = nearestName(
      name,
      tables.map((table) => table.name),
    );
    if (nearest === undefined) throw error;
    throw new KLaniError('UnknownTable', `${error.message.replace(/[.\s]*$/, '')} (did you mean ${nearest}?)`, { cause: error });
  }
}

// Only the one that is needed is loaded: the engine, or the client.

async function remote({ connect, timeoutMs }: StoreOptions, actor: string): Promise<Store> {
  const { openRemoteStore } = await import('./remote-store.ts');
  return openRemoteStore(connect, { actor, timeoutMs });
}

async function embedded(directory: string, options: { access: StoreAccess; actor: string; terminal: Terminal }): Promise<Store> {
  const { openEmbeddedStore } = await import('./embedded-store.ts');
  return openEmbeddedStore(directory, options);
}

function ownName(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A user id without a name, as in many containers.
    return 'cli';
  }
}
