/** `k-lani claim`: takes rows that meet terms and sets fields of them, all in one command. */
import { Command } from 'commander';
import { type ClaimResult, KLaniError } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { rowFromWords } from '../data/row-text.ts';
import { termsFromWords } from '../data/term-text.ts';
import { integerBetween } from '../integer-option.ts';
import { countText } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';
import { type OperationIdOption, withOperationId, writeOptions } from './write-options.ts';

const COUNT_MAX = 1024;

interface ClaimCommandOptions extends StoreOptions, OperationIdOption {
  readonly set: readonly string[];
  readonly count: number;
}

/** The command. */
export function claimCommand(): Command {
  const command = withStoreOptions(new Command('claim'))
    .summary('take rows that meet terms')
    .description(
      'Take rows that meet all terms and set fields of them, as one command: all of the rows asked for, or none. Terms are written as for ' +
        'query. When nothing matches the command ends with exit code 1; when others hold the locks of all that match, with 5.',
    )
    .argument('<table>', 'the table’s name')
    .argument('[terms...]', "such as is_booked=false or 'price<=100'")
    .requiredOption('--set <fields...>', 'what is written into the rows, as field=value words')
    .option('--count <rows>', 'how many rows to take', integerBetween(1, COUNT_MAX), 1);
  return withOperationId(command)
    .addHelpText(
      'after',
      examples(
        ['two free seats of rank 3 for ada', 'k-lani claim seats rank=3 is_booked=false --count 2 --set is_booked=true buyer=ada'],
        [
          'the same in a script that may be run again',
          'k-lani claim seats is_booked=false --set is_booked=true --operation-id 5e1f00000000000000000000000000a1 --json',
        ],
      ),
    )
    .action(async (name: string, words: readonly string[], options: ClaimCommandOptions, own: Command) => {
      const terminal = terminalOf(own);
      await useStore({ options, command: own, terminal, access: 'write' }, async (store) => {
        const { table } = await store.openTable(name);
        const line = { where: termsFromWords(table.schema, words), set: rowFromWords(table.schema, options.set), count: options.count };
        const claimed = taken(name, await table.claim(line, writeOptions(options)));
        const rows = (claimed.lines[0] ?? []).map(({ rowId, version }) => ({ rowId, version }));
        terminal.result({ lsn: claimed.lsn, operationId: claimed.operationId, rows }, () => {
          const ids = rows.map(({ rowId }) => rowId).join(', ');
          return `Took ${countText(rows.length)} rows of "${name}": ${ids} (lsn ${claimed.lsn}, operation ${claimed.operationId}).`;
        });
      });
    });
}

/** @throws {KLaniError} NoneAvailable, AllLocked */
function taken(name: string, result: ClaimResult): Extract<ClaimResult, { outcome: 'claimed' }> {
  if (result.outcome === 'claimed') return result;
  if (result.outcome === 'none_available') throw new KLaniError('NoneAvailable', `Cannot claim rows of "${name}": too few match`);
  const { retryAfterMs } = result;
  throw new KLaniError('AllLocked', `Cannot claim rows of "${name}": others hold the locks of those that match`, { retryAfterMs });
}
