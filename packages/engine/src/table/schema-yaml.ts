/**
 * Schemas from YAML files. The keys are `table`, `version`, `owner_field` and `fields`, a list of fields with `name`, `type`, `length`,
 * `scale`, `required`, `index`, `label` and `default`; the rules are those of `defineTable`. Numbers that JSON would round (`uint64`,
 * `int64`, `accounting_numeric`) are taken as they are written.
 */
import { decodeSchema, schemaError, type KLaniError, type SchemaPath, type TableSchema } from '@k-lani/protocol';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** The types whose numbers are read from the text and not as JavaScript numbers. */
const EXACT_TYPES: ReadonlySet<unknown> = new Set(['uint64', 'int64', 'accounting_numeric']);

/**
 * The schema of a YAML text.
 *
 * ```yaml
 * table: seats
 * version: 1
 * owner_field: event
 * fields:
 *   - { name: event, type: uint32, index: non_unique }
 *   - { name: price, type: accounting_numeric, scale: 2, index: ordered, default: 129.90 }
 *   - { name: buyer, type: fixed_string, length: 32, required: false, label: Buyer }
 * ```
 *
 * @throws {KLaniError} `SchemaValidation` when it is not YAML or breaks a rule; the message says where, with line and column
 */
export function parseSchemaYaml(text: string): TableSchema {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `(line ${line}, column ${col})`;
  };
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    throw schemaError(undefined, `it is not YAML: ${reasonOf(mistake)} ${place(mistake.pos[0])}`, mistake);
  }
  if (!isMap(document.contents)) {
    throw schemaError(undefined, `it must be a mapping with the keys table and fields ${place(document.contents?.range[0] ?? 0)}`);
  }
  keepExactDefaults(document);
  const json = toJson(document);
  const table: unknown = document.get('table');
  const problemAt = (path: SchemaPath, problem: string, cause?: unknown): KLaniError =>
    schemaError(table, `${problem} ${place(offsetOf(document, path))}`, cause);
  return decodeSchema(json, problemAt);
}

/** What the parser says, without the lines of the source that it repeats. */
function reasonOf(mistake: Error): string {
  return mistake.message.split(' at line ')[0] ?? mistake.message;
}

/** Turns defaults such as `129.90` into texts where the type is exact, because as a JavaScript number it is `129.9`, or rounded. */
function keepExactDefaults(document: Document): void {
  const fields = document.get('fields');
  if (!isSeq(fields)) return;
  for (const field of fields.items) {
    if (!isMap(field) || !EXACT_TYPES.has(field.get('type'))) continue;
    const value = field.get('default', true);
    if (isScalar(value) && typeof value.value === 'number' && value.source !== undefined) value.value = value.source;
  }
}

function toJson(document: Document): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw schemaError(document.get('table'), `its aliases cannot be followed: ${cause instanceof Error ? cause.message : ''}`, cause);
  }
}

/** Where a place of the schema is in the text: its key or list item, or what is around it where it is missing. */
function offsetOf(document: Document, path: SchemaPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    let start: number | undefined;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      start = startOf(pair?.key);
      node = pair?.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      start = startOf(node);
    }
    if (start === undefined) break;
    offset = start;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNodeWithRange(node) ? node.range[0] : undefined;
}

function isNodeWithRange(node: unknown): node is Node & { range: [number, number, number] } {
  return (isScalar(node) || isMap(node) || isSeq(node)) && Array.isArray(node.range);
}
