/** `k-lani table`: create, alter, list and show tables. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { parseSchemaYaml } from '@k-lani/engine';
import { type DynamicSchema, encodeSchema, type Field, KLaniError, type TableSchema, type TableSummary } from '@k-lani/protocol';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { valueText } from '../data/row-text.ts';
import type { Store, StoreTable } from '../data/store.ts';
import { withRemedy } from '../output/failure.ts';
import { plain } from '../output/plain-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, fieldsText, textTable } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';

/** The command and those below it. */
export function tableCommand(): Command {
  return new Command('table')
    .summary('create, alter, list and show tables')
    .description('Create tables from YAML files, add fields to them, list and show them.')
    .addCommand(createCommand())
    .addCommand(alterCommand())
    .addCommand(listCommand())
    .addCommand(showCommand());
}

const YAML_EXAMPLE = `
A file for a table of seats:
  table: seats
  version: 1
  owner_field: rank
  fields:
    - { name: rank, type: uint32, index: non_unique }
    - { name: price, type: accounting_numeric, scale: 2, index: ordered }
    - { name: is_booked, type: bool, index: non_unique, default: false }
    - { name: buyer, type: fixed_string, length: 64, required: false }

An index is unique, non_unique (equality with few distinct values) or ordered (equality and ranges).`;

function createCommand(): Command {
  return withStoreOptions(new Command('create'))
    .summary('create the table of a YAML file')
    .description('Create the table that a YAML file describes. Where it is stored already, check that it is the same.')
    .argument('<file>', 'the YAML file; - for standard input')
    .addHelpText(
      'after',
      YAML_EXAMPLE +
        examples(
          ['on the server', 'k-lani table create seats.yaml'],
          ['in a directory, which becomes a database', 'k-lani table create seats.yaml --data ./tickets'],
        ),
    )
    .action(async (file: string, options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      const schema = readSchema(file);
      await useStore({ options, command, terminal, access: 'create' }, async (store) => {
        const isStored = (await store.listTables()).some(({ name }) => name === schema.table);
        const table = await store.createTable(schema);
        terminal.result({ ...schemaJson(table.schema), isCreated: !isStored }, () =>
          isStored ? `Table "${table.name}" is there already, with this schema.` : `Created table "${table.name}".`,
        );
      });
    });
}

function alterCommand(): Command {
  return withStoreOptions(new Command('alter'))
    .summary('add the fields that a YAML file has at its end')
    .description(
      'Take a stored table over to the schema of a YAML file with a higher version, which may have further fields at its end. Each of ' +
        'those needs a default or "required: false"; the rows that are stored have it from then on.',
    )
    .argument('<file>', 'the YAML file; - for standard input')
    .addHelpText('after', examples(['on the server', 'k-lani table alter seats-v2.yaml']))
    .action(async (file: string, options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      const schema = readSchema(file);
      await useStore({ options, command, terminal, access: 'write' }, async (store) => {
        const table = await store.alterTable(schema);
        terminal.result(schemaJson(table.schema), () => `Table "${table.name}" has version ${table.schema.version} of its schema now.`);
      });
    });
}

function listCommand(): Command {
  return withStoreOptions(new Command('list'))
    .summary('list the tables')
    .description('List the tables with their rows.')
    .addHelpText('after', examples(['of the server', 'k-lani table list'], ['their names', 'k-lani table list --json | jq -r .name']))
    .action(async (options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      await useStore({ options, command, terminal }, async (store) => {
        const tables = await store.listTables();
        if (terminal.isJson) for (const table of tables) terminal.printJson(table);
        else printTables(terminal, tables, store);
      });
    });
}

function showCommand(): Command {
  return withStoreOptions(new Command('show'))
    .summary('show a table’s fields')
    .description('Show a table: its fields, their types and indexes.')
    .argument('<table>', 'the table’s name')
    .addHelpText('after', examples(['one of the server', 'k-lani table show seats']))
    .action(async (name: string, options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      await useStore({ options, command, terminal }, async (store) => {
        const { table } = await store.openTable(name);
        const liveRows = await table.count([]);
        terminal.result({ ...schemaJson(table.schema), liveRows }, () => showTable(terminal, table, liveRows));
      });
    });
}

/** @throws {KLaniError} `NotFound`, `Io`, `SchemaValidation` with file and line */
function readSchema(file: string): DynamicSchema {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw withRemedy(new KLaniError(isMissing ? 'NotFound' : 'Io', `Cannot read ${file}: ${reason}`, { cause }), 'Check the path.');
  }
  return parseSchemaYaml(text);
}

function schemaJson(schema: TableSchema): Record<string, unknown> {
  return JSON.parse(encodeSchema(schema)) as Record<string, unknown>;
}

function printTables(terminal: Terminal, tables: readonly TableSummary[], store: Store): void {
  if (tables.length === 0) {
    terminal.note(`No tables in ${store.place}.`);
    return;
  }
  const columns = [{ title: 'table' }, { title: 'rows', isNumber: true }, { title: 'schema', isNumber: true }];
  const rows = tables.map(({ name, liveRows, schemaVersion }) => [name, countText(liveRows), String(schemaVersion)]);
  terminal.print(textTable(terminal, columns, rows));
}

function showTable(terminal: Terminal, { schema }: StoreTable, liveRows: number): string {
  const head = fieldsText(terminal, [
    ['table', schema.table],
    ['rows', countText(liveRows)],
    ['schema', `version ${schema.version}`],
    ...(schema.ownerField === undefined ? [] : [['owner field', schema.ownerField] as const]),
  ]);
  const columns = [
    { title: 'field' },
    { title: 'type' },
    { title: 'index' },
    { title: 'required' },
    { title: 'default' },
    { title: 'label' },
  ];
  const rows = schema.fields.map((field) => [
    field.name,
    typeText(field),
    field.index ?? '',
    field.required ? 'yes' : 'no',
    valueText(field.default),
    plain(field.label ?? ''),
  ]);
  return `${head}\n\n${textTable(terminal, columns, rows)}`;
}

function typeText({ type, sizeBytes, scale }: Field): string {
  if (type === 'fixed_string') return `${type}(${sizeBytes})`;
  return type === 'accounting_numeric' ? `${type}(${scale})` : type;
}
