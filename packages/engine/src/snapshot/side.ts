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
import type { IndexDeclaration, StoredTable } from '../table/stored-table.ts';
import { SideRoot } from './side-root.ts';
import { TableSide, type TableRoots } from './table-side.ts';

export class Side {
  readonly store: PageStore;
  /** By table id. */
  readonly #tables: (TableSide | undefined)[] = [];
  /** By table id, and then by schema version: position of the schema's record, as far as this side holds it. */
  readonly #schemaPositions: (Map<number, number> | undefined)[] = [];
  /** For readers elsewhere; `undefined` as long as there are none. */
  #root: SideRoot | undefined;
  readonly #log: RecordSource;
  readonly #catalog: Catalog;
  /** Keys of the row being applied, by field. */
  readonly #keysBefore: Uint32Array[] = [];
  readonly #keysAfter: Uint32Array[] = [];

  /** @param store empty */
  constructor(log: RecordSource, catalog: Catalog, store: PageStore = new PageStore()) {
    this.store = store;
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
      if (table !== undefined) this.#tables[tableId] = TableSide.attach(this.store, table.roots).remembering();
    }
    for (const [tableId, positions] of other.#schemaPositions.entries()) this.#schemaPositions[tableId] = new Map(positions);
    if (other.#root !== undefined) this.#root = new SideRoot(this.store);
  }

  /**
   * Writes what readers elsewhere need besides the structures, and from here on keeps it up to date. The catalog is as the side is.
   *
   * @param end position where the log ends that the side holds
   */
  describe(end: number): void {
    for (const { id, schemaPositions } of this.#catalog.tables) this.#schemaPositions[id] = new Map(schemaPositions);
    this.#root = SideRoot.create(this.store);
    this.#listTables();
    this.endAt(end);
  }

  /** Tells readers elsewhere up to where this side holds the log. */
  endAt(end: number): void {
    if (this.#root !== undefined) this.#root.end = end;
  }

  /** Makes an empty side what another one was when its memory was saved. `tables` are the tables' roots by id, from 1. */
  restore(buffers: readonly SharedArrayBuffer[], tables: readonly TableRoots[]): void {
    assert(this.#tables.length === 0, 'The side is empty');
    this.store.load(buffers);
    for (const [place, roots] of tables.entries()) this.#tables[place + 1] = TableSide.attach(this.store, roots).remembering();
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
    const rowId = log.view.getUint32(at + RecordOffset.rowId, true);
    if (kind === RecordKind.schema) this.#applySchema(tableId, { position, version: log.view.getUint32(at + RecordOffset.version, true) });
    else if (kind === RecordKind.rowIds) this.table(tableId).locations.raiseRowIdMax(rowId);
    else this.#applyRow(this.#catalog.byId(tableId), rowId, kind, position);
  }

  #applyRow(table: StoredTable, rowId: number, kind: number, position: number): void {
    const side = this.table(table.id);
    const before = side.locations.get(rowId);
    const wasLive = before > 0;
    const isLive = kind !== RecordKind.delete;
    const sizeBefore = wasLive ? this.#readKeys(table, before, this.#keysBefore) : 0;
    const sizeAfter = isLive ? this.#readKeys(table, position, this.#keysAfter) : 0;
    const { indexes } = table;
    for (let place = 0; place < indexes.length; place += 1) {
      const { fieldIndex, keyWords } = indexes[place] as IndexDeclaration;
      if (!side.hasIndex(fieldIndex)) continue;
      const keyBefore = this.#keysBefore[fieldIndex] as Uint32Array;
      const keyAfter = this.#keysAfter[fieldIndex] as Uint32Array;
      if (wasLive && isLive && equalKeys(keyBefore, keyAfter, keyWords)) continue;
      const index = side.index(fieldIndex);
      if (wasLive) index.remove(keyBefore, rowId);
      if (isLive) index.add(keyAfter, rowId);
    }
    side.changed(rowId, wasLive ? this.#keysBefore : undefined, isLive ? this.#keysAfter : undefined);
    this.#root?.changed(rowId);
    side.locations.addLiveBytes(sizeAfter - sizeBefore);
    side.locations.set(rowId, isLive ? position : -position);
  }

  /** Reads the keys of the record at `position`, by field; returns the record's size. */
  #readKeys(table: StoredTable, position: number, keys: Uint32Array[]): number {
    const log = this.#log;
    const header = log.locate(position, RecordOffset.body);
    const size = log.view.getUint32(header, true);
    const at = log.locate(position, size);
    const { indexes } = table;
    for (let place = 0; place < indexes.length; place += 1) {
      const index = indexes[place] as IndexDeclaration;
      table.keyOfRecord(log, at, index, (keys[index.fieldIndex] ??= new Uint32Array(KEY_WORDS_MAX)));
    }
    return size;
  }

  /** Makes the table, or the indexes that a new version of its schema adds; rows from before get their default key. */
  #applySchema(tableId: number, { position, version }: { position: number; version: number }): void {
    const table = this.#catalog.byId(tableId);
    const side = (this.#tables[tableId] ??= TableSide.create(this.store));
    for (const index of table.indexes) {
      if (side.hasIndex(index.fieldIndex)) continue;
      const added = side.addIndex(this.store, index);
      const key = new Uint32Array(KEY_WORDS_MAX);
      // No terms on this field are remembered yet: it could not be asked for.
      for (let rowId = 1; rowId <= side.locations.rowIdMax; rowId += 1) {
        const latest = side.locations.get(rowId);
        if (latest <= 0) continue;
        table.keyOfRecord(this.#log, this.#log.record(latest), index, key);
        added.add(key, rowId);
      }
    }
    if (this.#root === undefined) return;
    (this.#schemaPositions[tableId] ??= new Map()).set(version, position);
    this.#listTables();
  }

  #listTables(): void {
    this.#root?.write(
      this.#tables.flatMap((table, tableId) =>
        table === undefined ? [] : [{ roots: table.roots, schemaPositions: [...(this.#schemaPositions[tableId] ?? []).values()] }],
      ),
    );
  }
}

function equalKeys(a: Uint32Array, b: Uint32Array, words: number): boolean {
  for (let word = 0; word < words; word += 1) if (a[word] !== b[word]) return false;
  return true;
}
