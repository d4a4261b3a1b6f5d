/** `k-lani delete`: the end of a row. */
import { Command } from 'commander';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { rowIdArgument } from '../row-id.ts';
import { examples, terminalOf } from './context.ts';
import { type OperationIdOption, withIfVersion, withOperationId, writeOptions } from './write-options.ts';

interface DeleteOptions extends StoreOptions, OperationIdOption {
  readonly ifVersion: number;
}

/** The command. */
export function deleteCommand(): Command {
  const command = withStoreOptions(new Command('delete'))
    .summary('delete a row')
    .description('Delete a row, if it still has the version that it was read with. Its history stays, and its id is never given again.')
    .argument('<table>', 'the table’s name')
    .argument('<rowid>', 'the row’s id', rowIdArgument);
  return withOperationId(withIfVersion(command))
    .addHelpText(
      'after',
      examples(['row 42, which has version 3', 'k-lani delete seats 42 --if-version 3'], ['who did it', 'k-lani history seats 42']),
    )
    .action(async (name: string, rowId: number, options: DeleteOptions, own: Command) => {
      const terminal = terminalOf(own);
      await useStore({ options, command: own, terminal, access: 'write' }, async (store) => {
        const { table } = await store.openTable(name);
        const { version, lsn } = await table.delete(rowId, { ifVersion: options.ifVersion, ...writeOptions(options) });
        terminal.result({ rowId, version, lsn }, () => `Deleted row ${rowId}: version ${version} (lsn ${lsn}).`);
      });
    });
}
