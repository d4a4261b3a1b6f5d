/** `k-lani seek`: one row by its id. */
import { Command } from 'commander';
import { KLaniError, type VersionedRow } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { type Row, rowToJson, valueText } from '../data/row-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { fieldsText } from '../output/text-table.ts';
import { rowIdArgument } from '../row-id.ts';
import { examples, terminalOf } from './context.ts';

/** The command. */
export function seekCommand(): Command {
  return withStoreOptions(new Command('seek'))
    .summary('print one row')
    .description('Print the last durable version of a row.')
    .argument('<table>', 'the table’s name')
    .argument('<rowid>', 'the row’s id', rowIdArgument)
    .addHelpText(
      'after',
      examples(['row 42 of the seats', 'k-lani seek seats 42'], ['who has it', 'k-lani seek seats 42 --json | jq -r .row.buyer']),
    )
    .action(async (name: string, rowId: number, options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      await useStore({ options, command, terminal }, async (store) => {
        const { table } = await store.openTable(name);
        const found = await table.seek(rowId);
        if (found === undefined) throw new KLaniError('NotFound', `Table "${name}" has no row ${rowId}, or it is deleted`);
        terminal.result(versionedRowJson(found), () => versionedRowText(terminal, found));
      });
    });
}

/** A row with its version as JSON. */
export function versionedRowJson({ rowId, version, lsn, row }: VersionedRow<Row>): object {
  return { rowId, version, lsn, row: rowToJson(row) };
}

function versionedRowText(terminal: Terminal, { rowId, version, lsn, row }: VersionedRow<Row>): string {
  const fields = Object.entries(row).map(([name, value]) => [name, valueText(value)] as const);
  const head = terminal.style('dim', `row ${rowId} · version ${version} · lsn ${lsn}`);
  return `${head}\n${fieldsText(terminal, fields)}`;
}
