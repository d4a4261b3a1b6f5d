/** Tables for people: columns that line up, numbers to the right. A table wider than the terminal is shown row by row instead. */
import type { Terminal } from './terminal.ts';
import { widthOf } from './plain-text.ts';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand on the right. */
  readonly isNumber?: boolean;
}

/** Lines for `rows`, each as long as `columns`; the cells are plain text. */
export function textTable(terminal: Terminal, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[index] ?? ''))));
  const width = widths.reduce((sum, one) => sum + one + 2, -2);
  if (terminal.columns !== undefined && width > terminal.columns) return recordsText(terminal, columns, rows);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.isNumber === true))
      .join('  ')
      .trimEnd();
  const head = terminal.style('bold', line(columns.map(({ title }) => title)));
  return [head, ...rows.map((row) => line(row))].join('\n');
}

/** Names and values below one another. */
export function fieldsText(terminal: Terminal, fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => widthOf(name)));
  return fields.map(([name, value]) => `${terminal.style('bold', pad(name, width, false))}  ${value}`.trimEnd()).join('\n');
}

function recordsText(terminal: Terminal, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return rows
    .map((row) =>
      fieldsText(
        terminal,
        columns.map(({ title }, index) => [title, row[index] ?? ''] as const),
      ),
    )
    .join('\n\n');
}

function pad(text: string, width: number, toTheRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return toTheRight ? space + text : text + space;
}

/** A count with its thousands set apart. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** A size in the largest unit that keeps it above 1. */
export function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${units[power] ?? ''}`;
}
