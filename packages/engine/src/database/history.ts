/** A row's versions, by the records' back pointers. */
import { assert } from '@k-lani/base';
import { RecordKind, RecordOffset, readU64 } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { State } from './state.ts';

export interface HistoryQuery {
  readonly rowId: number;
  /** Most versions wanted. */
  readonly limit: number;
  /** Only versions before this one; 0 for all. */
  readonly beforeVersion: number;
}

/**
 * Calls `visit` with the index in the log's `bytes` of each durable version's record, newest first. The record is readable during the call.
 *
 * @throws {KLaniError} ChecksumMismatch
 */
export function forEachVersion(state: State, table: StoredTable, query: HistoryQuery, visit: (at: number) => void): void {
  const { log } = state;
  let position = Math.abs(state.visiblePosition(table.id, query.rowId));
  for (let count = 0; position !== 0 && count < query.limit;) {
    const at = log.record(position);
    position = readU64(log.view, at + RecordOffset.previous);
    if (query.beforeVersion !== 0 && log.view.getUint32(at + RecordOffset.version, true) >= query.beforeVersion) continue;
    count += 1;
    visit(at);
  }
}

/** Position of the row's version at `lsn`, 0 when it did not exist or was deleted then. */
export function positionAt(state: State, tableId: number, rowId: number, lsn: number): number {
  const { log } = state;
  let position = state.visiblePosition(tableId, rowId);
  while (Math.abs(position) >= lsn) {
    const at = log.locate(Math.abs(position), RecordOffset.body);
    const previous = readU64(log.view, at + RecordOffset.previous);
    if (previous === 0) return 0;
    const before = log.locate(previous, RecordOffset.body);
    position = log.view.getUint8(before + RecordOffset.kind) === RecordKind.delete ? -previous : previous;
  }
  assert(Number.isSafeInteger(position), 'A position is a safe integer');
  return Math.max(0, position);
}
