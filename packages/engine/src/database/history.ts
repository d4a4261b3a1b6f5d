/** A row's versions, by the records' back pointers. */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { RecordKind, RecordOffset, readU64 } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { KeptRecords, VisibleState } from './visible-state.ts';

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
 * @throws {KLaniError} ChecksumMismatch; Truncated, after the versions that are kept, when more are asked for and were given up
 */
export function forEachVersion(state: VisibleState, table: StoredTable, query: HistoryQuery, visit: (at: number) => void): void {
  forEachVersionFrom(state.log, table, { ...query, ...lastVersion(state, table, query.rowId) }, visit);
}

/** Where the last durable version of a row is. */
export interface LastVersion {
  /** Of its record; 0 for none. */
  readonly position: number;
  /** Whether the row id was given. */
  readonly isGiven: boolean;
}

export function lastVersion(state: VisibleState, table: StoredTable, rowId: number): LastVersion {
  const position = Math.abs(state.visiblePosition(table.id, rowId));
  return { position, isGiven: rowId <= (state.visible.find(table.id)?.locations.rowIdMax ?? 0) };
}

/** As `forEachVersion`, where the last version is known. */
export function forEachVersionFrom(
  log: KeptRecords,
  table: StoredTable,
  query: HistoryQuery & LastVersion,
  visit: (at: number) => void,
): void {
  const { limit, beforeVersion } = query;
  if (beforeVersion === 1) return;
  let { position } = query;
  // Row ids are given without gaps: of one that was given and is nowhere, the row was deleted, and then given up.
  if (position === 0 && query.isGiven) throw truncated(table, query, 0);
  let oldest = 0;
  for (let count = 0; position !== 0 && count < limit;) {
    if (!log.isKept(position)) throw truncated(table, query, oldest);
    const at = log.record(position);
    position = readU64(log.view, at + RecordOffset.previous);
    oldest = log.view.getUint32(at + RecordOffset.version, true);
    if (beforeVersion !== 0 && oldest >= beforeVersion) continue;
    count += 1;
    visit(at);
  }
}

/**
 * Position of the version at `lsn` of the row whose last durable version is at `last`, 0 when it did not exist or was deleted then. An open
 * cursor of that lsn keeps what is needed.
 *
 * @throws {KLaniError} ChecksumMismatch: what the opening has checked can be damaged since, and a wrong pointer leads anywhere
 */
export function positionAt({ log }: Pick<VisibleState, 'log'>, last: number, lsn: number): number {
  let position = last;
  while (Math.abs(position) >= lsn) {
    const at = log.record(Math.abs(position));
    // A record that was moved since is the version of then.
    if (readU64(log.view, at + RecordOffset.lsn) < lsn) break;
    const previous = readU64(log.view, at + RecordOffset.previous);
    if (previous === 0) return 0;
    const before = log.record(previous);
    position = log.view.getUint8(before + RecordOffset.kind) === RecordKind.delete ? -previous : previous;
  }
  assert(Number.isSafeInteger(position), 'A position is a safe integer');
  return Math.max(0, position);
}

/** @param oldest the oldest version that is kept, 0 for none */
function truncated(table: StoredTable, { rowId }: HistoryQuery, oldest: number): KLaniError {
  const kept = oldest === 0 ? 'nothing of it is kept' : `versions before ${oldest} are no longer kept; ask for fewer`;
  return new KLaniError('Truncated', `Cannot read the history of row ${rowId} of table "${table.name}": ${kept}`);
}
