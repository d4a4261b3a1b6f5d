/** `k-lani operation`: what became of a write, by its operation id. */
import { Command } from 'commander';
import type { OperationStatus } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../output/terminal.ts';
import { fieldsText, textTable } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';

/** The command. */
export function operationCommand(): Command {
  return withStoreOptions(new Command('operation'))
    .summary('print what became of a write')
    .description(
      'Print what became of a write, by its operation id: the one that was given to it, or that an error has told. A write that is not ' +
        'known, because it never happened or is older than what is remembered, ends with exit code 4.',
    )
    .argument('<id>', '32 hexadecimal digits')
    .addHelpText(
      'after',
      examples(
        ['after a lost connection', 'k-lani operation 5e1f00000000000000000000000000a1'],
        ['in a script', 'k-lani operation 5e1f00000000000000000000000000a1 --json | jq -r .state'],
      ),
    )
    .action(async (id: string, options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      await useStore({ options, command, terminal }, async (store) => {
        const status = await store.operationStatus(id);
        terminal.result(status, () => statusText(terminal, status));
        if (status.state === 'unknown') process.exitCode = ExitCode.notFound;
      });
    });
}

function statusText(terminal: Terminal, status: OperationStatus): string {
  if (status.state === 'unknown') return 'Unknown: it never happened, or is older than what is remembered.';
  const facts = fieldsText(terminal, [
    ['state', 'done, and durable'],
    ['command', status.command],
    ['lsn', `${status.lsn}, written ${status.time.toISOString()}`],
  ]);
  if (status.changes.length === 0) return facts;
  const columns = [{ title: 'table' }, { title: 'row', isNumber: true }, { title: 'version', isNumber: true }];
  const rows = status.changes.map(({ table, rowId, version }) => [table, String(rowId), String(version)]);
  return `${facts}\n\n${textTable(terminal, columns, rows)}`;
}
