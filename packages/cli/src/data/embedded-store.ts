/** A database in a directory, opened by this process for the length of one command. */
import { type EmbeddedDatabase, openDatabase } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { Terminal } from '../output/terminal.ts';
import { withRemedy } from '../output/failure.ts';
import { sizeText } from '../output/text-table.ts';
import { expectDatabase } from './expect-database.ts';
import type { Store } from './store.ts';

/**
 * Opens the database in a directory.
 *
 * @param options.create whether to make one where there is none
 * @throws {KLaniError} `NotFound` where there is none; `DirectoryLocked` while a server has it open; as `openDatabase`
 */
export async function openEmbeddedStore(
  directory: string,
  { create, actor, terminal }: { readonly create: boolean; readonly actor: string; readonly terminal: Terminal },
): Promise<Store> {
  if (!create) expectDatabase(directory);
  using bar = terminal.progress('Checking the log');
  try {
    const progress = (done: number, total: number): void => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`);
    return embeddedStore(await openDatabase(directory, { actor, progress }));
  } catch (error) {
    throw isLocked(error)
      ? withRemedy(error, 'Ask the server that has it open: leave out --data, or give its address with --connect.')
      : error;
  }
}

function isLocked(error: unknown): error is KLaniError {
  return error instanceof KLaniError && error.code === 'DirectoryLocked';
}

function embeddedStore(database: EmbeddedDatabase): Store {
  return {
    place: database.path,
    openTable: async (name) => {
      const table = await database.openTable(name);
      return { table, appendAll: (rows) => database.batch((batch) => rows.forEach((row) => batch.append(table, row))) };
    },
    createTable: (schema) => database.table(schema),
    alterTable: (schema) => database.alterTable(schema),
    listTables: () => database.listTables(),
    stats: () => database.stats(),
    [Symbol.asyncDispose]: () => database.close(),
  };
}
