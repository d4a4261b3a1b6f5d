/** Requests from values that nobody has checked to what the engine takes. */
import {
  ByteReader,
  type ByteWriter,
  KLaniError,
  Opcode,
  decodeTerms,
  encodeRow,
  encodeTerms,
  type NewRowOf,
  type TableSchema,
  type TermOf,
  type WriteResult,
} from '@k-lani/protocol';
import { fillTerms } from '../database/terms.ts';
import type { Change, ChangeKind } from '../database/writer.ts';
import type { TermList } from '../index/term.ts';
import { RecordKind } from '../log/record.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import type { StoredTable } from '../table/stored-table.ts';

/** @throws {KLaniError} InvalidArgument for what is no row id; a row id that no row has is none of that */
export function checkRowId(rowId: unknown): void {
  if (typeof rowId === 'number' && rowId >>> 0 === rowId) return;
  throw new KLaniError('InvalidArgument', `Cannot use row id ${String(rowId)}: must be a whole number, 1 to ${ROW_ID_MAX}`);
}

/** Encodes a change into `writer`: first what tells it from others, then its row. */
export function encodeChange<S extends TableSchema>(
  writer: ByteWriter,
  table: StoredTable,
  what: Omit<Change, 'table' | 'row'>,
  row: NewRowOf<S> | undefined,
): Change {
  checkRowId(what.rowId);
  writer.reset();
  writer.u32(table.id);
  writer.u32(what.rowId);
  writer.u32(what.ifVersion);
  const offset = writer.length;
  if (row !== undefined) encodeRow(table.layout, row, writer);
  const bytes = { bytes: writer.bytes, view: writer.view, offset, length: writer.length - offset };
  return { ...what, table, row: row === undefined ? undefined : bytes };
}

/** Fills a term list from terms that nobody has checked. @throws {KLaniError} UnknownField, FieldNotIndexed, errors of values */
export function fillFrom<S extends TableSchema>(list: TermList, table: StoredTable, terms: readonly TermOf<S>[], writer: ByteWriter): void {
  writer.reset();
  encodeTerms(writer, table.layout, terms);
  const reader = new ByteReader(writer.bytes, writer.view, 0, writer.length);
  fillTerms(list, table, decodeTerms(reader, table.layout), writer.view);
}

/** The opcode of the command that makes a change of this kind. */
export function changeOpcode(kind: ChangeKind): typeof Opcode.Append | typeof Opcode.Replace | typeof Opcode.Delete {
  if (kind === RecordKind.append) return Opcode.Append;
  return kind === RecordKind.replace ? Opcode.Replace : Opcode.Delete;
}

/** The answer of a write that was carried out before. */
export function firstWriteResult(done: { readonly changes: readonly WriteResult[] }): WriteResult {
  const [change] = done.changes;
  if (change === undefined) throw new KLaniError('OperationMismatch', 'Cannot answer the operation again: it changed no row');
  return { rowId: change.rowId, version: change.version, lsn: change.lsn };
}
