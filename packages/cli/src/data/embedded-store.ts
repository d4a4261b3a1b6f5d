/** A database in a directory, opened by this process for the length of one command. */
import { type EmbeddedDatabase, openDatabase } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { Terminal } from '../output/terminal.ts';
import { withRemedy } from '../output/failure.ts';
import { sizeText } from '../output/text-table.ts';
import { expectDatabase } from './expect-database.ts';
import type { Store, StoreAccess } from './store.ts';

/**
 * Opens the database in a directory.
 *
 * @param options.access whether it is written, and made where there is none; a directory that is only read may be read-only
 * @throws {KLaniError} `NotFound` where there is none; `DirectoryLocked` while a server has it open; as `openDatabase`
 */
export async function openEmbeddedStore(
  directory: string,
  { access, actor, terminal }: { readonly access: StoreAccess; readonly actor: string; readonly terminal: Terminal },
): Promise<Store> {
  if (access !== 'create') expectDatabase(directory);
  using bar = terminal.progress('Checking the log');
  try {
    const progress = (done: number, total: number): void => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`);
    return embeddedStore(await openDatabase(directory, { actor, progress, readOnly: access === 'read' }));
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
    operationStatus: (operationId) => database.operationStatus(operationId),
    [Symbol.asyncDispose]: () => database.close(),
  };
}
