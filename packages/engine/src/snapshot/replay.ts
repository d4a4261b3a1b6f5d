/**
 * Replay: how everything derived follows from the records of the log, one after the other. Recovery and the builder of checkpoints go
 * through it; live writing changes the catalog and the window of operations itself, as it appends.
 *
 * 1. Row ids only rise, and a schema that is known stays as it is: records that were moved may come behind what was written after them.
 * 2. The record replayed is known to be whole. What it supersedes is, too, from `checkedFrom` on; before that it is checked here.
 */
import { decodeSchema } from '@k-lani/protocol';
import { RECORD_FLAG_LAST, RecordKind, RecordOffset, isMoved } from '../log/record.ts';
import type { RecordSource } from '../log/record-source.ts';
import type { Catalog } from '../table/catalog.ts';
import type { OperationWindow } from './operation-window.ts';
import type { Side } from './side.ts';

/** What is derived from the log. */
export interface Derived {
  readonly catalog: Catalog;
  readonly side: Side;
  readonly operations: OperationWindow;
}

export class Replay {
  readonly #source: RecordSource;
  readonly #derived: Derived;
  readonly #checkedFrom: number;
  #beginsOperation = true;

  /** @param checkedFrom the position from which on every record was checked */
  constructor(source: RecordSource, derived: Derived, checkedFrom: number) {
    this.#source = source;
    this.#derived = derived;
    this.#checkedFrom = checkedFrom;
  }

  /**
   * Takes the record at `position`, the one behind that of the last call.
   *
   * @throws {KLaniError} ChecksumMismatch when a record that it supersedes is damaged
   */
  record(position: number): void {
    const { catalog, operations, side } = this.#derived;
    const source = this.#source;
    const at = source.locate(position, RecordOffset.body);
    const { view } = source;
    const kind = view.getUint8(at + RecordOffset.kind);
    const tableId = view.getUint16(at + RecordOffset.tableId, true);
    const rowId = view.getUint32(at + RecordOffset.rowId, true);
    const isLast = (view.getUint8(at + RecordOffset.flags) & RECORD_FLAG_LAST) !== 0;
    if (this.#beginsOperation && bearsOperation(kind) && !isMoved(view, at)) {
      operations.add(source.bytes.subarray(at + RecordOffset.operationId, at + RecordOffset.operationId + 16), position);
    }
    this.#beginsOperation = isLast;
    if (kind === RecordKind.schema) applySchema(source, catalog, { position, tableId });
    if (rowId !== 0) {
      const table = catalog.byId(tableId);
      table.rowIdNext = Math.max(table.rowIdNext, rowId + 1);
      const superseded = side.table(tableId).locations.get(rowId);
      if (superseded > 0 && superseded < this.#checkedFrom) source.record(superseded);
    }
    side.apply(position);
  }
}

/** Whether records of a kind are written by a request. */
function bearsOperation(kind: number): boolean {
  return kind !== RecordKind.mark && kind !== RecordKind.rowIds;
}

/**
 * Takes the schema whose record is at `position` into the catalog.
 *
 * @throws {KLaniError} ChecksumMismatch when the record is damaged
 */
export function applySchema(source: RecordSource, catalog: Catalog, { position, tableId }: { position: number; tableId: number }): void {
  const at = source.record(position);
  const length = source.view.getUint32(at + RecordOffset.bodyLength, true);
  const json = new TextDecoder().decode(source.bytes.slice(at + RecordOffset.body, at + RecordOffset.body + length));
  catalog.apply(tableId, decodeSchema(JSON.parse(json)), position);
}
