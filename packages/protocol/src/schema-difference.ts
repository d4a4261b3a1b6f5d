/** How two schemas of one table differ, and whether the rows of one can be read by the other. */
import { fieldValueToJson } from './field-json.ts';
import type { Field } from './field.ts';
import type { TableSchema } from './schema-types.ts';

/**
 * What a schema that is given has otherwise than the stored one: a line a difference, for people. No lines: they are the same.
 *
 * ```
 * field "rank": type is uint32, given as uint16
 * field "gate" is not stored
 * ```
 */
export function schemaDifferences(stored: TableSchema, given: TableSchema): string[] {
  const lines: string[] = [];
  compare(lines, 'table', stored.table, given.table);
  compare(lines, 'version', stored.version, given.version);
  compare(lines, 'owner field', stored.ownerField, given.ownerField);
  for (const [position, field] of stored.fields.entries()) {
    const other = given.fields.findIndex(({ name }) => name === field.name);
    const twin = given.fields[other];
    if (twin === undefined) {
      lines.push(`field "${field.name}" is not given`);
      continue;
    }
    compare(lines, `field "${field.name}": position`, position, other);
    lines.push(...fieldDifferences(field, twin));
  }
  for (const field of given.fields) {
    if (!stored.fields.some(({ name }) => name === field.name)) lines.push(`field "${field.name}" is not stored`);
  }
  return lines;
}

/**
 * What keeps a table from going over to the next version of its schema; no lines: nothing. The next version is higher, and all it may do
 * is add fields behind the others, each with a default or not required.
 */
export function evolutionObstacles(stored: TableSchema, next: TableSchema): string[] {
  const lines: string[] = [];
  const kept = { ...next, version: stored.version, fields: next.fields.slice(0, stored.fields.length) };
  lines.push(...schemaDifferences(stored, kept));
  if (next.version <= stored.version) lines.push(`version is ${next.version}, must be > ${stored.version}`);
  for (const field of next.fields.slice(stored.fields.length)) {
    if (field.required && field.default === undefined) {
      lines.push(`field "${field.name}" is new, must have a default or be required: false`);
    }
  }
  return lines;
}

/** Whether a table can go over from the stored schema to the next one; see {@link evolutionObstacles}. */
export function canEvolve(stored: TableSchema, next: TableSchema): boolean {
  return evolutionObstacles(stored, next).length === 0;
}

function fieldDifferences(stored: Field, given: Field): string[] {
  const lines: string[] = [];
  const name = `field "${stored.name}"`;
  compare(lines, `${name}: type`, stored.type, given.type);
  if (stored.type === given.type) {
    compare(lines, `${name}: length`, stored.sizeBytes, given.sizeBytes);
    compare(lines, `${name}: scale`, stored.scale, given.scale);
  }
  compare(lines, `${name}: required`, stored.required, given.required);
  compare(lines, `${name}: index`, stored.index, given.index);
  compare(lines, `${name}: default`, defaultText(stored), defaultText(given));
  compare(lines, `${name}: label`, stored.label, given.label);
  return lines;
}

type Trait = string | number | boolean | undefined;

function compare(lines: string[], what: string, stored: Trait, given: Trait): void {
  if (stored !== given) lines.push(`${what} is ${show(stored)}, given as ${show(given)}`);
}

function show(trait: Trait): string {
  return trait === undefined ? 'none' : String(trait);
}

function defaultText(field: Field): string | undefined {
  return field.default === undefined ? undefined : JSON.stringify(fieldValueToJson(field.default));
}
