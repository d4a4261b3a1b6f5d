/** A database in a directory, opened by this process for the length of one command. */
import { existsSync, readdirSync } from 'node:fs';
import { type EmbeddedDatabase, openDatabase } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import type { Terminal } from '../output/terminal.ts';
import { sizeText } from '../output/text-table.ts';
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
  if (!create && !holdsDatabase(directory)) {
    throw new KLaniError('NotFound', `Cannot open ${directory}: no database is in it; make one with "k-lani table create" or "k-lani serve"`);
  }
  using bar = terminal.progress('Checking the log');
  const database = await openDatabase(directory, {
    actor,
    progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
  });
  return embeddedStore(database);
}

function holdsDatabase(directory: string): boolean {
  return existsSync(directory) && readdirSync(directory).some((name) => name.endsWith('.segment'));
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
