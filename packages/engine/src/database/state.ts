/**
 * What the commands of a database share: the log, everything derived from it, and what only the writer knows.
 *
 * 1. `visible` is the state at the last durable batch; `latest` is that plus the overlay, which only writers and readers under a lock see.
 * 2. Whoever answers from `latest` answers after the position that it returned is durable.
 */
import { assert, type Clock } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { LockTable } from '../lock/lock-table.ts';
import type { Log } from '../log/log.ts';
import { RecordOffset, type RecordTarget } from '../log/record.ts';
import { KEY_WORDS_MAX, type Term } from '../index/term.ts';
import type { LeftRight } from '../snapshot/left-right.ts';
import { OpenCursors } from './open-cursors.ts';
import type { VisibleState } from './visible-state.ts';
import type { OperationWindow } from '../snapshot/operation-window.ts';
import { Overlay } from '../snapshot/overlay.ts';
import type { Side } from '../snapshot/side.ts';
import type { Catalog } from '../table/catalog.ts';
import type { IndexDeclaration, StoredTable } from '../table/stored-table.ts';

export interface StateParts {
  readonly log: Log;
  readonly catalog: Catalog;
  readonly snapshots: LeftRight;
  readonly locks: LockTable;
  readonly operations: OperationWindow;
  readonly clock: Clock;
}

export class State implements VisibleState {
  readonly log: Log;
  readonly catalog: Catalog;
  readonly locks: LockTable;
  readonly operations: OperationWindow;
  readonly clock: Clock;
  readonly snapshots: LeftRight;
  /** How often a claim passed over a row whose record is damaged. */
  damagedRecords = 0;
  /** The cursors that are open. */
  readonly cursors = new OpenCursors();
  /** By table id. */
  readonly #overlays: Overlay[] = [];
  readonly #key = new Uint32Array(KEY_WORDS_MAX);

  constructor(parts: StateParts) {
    this.log = parts.log;
    this.catalog = parts.catalog;
    this.snapshots = parts.snapshots;
    this.locks = parts.locks;
    this.operations = parts.operations;
    this.clock = parts.clock;
  }

  /** @throws {KLaniError} WriterFailed; InvalidArgument for a table of another database */
  expectWritable(table: StoredTable): void {
    this.log.expectWritable();
    if (this.catalog.has(table)) return;
    throw new KLaniError('InvalidArgument', `Cannot write to table "${table.name}": it belongs to another database`);
  }

  /** The side that readers use now. */
  get visible(): Side {
    return this.snapshots.visible;
  }

  overlay(tableId: number): Overlay {
    return (this.#overlays[tableId] ??= new Overlay());
  }

  /** Position of the row's last durable version: negative for a tombstone, 0 for none. */
  visiblePosition(tableId: number, rowId: number): number {
    return this.visible.find(tableId)?.locations.get(rowId) ?? 0;
  }

  /** Position of the row's last appended version: negative for a tombstone, 0 for none. */
  latestPosition(tableId: number, rowId: number): number {
    return this.#overlays[tableId]?.get(rowId) || this.visiblePosition(tableId, rowId);
  }

  /**
   * Makes the record at `position`, which is known to be whole, readable in the log and returns its index. What this opening has not read
   * is not known to be, and is checked.
   *
   * @throws {KLaniError} ChecksumMismatch
   */
  locateRecord(position: number): number {
    const { log } = this;
    if (position < log.checkedFrom) return log.record(position);
    const at = log.locate(position, RecordOffset.body);
    return log.locate(position, log.view.getUint32(at, true));
  }

  /** Whether the row of the record at `position` meets a term. @throws {KLaniError} ChecksumMismatch */
  recordMeets(table: StoredTable, position: number, term: Term): boolean {
    return recordMeets(this.log, this.locateRecord(position), { table, term, key: this.#key });
  }
}

/** Whether the row of the record at `at` meets a term. `key` is memory to work in. */
export function recordMeets(source: RecordTarget, at: number, row: { table: StoredTable; term: Term; key: Uint32Array }): boolean {
  const { table, term, key } = row;
  table.keyOfRecord(source, at, indexOf(table, term.fieldIndex), key);
  return isWithin(key, term);
}

/** The declaration of the index of a field that has one. */
export function indexOf(table: StoredTable, fieldIndex: number): IndexDeclaration {
  const { indexes } = table;
  let place = 0;
  while (place < indexes.length && indexes[place]?.fieldIndex !== fieldIndex) place += 1;
  const index = indexes[place];
  assert(index !== undefined, 'The field is indexed');
  return index;
}

/** The version that the record at `at` makes of its row. */
export function recordVersion(source: RecordTarget, at: number): number {
  return source.view.getUint32(at + RecordOffset.version, true);
}

function isWithin(key: Uint32Array, term: Term): boolean {
  return compareWords(key, term.low, term.keyWords) >= 0 && compareWords(key, term.high, term.keyWords) <= 0;
}

function compareWords(a: Uint32Array, b: Uint32Array, words: number): number {
  for (let word = 0; word < words; word += 1) {
    const difference = (a[word] ?? 0) - (b[word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
