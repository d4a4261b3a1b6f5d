/** `k-lani history`: every version of a row, with who made it, when and under which operation id. */
import { Command } from 'commander';
import { KLaniError } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { type Row, rowToJson, valueText } from '../data/row-text.ts';
import type { StoredVersion } from '../data/store.ts';
import { integerBetween } from '../integer-option.ts';
import { plain } from '../output/plain-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { rowIdArgument } from '../row-id.ts';
import { examples, terminalOf } from './context.ts';

const LIMIT = 20;
const LIMIT_MAX = 4096;
const VERSION_MAX = 0xffff_ffff;

interface HistoryOptions extends StoreOptions {
  readonly limit: number;
  readonly before?: number;
}

/** The command. */
export function historyCommand(): Command {
  return withStoreOptions(new Command('history'))
    .summary('print the versions of a row')
    .description('Print the versions of a row, newest first: what changed, when, by whom, at which lsn, under which operation id.')
    .argument('<table>', 'the table’s name')
    .argument('<rowid>', 'the row’s id; also of a row that is deleted', rowIdArgument)
    .option('--limit <versions>', 'print at most so many versions', integerBetween(1, LIMIT_MAX), LIMIT)
    .option('--before <version>', 'only versions before this one', integerBetween(1, VERSION_MAX))
    .addHelpText(
      'after',
      examples(
        ['how row 42 came to be what it is', 'k-lani history seats 42'],
        ['who had it, one a line', "k-lani history seats 42 --json | jq -r '[.time, .row.buyer] | @tsv'"],
      ),
    )
    .action(async (name: string, rowId: number, options: HistoryOptions, command: Command) => {
      const terminal = terminalOf(command);
      const { limit, before } = options;
      await useStore({ options, command, terminal }, async (store) => {
        const { table } = await store.openTable(name);
        // One more than is printed: what a version changed shows against the one before it.
        const query = { limit: limit + 1, ...(before === undefined ? {} : { beforeVersion: before }) };
        const versions = await table.history(rowId, query);
        if (versions.length === 0) throw new KLaniError('NotFound', `Table "${name}" has no version of row ${rowId}`);
        for (const [index, version] of versions.slice(0, limit).entries()) print(terminal, version, versions[index + 1]);
        if (versions.length > limit) terminal.note(`Older versions: --before ${versions[limit - 1]?.version ?? 0}`);
      });
    });
}

function print(terminal: Terminal, version: StoredVersion, older: StoredVersion | undefined): void {
  if (terminal.isJson) terminal.printJson(versionJson(version));
  else terminal.print(versionText(terminal, version, older));
}

function versionJson({ row, fencingToken, time, ...rest }: StoredVersion): object {
  return {
    ...rest,
    time: time.toISOString(),
    fencingToken: fencingToken === undefined ? null : fencingToken.toString(),
    row: row === null ? null : rowToJson(row),
  };
}

function versionText(terminal: Terminal, version: StoredVersion, older: StoredVersion | undefined): string {
  const { change, time, actor, lsn, operationId, fencingToken, row } = version;
  const head = terminal.style('bold', `version ${version.version} · ${change} · ${time.toISOString()} · ${plain(actor)}`);
  const lock = fencingToken === undefined ? '' : ` · under lock ${fencingToken}`;
  const origin = terminal.style('dim', `  lsn ${lsn} · operation ${operationId}${lock}`);
  return [head, origin, ...changesText(row, older?.row)].join('\n');
}

/** The fields that differ, or all of a row without one before it. */
function changesText(row: Row | null, before: Row | null | undefined): string[] {
  if (row === null) return [];
  const lines = Object.entries(row).map(([name, value]): [string, string | undefined, string] => {
    const old = before === undefined || before === null ? undefined : valueText(before[name]);
    return [name, old, valueText(value)];
  });
  return lines
    .filter(([, old, value]) => old !== value)
    .map(([name, old, value]) => (old === undefined ? `  ${name}: ${value}` : `  ${name}: ${old} → ${value}`));
}
