/** The state that reads see: that of an open database, or a snapshot of it in another thread or process. */
import type { RecordSource } from '../log/record-source.ts';
import type { Term } from '../index/term.ts';
import type { TableSide } from '../snapshot/table-side.ts';
import type { StoredTable } from '../table/stored-table.ts';

/** Where records are read from that may be given up. */
export interface KeptRecords extends RecordSource {
  /** Whether a record that was at `position` is still there. */
  isKept(position: number): boolean;
}

export interface VisibleState {
  readonly log: KeptRecords;
  readonly visible: { find(tableId: number): TableSide | undefined };

  /** Position of the row's last durable version: negative for a tombstone, 0 for none. */
  visiblePosition(tableId: number, rowId: number): number;

  /** Makes the record at `position` readable in the log and returns its index. @throws {KLaniError} ChecksumMismatch */
  locateRecord(position: number): number;

  /** Whether the row of the record at `position` meets a term. @throws {KLaniError} ChecksumMismatch */
  recordMeets(table: StoredTable, position: number, term: Term): boolean;
}
