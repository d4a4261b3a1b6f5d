/** Records of the log as the rows that users see. */
import { decodeRow, fencingToken, formatOperationId, type RowVersion, type VersionedRow } from '@k-lani/protocol';
import { RecordKind, RecordOffset, readU64, recordActor, type RecordTarget } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';

type Row = Record<string, unknown>;

/** The row of the record at `at` of the log, in the table's newest schema. */
export function rowAt(log: RecordTarget, table: StoredTable, at: number): Row {
  const { layout } = table;
  const upgraded = table.rowInLayout(log, at, layout);
  if (upgraded !== undefined) return decodeRow(layout, upgraded.bytes, upgraded.view, 0, upgraded.length);
  const length = log.view.getUint32(at + RecordOffset.bodyLength, true);
  return decodeRow(layout, log.bytes, log.view, at + RecordOffset.body, length);
}

/** The row of the record at `at` of the log, with its version. */
export function versionedRowAt<R>(log: RecordTarget, table: StoredTable, at: number): VersionedRow<R> {
  const { view } = log;
  return {
    rowId: view.getUint32(at + RecordOffset.rowId, true),
    version: view.getUint32(at + RecordOffset.version, true),
    lsn: readU64(view, at + RecordOffset.lsn),
    row: rowAt(log, table, at) as R,
  };
}

/** The version that the record at `at` of the log made. */
export function rowVersionAt<R>(log: RecordTarget, table: StoredTable, at: number): RowVersion<R> {
  const { view } = log;
  const kind = view.getUint8(at + RecordOffset.kind);
  const token = fencingToken(
    view.getUint32(at + RecordOffset.fencingToken, true),
    view.getUint32(at + RecordOffset.fencingToken + 4, true),
  );
  return {
    change: kind === RecordKind.append ? 'append' : kind === RecordKind.replace ? 'replace' : 'delete',
    version: view.getUint32(at + RecordOffset.version, true),
    lsn: readU64(view, at + RecordOffset.lsn),
    time: new Date(readU64(view, at + RecordOffset.time)),
    actor: recordActor(log, at),
    operationId: formatOperationId(log.bytes, at + RecordOffset.operationId),
    fencingToken: token === 0n ? undefined : token,
    row: kind === RecordKind.delete ? null : (rowAt(log, table, at) as R),
  };
}
