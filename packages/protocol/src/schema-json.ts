/**
 * Schemas as JSON, as they are stored and sent. The keys are those of the YAML file, in a fixed order, so equal schemas have equal texts.
 */
import { fieldValueFromJson, fieldValueToJson } from './field-json.ts';
import { isFieldType, type Field } from './field.ts';
import type { TableSchema } from './schema-types.ts';
import { checkSchema, schemaError, type RawField, type SchemaProblem } from './schema.ts';

/** The JSON text of a schema. Keys with nothing to say are left out. */
export function encodeSchema(schema: TableSchema): string {
  return JSON.stringify({
    table: schema.table,
    version: schema.version,
    owner_field: schema.ownerField,
    fields: schema.fields.map((field) => ({
      name: field.name,
      type: field.type,
      length: field.type === 'fixed_string' ? field.sizeBytes : undefined,
      scale: field.type === 'accounting_numeric' ? field.scale : undefined,
      required: field.required ? undefined : false,
      index: field.index,
      default: field.default === undefined ? undefined : fieldValueToJson(field.default),
      label: field.label,
    })),
  });
}

/**
 * The schema of a JSON text, or of what `JSON.parse` made of one. Nothing about it is taken for granted.
 *
 * @param problemAt makes the error, for readers who know where in their own text a place is
 * @throws {KLaniError} `SchemaValidation`
 */
export function decodeSchema(source: unknown, problemAt?: SchemaProblem): TableSchema {
  const json = typeof source === 'string' ? parseJson(source) : source;
  const table = isRecord(json) ? json['table'] : undefined;
  const problem = problemAt ?? ((_path, text, cause) => schemaError(table, text, cause));
  if (!isRecord(json)) throw problem([], 'the schema must be an object with the keys table and fields');
  const { owner_field: ownerField, fields, ...others } = json;
  if (!Array.isArray(fields)) throw problem(['fields'], 'fields must be a list');
  const raw = { ...others, fields: fields.map((field: unknown, index) => rawField(field, index, problem)) };
  // A key that is only the name in TypeScript must not pass for the one in JSON.
  if ('ownerField' in raw) throw problem(['ownerField'], 'key "ownerField" is unknown; it is "owner_field" here');
  return checkSchema(ownerField === undefined ? raw : { ...raw, ownerField }, (path, text, cause) =>
    problem(path[0] === 'ownerField' ? ['owner_field'] : path, text, cause),
  );
}

function rawField(json: unknown, index: number, problemAt: SchemaProblem): RawField {
  if (!isRecord(json)) throw problemAt(['fields', index], `field ${index} must be an object with the keys name and type`);
  const { name, type, default: value } = json;
  if (value === undefined || typeof type !== 'string' || !isFieldType(type)) return json;
  const field: Pick<Field, 'name' | 'type'> = { name: String(name), type };
  try {
    return { ...json, default: fieldValueFromJson(field, value) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : '';
    throw problemAt(['fields', index, 'default'], `field "${field.name}": ${reason}`, cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw schemaError(undefined, 'the schema is not JSON', cause);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
