/** OpenTable, CloseTable, CreateTable, ListTables, GetSchema, AlterTable. What they tell of a table waits until its schema is durable. */
import type { DoneOperation, StoredTable } from '@k-lani/engine';
import {
  type ByteWriter,
  decodeAlterTableRequest,
  decodeCreateTableRequest,
  decodeEmpty,
  decodeHandleRequest,
  decodeOpenTableRequest,
  decodeSchema,
  encodeAlterTableAnswer,
  encodeListTablesAnswer,
  encodeOpenedTable,
  encodeSchema,
  encodeStoredSchema,
  KLaniError,
  type StoredSchema,
  type TableSchema,
} from '@k-lani/protocol';
import type { Call } from './call.ts';

export function openTable(call: Call): void {
  const name = decodeOpenTableRequest(call.reader);
  call.expectRoom();
  call.inEngine = true;
  answerOpened(call, call.database.state.catalog.get(name));
}

export function closeTable(call: Call): void {
  call.caller.handles.close(decodeHandleRequest(call.reader));
  call.answer();
  call.done();
}

export function createTable(call: Call): void {
  const { database } = call;
  const { operationIdOffset, schemaJson } = decodeCreateTableRequest(call.reader);
  call.expectRoom();
  const operation = call.operation(operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first !== undefined) {
    answerOpened(call, tableOf(call, first));
    return;
  }
  const schema = schemaOf(schemaJson);
  call.inEngine = true;
  answerOpened(call, database.createTable(operation, schema));
}

export function listTables(call: Call): void {
  decodeEmpty(call.reader);
  call.expectRoom();
  const { catalog, visible } = call.database.state;
  const dependsOn = catalog.tables.reduce((last, { schemaPosition }) => Math.max(last, schemaPosition), 0);
  const tables = catalog.tables.map((table) => ({
    tableId: table.id,
    name: table.name,
    schemaVersion: table.schema.version,
    liveRows: visible.find(table.id)?.locations.liveCount ?? 0,
  }));
  encodeListTablesAnswer(call.answer(), tables);
  call.done(dependsOn);
}

/** The schema that the handle speaks. */
export function getSchema(call: Call): void {
  const { table, layout } = call.caller.handles.get(decodeHandleRequest(call.reader));
  encodeStoredSchema(call.answer(), storedSchema(table, layout.schema));
  call.done();
}

/** The handle speaks the new schema from the moment on at which the answer leaves. */
export function alterTable(call: Call): void {
  const { caller, database } = call;
  const { handleOffset, handle: number, operationIdOffset, schemaJson } = decodeAlterTableRequest(call.reader);
  const handle = caller.handles.get(number);
  call.expectRoom();
  call.nameTable(handleOffset, handle.table);
  const operation = call.operation(operationIdOffset);
  const first = call.firstAnswer(operation);
  if (first === undefined) {
    const schema = schemaOf(schemaJson);
    if (schema.table !== handle.table.name) {
      throw new KLaniError('SchemaMismatch', `Cannot alter table "${handle.table.name}": the schema given is of table "${schema.table}"`);
    }
    call.inEngine = true;
    database.alterTable(operation, handle.table, schema);
  }
  call.later(handle.table.schemaPosition, (out) => {
    caller.handles.renew(handle);
    encodeAlterTableAnswer(out, handle.table.schema.version);
  });
}

function answerOpened(call: Call, table: StoredTable): void {
  const { caller } = call;
  call.later(table.schemaPosition, (out: ByteWriter) => {
    const { number, layout } = caller.handles.open(table);
    encodeOpenedTable(out, { handle: number, ...storedSchema(table, layout.schema) });
  });
}

function storedSchema(table: StoredTable, schema: TableSchema): StoredSchema {
  return { tableId: table.id, schemaVersion: schema.version, schemaJson: encodeSchema(schema) };
}

function tableOf(call: Call, { changes }: DoneOperation): StoredTable {
  return call.database.state.catalog.byId(changes[0]?.tableId ?? 0);
}

/** @throws {KLaniError} SchemaValidation */
function schemaOf(json: string): TableSchema {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch (error) {
    throw new KLaniError(
      'SchemaValidation',
      `Cannot read schema: it is no JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return decodeSchema(raw);
}
