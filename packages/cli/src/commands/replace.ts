/** `k-lani replace`: the next version of a row. */
import { Command } from 'commander';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { rowIdArgument } from '../row-id.ts';
import { examples, terminalOf } from './context.ts';
import { type OperationIdOption, rowFromArguments, withIfVersion, withOperationId, writeOptions } from './write-options.ts';

interface ReplaceOptions extends StoreOptions, OperationIdOption {
  readonly ifVersion: number;
}

/** The command. */
export function replaceCommand(): Command {
  const command = withStoreOptions(new Command('replace'))
    .summary('write the next version of a row')
    .description(
      'Replace a row by another one, if it still has the version that it was read with. The whole row is given: a field that is left out ' +
        'has its default, or none. The version before stays in the history.',
    )
    .argument('<table>', 'the table’s name')
    .argument('<rowid>', 'the row’s id', rowIdArgument)
    .argument('<row...>', 'a JSON object, or field=value words');
  return withOperationId(withIfVersion(command))
    .addHelpText(
      'after',
      examples(
        ['the price of seat 42', 'k-lani replace seats 42 rank=3 price=99.00 --if-version 1'],
        ['the same as JSON', 'k-lani replace seats 42 \'{"rank": 3, "price": "99.00"}\' --if-version 1 --json'],
      ),
    )
    .action(async (name: string, rowId: number, words: readonly string[], options: ReplaceOptions, own: Command) => {
      const terminal = terminalOf(own);
      await useStore({ options, command: own, terminal, access: 'write' }, async (store) => {
        const { table } = await store.openTable(name);
        const row = rowFromArguments(table, words);
        const { version, lsn } = await table.replace(rowId, row, { ifVersion: options.ifVersion, ...writeOptions(options) });
        terminal.result({ rowId, version, lsn }, () => `Replaced row ${rowId}: version ${version} (lsn ${lsn}).`);
      });
    });
}
