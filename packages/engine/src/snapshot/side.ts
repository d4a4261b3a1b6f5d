/**
 * One side of the derived state: row locations and indexes of every table, as they are after the batches applied so far. Everything in
 * it follows from the log; live writing and recovery apply records by the same code.
 */
import { assert } from '@k-lani/base';
import { RecordKind, RecordOffset } from '../log/record.ts';
import type { RecordSource } from '../log/record-source.ts';
import { KEY_WORDS_MAX } from '../index/term.ts';
import { PageStore } from '../memory/page-store.ts';
import type { Catalog } from '../table/catalog.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { TableSide, type TableRoots } from './table-side.ts';

export class Side {
  readonly store = new PageStore();
  /** By table id. */
  readonly #tables: (TableSide | undefined)[] = [];
  readonly #log: RecordSource;
  readonly #catalog: Catalog;
  readonly #keyBefore = new Uint32Array(KEY_WORDS_MAX);
  readonly #keyAfter = new Uint32Array(KEY_WORDS_MAX);

  constructor(log: RecordSource, catalog: Catalog) {
    this.#log = log;
    this.#catalog = catalog;
  }

  /** The table's part, or `undefined` before its first schema is applied. */
  find(tableId: number): TableSide | undefined {
    return this.#tables[tableId];
  }

  /** The part of a table whose schema is applied. */
  table(tableId: number): TableSide {
    const table = this.#tables[tableId];
    assert(table !== undefined, 'The table is visible');
    return table;
  }

  /** Makes this side equal to another. */
  copyFrom(other: Side): void {
    this.store.copyFrom(other.store);
    for (const [tableId, table] of other.#tables.entries()) {
      if (table !== undefined) this.#tables[tableId] = TableSide.attach(this.store, table.roots);
    }
  }

  /** Makes an empty side what another one was when its memory was saved. `tables` are the tables' roots by id, from 1. */
  restore(buffers: readonly SharedArrayBuffer[], tables: readonly TableRoots[]): void {
    assert(this.#tables.length === 0, 'The side is empty');
    this.store.adopt(buffers);
    for (const [place, roots] of tables.entries()) this.#tables[place + 1] = TableSide.attach(this.store, roots);
  }

  /**
   * Applies the record at `position`, which is written and checked; so is the record that it supersedes.
   *
   * @throws {KLaniError} ChecksumMismatch for a schema that adds an index, when a row of the table is damaged
   */
  apply(position: number): void {
    const log = this.#log;
    const at = log.locate(position, RecordOffset.body);
    const kind = log.view.getUint8(at + RecordOffset.kind);
    if (kind === RecordKind.mark) return;
    const tableId = log.view.getUint16(at + RecordOffset.tableId, true);
    if (kind === RecordKind.schema) this.#applySchema(tableId);
    else if (kind === RecordKind.rowIds) this.table(tableId).locations.raiseRowIdMax(log.view.getUint32(at + RecordOffset.rowId, true));
    else this.#applyRow(this.#catalog.byId(tableId), log.view.getUint32(at + RecordOffset.rowId, true), kind, position);
  }

  #applyRow(table: StoredTable, rowId: number, kind: number, position: number): void {
    const side = this.table(table.id);
    const before = side.locations.get(rowId);
    for (const index of table.indexes) {
      if (!side.hasIndex(index.fieldIndex)) continue;
      const hadKey = before > 0 && this.#key(table, index, before, this.#keyBefore);
      const hasKey = kind !== RecordKind.delete && this.#key(table, index, position, this.#keyAfter);
      if (hadKey && hasKey && equalKeys(this.#keyBefore, this.#keyAfter, index.keyWords)) continue;
      const fieldIndex = side.index(index.fieldIndex);
      if (hadKey) fieldIndex.remove(this.#keyBefore, rowId);
      if (!hasKey) continue;
      fieldIndex.add(this.#keyAfter, rowId);
      side.firstMatches.added(index.fieldIndex, this.#keyAfter, index.keyWords, rowId);
    }
    const isLive = kind !== RecordKind.delete;
    side.locations.addLiveBytes((isLive ? this.#size(position) : 0) - (before > 0 ? this.#size(before) : 0));
    side.locations.set(rowId, isLive ? position : -position);
  }

  #size(position: number): number {
    const at = this.#log.locate(position, RecordOffset.body);
    return this.#log.view.getUint32(at, true);
  }

  #key(table: StoredTable, index: StoredTable['indexes'][number], position: number, out: Uint32Array): true {
    const log = this.#log;
    const header = log.locate(position, RecordOffset.body);
    const at = log.locate(position, log.view.getUint32(header, true));
    table.keyOfRecord(log, at, index, out);
    return true;
  }

  /** Makes the table, or the indexes that a new version of its schema adds; rows from before get their default key. */
  #applySchema(tableId: number): void {
    const table = this.#catalog.byId(tableId);
    const side = (this.#tables[tableId] ??= TableSide.create(this.store));
    for (const index of table.indexes) {
      if (side.hasIndex(index.fieldIndex)) continue;
      const added = side.addIndex(this.store, index);
      // No terms on this field are remembered yet: it could not be asked for.
      for (let rowId = 1; rowId <= side.locations.rowIdMax; rowId += 1) {
        const position = side.locations.get(rowId);
        if (position <= 0) continue;
        table.keyOfRecord(this.#log, this.#log.record(position), index, this.#keyAfter);
        added.add(this.#keyAfter, rowId);
      }
    }
  }
}

function equalKeys(a: Uint32Array, b: Uint32Array, words: number): boolean {
  for (let word = 0; word < words; word += 1) if (a[word] !== b[word]) return false;
  return true;
}
