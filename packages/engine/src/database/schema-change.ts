/** Creating tables and adding fields to them: records like any other, visible when durable. */
import { KLaniError, encodeSchema, evolutionObstacles, schemaDifferences, type TableSchema } from '@k-lani/protocol';
import { RecordKind, newDraft, recordSize, type Operation } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { State } from './state.ts';

/**
 * Creates a table, or finds the one that has this very schema. Answer after the table's `schemaPosition` is durable.
 *
 * @throws {KLaniError} TableExists with the differences, LimitReached, and those of `Log.reserve`
 */
export function createTable(state: State, operation: Operation, schema: TableSchema): StoredTable {
  state.log.expectWritable();
  const stored = state.catalog.find(schema.table);
  if (stored === undefined) return append(state, operation, state.catalog.nextId(), schema);
  const differences = schemaDifferences(stored.schema, schema);
  if (differences.length === 0) return stored;
  throw new KLaniError('TableExists', `Cannot create table "${schema.table}": it exists with another schema: ${differences.join('; ')}`);
}

/**
 * Makes `schema` the table's newest one: fields are added at the end, each with a default or not required. The schema that the table has
 * already changes nothing. Answer after the table's `schemaPosition` is durable.
 *
 * @throws {KLaniError} SchemaMismatch with what stands in the way, ChecksumMismatch when a row that a new index needs is damaged, and those
 *   of `Log.reserve`
 */
export function alterTable(state: State, operation: Operation, table: StoredTable, schema: TableSchema): StoredTable {
  state.expectWritable(table);
  if (schemaDifferences(table.schema, schema).length === 0) return table;
  const obstacles = evolutionObstacles(table.schema, schema);
  if (obstacles.length === 0) {
    checkRows(state, table, schema);
    return append(state, operation, table.id, schema);
  }
  throw new KLaniError('SchemaMismatch', `Cannot alter table "${table.name}": ${obstacles.join('; ')}`);
}

/** Reads the rows that a new index will be made of: a damaged one refuses the change, which could not be applied once it is durable. */
function checkRows({ log, visible }: State, table: StoredTable, schema: TableSchema): void {
  if (!schema.fields.slice(table.schema.fields.length).some(({ index }) => index !== undefined)) return;
  const locations = visible.find(table.id)?.locations;
  for (let rowId = 1; rowId <= (locations?.rowIdMax ?? 0); rowId += 1) {
    const position = locations?.get(rowId) ?? 0;
    if (position > 0) log.record(position);
  }
}

function append(state: State, operation: Operation, tableId: number, schema: TableSchema): StoredTable {
  const { log } = state;
  const body = new TextEncoder().encode(encodeSchema(schema));
  log.reserve(recordSize(body.length, operation.actor.length));
  const draft = {
    ...newDraft(RecordKind.schema),
    tableId,
    version: schema.version,
    previous: state.catalog.find(schema.table)?.schemaPosition ?? 0,
    schemaVersion: schema.version,
  };
  const at = log.begin(draft, operation, body.length);
  log.target.bytes.set(body, at);
  const position = log.finish();
  state.operations.add(operation.id, position);
  return state.catalog.apply(tableId, schema, position);
}
