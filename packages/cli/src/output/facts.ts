/** What a database says of itself, for people: names and values below one another, whatever they are. */
import { plain } from './plain-text.ts';
import type { Terminal } from './terminal.ts';
import { fieldsText, sizeText } from './text-table.ts';

/** What an element of a list is called after. */
const NAME_KEYS = ['name', 'field'];

/** A line for each fact; those within others have names joined by dots. */
export function factsText(terminal: Terminal, facts: object): string {
  return fieldsText(terminal, linesOf(facts, ''));
}

function linesOf(facts: object, prefix: string): (readonly [string, string])[] {
  return Object.entries(facts).flatMap(([key, value]: [string, unknown]) => {
    if (value === undefined || value === null) return [];
    if (typeof value !== 'object') return [[`${prefix}${plain(key)}`, valueText(key, value)] as const];
    const nameKey = Array.isArray(facts) ? NAME_KEYS.find((one) => one in value) : undefined;
    if (nameKey === undefined) return linesOf(value, `${prefix}${plain(key)}.`);
    const { [nameKey]: name, ...rest } = value as Record<string, unknown>;
    return linesOf(rest, `${prefix}${plain(String(name))}.`);
  });
}

function valueText(key: string, value: unknown): string {
  const text = plain(String(value));
  return typeof value === 'number' && key.endsWith('Bytes') && value >= 1024 ? `${text} (${sizeText(value)})` : text;
}
