/** `k-lani append`: one row from the command line, or many from standard input. */
import { fstatSync } from 'node:fs';
import { Command } from 'commander';
import { KLaniError } from '@k-lani/protocol';
import { readLines } from '../data/line-reader.ts';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { RowLoader } from '../data/row-loader.ts';
import type { OpenedTable } from '../data/store.ts';
import { ExitCode } from '../exit-code.ts';
import { failureJson } from '../output/failure.ts';
import { plain } from '../output/plain-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText } from '../output/text-table.ts';
import { type EndSignal, exitCodeOfSignal, finishOnSignals } from '../signals.ts';
import { examples, terminalOf } from './context.ts';
import { type OperationIdOption, rowFromArguments, withOperationId, writeOptions } from './write-options.ts';

/** Refusals that people are told of one by one; of further ones only the count. */
const REFUSALS_SHOWN = 20;

/** The argument that stands for standard input. */
const INPUT = '-';

interface AppendOptions extends StoreOptions, OperationIdOption {}

/** The command. */
export function appendCommand(): Command {
  return withOperationId(withStoreOptions(new Command('append')))
    .summary('add rows')
    .description(
      'Add one row, as JSON or as field=value words, or with - many rows from standard input, one JSON object a line. Every row that is ' +
        'counted as appended is durable. Rows of the input that are refused are told with their line, and the others are stored: exit code 7.',
    )
    .argument('<table>', 'the table’s name')
    .argument('<row...>', 'a JSON object, field=value words, or - for standard input')
    .addHelpText(
      'after',
      examples(
        ['one row', 'k-lani append seats rank=1 price=129.90'],
        ['the same as JSON', 'k-lani append seats \'{"rank": 1, "price": "129.90"}\''],
        ['in a script that may be run again', 'k-lani append seats rank=1 --operation-id 5e1f00000000000000000000000000a1'],
        ['all rows of a file', 'k-lani append seats - < seats.ndjson'],
        ['the rows of another table', 'k-lani query seats --all --json | jq -c .row | k-lani append seats2 -'],
      ),
    )
    .action(async (name: string, words: readonly string[], options: AppendOptions, command: Command) => {
      const terminal = terminalOf(command);
      const isInput = words.length === 1 && words[0] === INPUT;
      if (isInput && options.operationId !== undefined) {
        throw new KLaniError('InvalidArgument', 'Cannot append: --operation-id names one row, and - stands for many');
      }
      await useStore({ options, command, terminal, access: 'write' }, async (store) => {
        const opened = await store.openTable(name);
        if (isInput) await appendLines(terminal, opened);
        else await appendOne(terminal, opened, { words, options });
      });
    });
}

async function appendOne(
  terminal: Terminal,
  { table }: OpenedTable,
  { words, options }: { words: readonly string[]; options: AppendOptions },
): Promise<void> {
  const { rowId, version, lsn } = await table.append(rowFromArguments(table, words), writeOptions(options));
  terminal.result({ rowId, version, lsn }, () => `Appended row ${rowId} (lsn ${lsn}).`);
}

async function appendLines(terminal: Terminal, opened: OpenedTable): Promise<void> {
  const { stdin } = process;
  if (stdin.isTTY) terminal.note('Reading rows, one JSON object a line; end with Ctrl-D.');
  using bar = terminal.progress('Appending');
  const totalBytes = sizeOfInput();
  let readBytes = 0;
  let signal: EndSignal | undefined;
  const loader = new RowLoader(opened, {
    refused: ({ line, error }) => showRefusal(terminal, loader.refused, { line, error }),
    stored: () => bar.update(readBytes, totalBytes, `${countText(loader.appended)} rows, ${countText(loader.refused)} refused`),
  });
  const stopListening = finishOnSignals((received) => {
    signal = received;
    stdin.destroy();
  });
  try {
    for await (const line of readLines(stdin)) {
      readBytes += Buffer.byteLength(line.text ?? '') + 1;
      await loader.add(line);
    }
  } catch (error) {
    // Reading ends with an error when a signal cut it off: what was read is stored all the same.
    if (signal === undefined) throw withLines(error, loader);
  } finally {
    stopListening();
  }
  await loader.end().catch((error: unknown) => {
    throw withLines(error, loader);
  });
  bar.end();
  printSummary(terminal, opened.table.name, loader);
  if (signal !== undefined) process.exitCode = exitCodeOfSignal(signal);
  else if (loader.refused > 0) process.exitCode = ExitCode.partly;
}

function showRefusal(terminal: Terminal, count: number, { line, error }: { readonly line: number; readonly error: KLaniError }): void {
  if (terminal.isJson) terminal.failJson({ ...failureJson(error), line });
  else if (count <= REFUSALS_SHOWN) terminal.note(`line ${line}: ${error.code}: ${plain(error.message)}`);
  else if (count === REFUSALS_SHOWN + 1) terminal.note('Further refusals are only counted; --json tells them all.');
}

function printSummary(terminal: Terminal, table: string, { appended, refused, rowIdFirst, rowIdLast }: RowLoader): void {
  terminal.result({ table, appended, refused, rowIdFirst, rowIdLast }, () => {
    const ids = appended === 0 ? '' : ` (row ids ${rowIdFirst} to ${rowIdLast})`;
    return `Appended ${countText(appended)} rows${ids}, refused ${countText(refused)}.`;
  });
}

/** The error with the lines that are stored and, where it left the outcome open, those that may be. */
function withLines(error: unknown, { lineDone, lineSent, appended, refused }: RowLoader): unknown {
  if (!(error instanceof KLaniError)) return error;
  const stored = `before that, ${appended} rows were appended and ${refused} refused: everything up to line ${lineDone}`;
  const open = error.retry === 'unknown' && lineSent > lineDone ? `; lines ${lineDone + 1} to ${lineSent} may be stored` : '';
  const { retryAfterMs, operationId } = error;
  return new KLaniError(error.code, `${error.message.replace(/[.\s]*$/, '')}; ${stored}${open}`, {
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(operationId === undefined ? {} : { operationId }),
  });
}

/** Bytes of standard input, if it is a file; otherwise 0. */
function sizeOfInput(): number {
  const input = fstatSync(process.stdin.fd);
  return input.isFile() ? input.size : 0;
}
