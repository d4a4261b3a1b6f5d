/** Writes the tables of `docs/operations.md` that follow from the code: `node tools/operations-doc.ts`. A test holds the document to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CONFIG_KEYS, type ConfigKey, describeRule } from '@k-lani/server';
import { EXIT_CODE_MEANINGS } from '../packages/cli/src/exit-code.ts';

const TARGET = new URL('../docs/operations.md', import.meta.url);

/** The text with its tables as they should be. */
export function operationsDocument(text: string): string {
  const withKeys = replaceTable(text, 'configuration', keysTable());
  return replaceTable(withKeys, 'exit codes', exitCodesTable());
}

function replaceTable(text: string, name: string, lines: string): string {
  const begin = `<!-- ${name}: made by tools/operations-doc.ts -->`;
  const end = `<!-- /${name} -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`Cannot write docs/operations.md: it has no place for "${name}"`);
  return `${text.slice(0, from + begin.length)}\n\n${lines}\n\n${text.slice(to)}`;
}

function keysTable(): string {
  const rows = CONFIG_KEYS.map((key) => [`\`${key.key}\``, defaultText(key), describeRule(key.rule), key.meaning]);
  return table(['key', 'default', 'allowed', 'meaning'], rows);
}

function defaultText({ default: value }: ConfigKey): string {
  return `\`${typeof value === 'object' ? value.join(', ') : String(value)}\``;
}

function exitCodesTable(): string {
  return table(
    ['code', 'meaning'],
    EXIT_CODE_MEANINGS.map(({ code, meaning }) => [String(code), meaning]),
  );
}

/** Lined up as the formatter does it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

if (import.meta.main) writeFileSync(TARGET, operationsDocument(readFileSync(TARGET, 'utf8')));
