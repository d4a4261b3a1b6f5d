/** `k-lani query`: the rows that meet all terms, how many there are, or how the engine would find them. */
import { Command } from 'commander';
import { KLaniError, type VersionedRow } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { type Row, valueText } from '../data/row-text.ts';
import type { StoreTable } from '../data/store.ts';
import { type Term, termsFromWords } from '../data/term-text.ts';
import { integerBetween } from '../integer-option.ts';
import { factsText } from '../output/facts.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, textTable } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';
import { versionedRowJson } from './seek.ts';

const LIMIT = 64;
const LIMIT_MAX = 4096;
/** Rows that are lined up together when all are printed. */
const PRINT_ROWS = 500;

interface QueryOptions extends StoreOptions {
  readonly limit: number;
  readonly all?: boolean;
  readonly count?: boolean;
  readonly explain?: boolean;
}

/** The command. */
export function queryCommand(): Command {
  return withStoreOptions(new Command('query'))
    .summary('print the rows that meet terms')
    .description(
      'Print the rows that meet all terms: field=value on any indexed field; <, <=, > and >= on a unique or ordered one. Quote terms ' +
        'with < or > for the shell. A field without an index cannot be asked. The value null finds rows without one; a text goes in ' +
        'double quotes where it is the word null or begins with a quote.',
    )
    .argument('<table>', 'the table’s name')
    .argument('[terms...]', "such as rank=3 or 'price<=100'; none for every row")
    .option('--limit <rows>', 'print at most so many rows', integerBetween(1, LIMIT_MAX), LIMIT)
    .option('--all', 'print every row, as they are at one moment')
    .option('--count', 'print how many rows there are, and none of them')
    .option('--explain', 'print how the engine would find them, and none of them')
    .addHelpText(
      'after',
      examples(
        ['ten free seats of rank 3 that cost at most 100', "k-lani query seats is_booked=false rank=3 'price<=100' --limit 10"],
        ['how many seats are free', 'k-lani query seats is_booked=false --count'],
        ['every row as JSON, one a line, for a spreadsheet', 'k-lani query seats --all --json'],
        ['why a query takes long', "k-lani query seats 'price>20' 'price<=50' --explain"],
      ),
    )
    .action(async (name: string, words: readonly string[], options: QueryOptions, command: Command) => {
      const terminal = terminalOf(command);
      if (options.all === true && command.getOptionValueSource('limit') === 'cli') {
        throw new KLaniError('InvalidArgument', 'Cannot query: --limit and --all exclude each other');
      }
      await useStore({ options, command, terminal }, async (store) => {
        const { table } = await store.openTable(name);
        const terms = termsFromWords(table.schema, words);
        if (options.explain === true) await explain(terminal, table, terms);
        else if (options.count === true) await count(terminal, table, terms);
        else if (options.all === true) await printAll(terminal, table, terms);
        else await printSome(terminal, table, { terms, limit: options.limit });
      });
    });
}

async function explain(terminal: Terminal, table: StoreTable, terms: readonly Term[]): Promise<void> {
  const plan = await table.explain(terms);
  terminal.result(plan, () => factsText(terminal, plan));
}

async function count(terminal: Terminal, table: StoreTable, terms: readonly Term[]): Promise<void> {
  const rows = await table.count(terms);
  terminal.result({ count: rows }, () => String(rows));
}

async function printSome(terminal: Terminal, table: StoreTable, query: { terms: readonly Term[]; limit: number }): Promise<void> {
  const rows = await table.fetch(await table.queryIntersect(query.terms, { limit: query.limit }));
  printRows(terminal, table, rows);
  if (terminal.isJson || rows.length < query.limit) return;
  const total = await table.count(query.terms);
  if (total > rows.length) terminal.note(`${countText(rows.length)} of ${countText(total)} rows; --limit or --all prints more.`);
}

async function printAll(terminal: Terminal, table: StoreTable, terms: readonly Term[]): Promise<void> {
  let page: VersionedRow<Row>[] = [];
  for await (const row of terms.length === 0 ? table.scan() : table.stream(terms)) {
    page.push(row);
    if (page.length < PRINT_ROWS) continue;
    printRows(terminal, table, page);
    page = [];
  }
  if (page.length > 0) printRows(terminal, table, page);
}

function printRows(terminal: Terminal, table: StoreTable, rows: readonly VersionedRow<Row>[]): void {
  if (terminal.isJson) {
    for (const row of rows) terminal.printJson(versionedRowJson(row));
    return;
  }
  if (rows.length === 0) {
    terminal.note('No rows.');
    return;
  }
  const { fields } = table.schema;
  const isNumber = (type: string): boolean => /^(?:u?int|float|accounting)/.test(type);
  const columns = [{ title: 'row', isNumber: true }, ...fields.map(({ name, type }) => ({ title: name, isNumber: isNumber(type) }))];
  const cells = rows.map(({ rowId, row }) => [String(rowId), ...fields.map(({ name }) => valueText(row[name]))]);
  terminal.print(textTable(terminal, columns, cells));
}
