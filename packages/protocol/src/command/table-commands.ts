/**
 * Opening and shaping tables. Little-endian; `str` is a size (u16) and UTF-8, `text` a size (u32) and UTF-8, `opid` an operation id of 16
 * bytes. A schema travels as the JSON text that `schema-json` writes. A handle belongs to the session that opened it.
 *
 * | command | part | layout |
 * | --- | --- | --- |
 * | OpenTable | request | str name |
 * | OpenTable | answer | u32 handle, u16 table id, u32 schema version, text schema |
 * | CloseTable | request | u32 handle |
 * | CloseTable | answer | empty |
 * | CreateTable | request | opid, text schema |
 * | CreateTable | answer | as of OpenTable |
 * | ListTables | request | empty |
 * | ListTables | answer | u16 count, then for each: u16 table id, str name, u32 schema version, u32 live rows |
 * | GetSchema | request | u32 handle |
 * | GetSchema | answer | u16 table id, u32 schema version, text schema |
 * | AlterTable | request | u32 handle, opid, text schema |
 * | AlterTable | answer | u32 schema version, which the handle now speaks |
 */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { OPERATION_ID_SIZE } from '../limits.ts';
import { checkCount } from './bounds.ts';

const TABLES_MAX = 0xffff;

/** A table as a session has opened it. */
export interface OpenedTable {
  readonly handle: number;
  readonly tableId: number;
  readonly schemaVersion: number;
  readonly schemaJson: string;
}

/** A schema as it is stored. */
export interface StoredSchema {
  readonly tableId: number;
  readonly schemaVersion: number;
  readonly schemaJson: string;
}

/** One table of a list. */
export interface TableEntry {
  readonly tableId: number;
  readonly name: string;
  readonly schemaVersion: number;
  readonly liveRows: number;
}

/** A table to be made. The id is 16 bytes at `operationIdOffset` of the reader's bytes. */
export interface CreateTableRequest {
  readonly operationIdOffset: number;
  readonly schemaJson: string;
}

/** A table to be altered. Offsets are of the reader's bytes. */
export interface AlterTableRequest {
  readonly handleOffset: number;
  readonly handle: number;
  readonly operationIdOffset: number;
  readonly schemaJson: string;
}

/** @throws {KLaniError} `InvalidUtf8`, or `InvalidArgument` above 65,535 bytes */
export function encodeOpenTableRequest(writer: ByteWriter, name: string): void {
  writer.str(name);
}

/** @returns the name */
export function decodeOpenTableRequest(reader: ByteReader): string {
  const name = reader.str();
  reader.expectEnd();
  return name;
}

/** The answer of OpenTable and of CreateTable. */
export function encodeOpenedTable(writer: ByteWriter, table: OpenedTable): void {
  writer.u32(table.handle);
  encodeStoredSchema(writer, table);
}

export function decodeOpenedTable(reader: ByteReader): OpenedTable {
  const handle = reader.u32();
  const { tableId, schemaVersion, schemaJson } = decodeStoredSchema(reader);
  return { handle, tableId, schemaVersion, schemaJson };
}

/** The request of CloseTable and of GetSchema. */
export function encodeHandleRequest(writer: ByteWriter, handle: number): void {
  writer.u32(handle);
}

/** @returns the handle */
export function decodeHandleRequest(reader: ByteReader): number {
  const handle = reader.u32();
  reader.expectEnd();
  return handle;
}

/** @throws {KLaniError} `InvalidUtf8` */
export function encodeCreateTableRequest(writer: ByteWriter, operationId: Uint8Array, schemaJson: string): void {
  writer.append(operationId, 0, OPERATION_ID_SIZE);
  writer.text(schemaJson);
}

export function decodeCreateTableRequest(reader: ByteReader): CreateTableRequest {
  const request = { operationIdOffset: reader.take(OPERATION_ID_SIZE), schemaJson: reader.text() };
  reader.expectEnd();
  return request;
}

export function encodeListTablesAnswer(writer: ByteWriter, tables: readonly TableEntry[]): void {
  checkCount('count of tables', tables.length, 0, TABLES_MAX);
  writer.u16(tables.length);
  for (const { tableId, name, schemaVersion, liveRows } of tables) {
    writer.u16(tableId);
    writer.str(name);
    writer.u32(schemaVersion);
    writer.u32(liveRows);
  }
}

export function decodeListTablesAnswer(reader: ByteReader): TableEntry[] {
  const tables: TableEntry[] = [];
  for (let count = reader.u16(); count > 0; count -= 1) {
    tables.push({ tableId: reader.u16(), name: reader.str(), schemaVersion: reader.u32(), liveRows: reader.u32() });
  }
  reader.expectEnd();
  return tables;
}

/** The answer of GetSchema. */
export function encodeStoredSchema(writer: ByteWriter, { tableId, schemaVersion, schemaJson }: StoredSchema): void {
  writer.u16(tableId);
  writer.u32(schemaVersion);
  writer.text(schemaJson);
}

export function decodeStoredSchema(reader: ByteReader): StoredSchema {
  const schema = { tableId: reader.u16(), schemaVersion: reader.u32(), schemaJson: reader.text() };
  reader.expectEnd();
  return schema;
}

/** @throws {KLaniError} `InvalidUtf8` */
export function encodeAlterTableRequest(writer: ByteWriter, handle: number, operationId: Uint8Array, schemaJson: string): void {
  writer.u32(handle);
  writer.append(operationId, 0, OPERATION_ID_SIZE);
  writer.text(schemaJson);
}

export function decodeAlterTableRequest(reader: ByteReader): AlterTableRequest {
  const request = {
    handleOffset: reader.offset,
    handle: reader.u32(),
    operationIdOffset: reader.take(OPERATION_ID_SIZE),
    schemaJson: reader.text(),
  };
  reader.expectEnd();
  return request;
}

/** The answer of AlterTable. */
export function encodeAlterTableAnswer(writer: ByteWriter, schemaVersion: number): void {
  writer.u32(schemaVersion);
}

/** @returns the schema's new version */
export function decodeAlterTableAnswer(reader: ByteReader): number {
  const schemaVersion = reader.u32();
  reader.expectEnd();
  return schemaVersion;
}
