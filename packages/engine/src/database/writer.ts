/**
 * Appends, replaces and deletes: checks the whole request against the latest state, then writes all of it into one batch.
 *
 * 1. A request either writes all its records or none: everything that can be refused is refused before the first record.
 * 2. A replace or delete needs the lock's token or `ifVersion`; with `ifVersion` a lock of anybody refuses it.
 * 3. The lease is looked at when the record is appended.
 */
import { type FieldValue, KLaniError, decodeField, keyFromRow } from '@k-lani/protocol';
import { KEY_WORDS_MAX } from '../index/term.ts';
import type { Lock, LockOwner } from '../lock/lock-table.ts';
import { RecordKind, newDraft, recordSize, type Operation } from '../log/record.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { recordVersion, type State } from './state.ts';
import { UniqueCheck, isNullKey } from './unique-check.ts';

/** A row in the newest layout of its table, checked. Borrowed for the call. */
interface RowBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly offset: number;
  readonly length: number;
}

export type ChangeKind = typeof RecordKind.append | typeof RecordKind.replace | typeof RecordKind.delete;

/** One change of one row. */
export interface Change {
  readonly kind: ChangeKind;
  readonly table: StoredTable;
  /** 0 for an append. */
  readonly rowId: number;
  /** The lock's fencing token in two halves; both 0 for none. */
  readonly tokenLow: number;
  readonly tokenHigh: number;
  /** The version that the row must have, 0 for any. */
  readonly ifVersion: number;
  /** Gives the lock back in the same step. */
  readonly unlock: boolean;
  /** `undefined` for a delete. */
  readonly row: RowBytes | undefined;
}

/** What a change came to. */
export interface Changed {
  readonly rowId: number;
  readonly version: number;
  /** Position of the record: durable when everything before it and itself is. */
  readonly lsn: number;
}

/** Most changes of one request. */
const CHANGES_MAX = 1_000_000;

/** What a change finds: the row as it is, and the lock that allows to change it. */
interface Found {
  readonly lock: Lock | undefined;
  /** Position of the row's latest record, 0 for a row that is appended. */
  readonly previous: number;
  readonly versionBefore: number;
}

/** What an append finds. */
const NO_ROW: Found = { lock: undefined, previous: 0, versionBefore: 0 };

export class Writer {
  readonly #state: State;
  readonly #unique: UniqueCheck;
  readonly #key = new Uint32Array(KEY_WORDS_MAX);
  readonly #draft = newDraft(RecordKind.append);

  constructor(state: State) {
    this.#state = state;
    this.#unique = new UniqueCheck(state);
  }

  /**
   * Carries out one change.
   *
   * @throws {KLaniError} NotFound, NotLocked, StaleToken, AlreadyLocked, VersionMismatch, DuplicateKey, LimitReached, and those of
   *   `Log.reserve`; nothing was written then
   */
  write(operation: Operation, owner: LockOwner, change: Change): Changed {
    this.#unique.begin();
    const found = this.#check(owner, change);
    this.#checkUnique(change);
    this.#state.log.reserve(recordSize(change.row?.length ?? 0, operation.actor.length));
    const changed = this.#append(operation, change, found, true);
    this.#state.operations.add(operation.id, changed.lsn);
    return changed;
  }

  /**
   * Carries out several changes of different rows, all or nothing.
   *
   * @throws {KLaniError} as `write`; InvalidArgument for a row that is changed twice, or no changes; BatchTooLarge
   */
  writeAll(operation: Operation, owner: LockOwner, changes: readonly Change[]): Changed[] {
    if (changes.length === 0 || changes.length > CHANGES_MAX) {
      throw new KLaniError('InvalidArgument', `Cannot commit a batch of ${changes.length} changes: must be 1 to ${CHANGES_MAX}`);
    }
    this.#unique.begin();
    checkDistinct(changes);
    const found = changes.map((change) => this.#check(owner, change));
    for (const change of changes) this.#releaseUnique(change);
    for (const change of changes) this.#checkUnique(change);
    checkAppends(changes);
    let size = 0;
    for (const change of changes) size += recordSize(change.row?.length ?? 0, operation.actor.length);
    this.#state.log.reserve(size);
    const last = changes.length - 1;
    const results = changes.map((change, place) => this.#append(operation, change, found[place] as Found, place === last));
    this.#state.operations.add(operation.id, results[0]?.lsn ?? 0);
    return results;
  }

  #check(owner: LockOwner, change: Change): Found {
    const { table, rowId } = change;
    this.#state.expectWritable(table);
    if (change.kind === RecordKind.append) {
      checkRowIds(table, 1);
      return NO_ROW;
    }
    const lock = this.#checkLock(owner, change);
    const previous = this.#state.latestPosition(table.id, rowId);
    if (previous <= 0)
      throw new KLaniError('NotFound', `Cannot change row ${rowId} of table "${table.name}": there is none, or it is deleted`);
    const at = this.#state.log.record(previous);
    const versionBefore = recordVersion(this.#state.log, at);
    if (change.ifVersion !== 0 && change.ifVersion !== versionBefore) {
      throw new KLaniError(
        'VersionMismatch',
        `Cannot change row ${rowId} of table "${table.name}": its version is ${versionBefore}, ifVersion is ${change.ifVersion}`,
      );
    }
    return { lock, previous, versionBefore };
  }

  #checkLock(owner: LockOwner, change: Change): Lock | undefined {
    const { locks } = this.#state;
    const { table, rowId, tokenLow, tokenHigh } = change;
    const row = { tableId: table.id, rowId };
    if (tokenLow !== 0 || tokenHigh !== 0) return locks.require(owner, row, tokenLow, tokenHigh);
    const lock = locks.find(table.id, rowId);
    if (change.ifVersion === 0) {
      throw new KLaniError(
        'NotLocked',
        `Cannot change row ${rowId} of table "${table.name}": neither a lock's token nor ifVersion is given`,
      );
    }
    if (lock === undefined) return undefined;
    throw new KLaniError('AlreadyLocked', `Cannot change row ${rowId} of table "${table.name}": it is locked`, {
      retryAfterMs: locks.leaseLeftMs(lock),
    });
  }

  /** Tells the unique check which keys a change gives up. */
  #releaseUnique(change: Change): void {
    if (change.kind === RecordKind.append) return;
    for (const index of change.table.indexes) {
      if (index.kind === 'unique') this.#unique.releases(change.table.id, change.rowId, index.fieldIndex);
    }
  }

  #checkUnique({ table, row, rowId }: Change): void {
    if (row === undefined) return;
    for (const index of table.indexes) {
      if (index.kind !== 'unique') continue;
      const key = this.#key.subarray(0, index.keyWords);
      keyFromRow(table.layout, index.fieldIndex, row.bytes, row.view, row.offset, key, 0);
      if (isNullKey(table, index, key)) continue;
      const value = (): FieldValue => decodeField(table.layout, index.fieldIndex, row.bytes, row.view, row.offset);
      this.#unique.take({ table, rowId, index, key, value });
    }
  }

  #append(operation: Operation, change: Change, { lock, previous, versionBefore }: Found, last: boolean): Changed {
    const { table, kind, row } = change;
    const { log } = this.#state;
    const rowId = kind === RecordKind.append ? table.rowIdNext : change.rowId;
    if (kind === RecordKind.append) table.rowIdNext += 1;
    const draft = this.#draft;
    draft.kind = kind;
    draft.tableId = table.id;
    draft.version = versionBefore + 1;
    draft.rowId = rowId;
    draft.previous = previous;
    draft.tokenLow = lock?.tokenLow ?? 0;
    draft.tokenHigh = lock?.tokenHigh ?? 0;
    draft.schemaVersion = table.schema.version;
    draft.last = last;
    const body = log.begin(draft, operation, row?.length ?? 0);
    if (row !== undefined) copyRow(row, log.target.bytes, body);
    const lsn = log.finish();
    this.#remember(change, rowId, lsn);
    if (lock !== undefined && (change.unlock || kind === RecordKind.delete)) this.#state.locks.release(lock);
    return { rowId, version: draft.version, lsn };
  }

  /** Puts the change into the overlay. */
  #remember({ table, kind, row }: Change, rowId: number, lsn: number): void {
    const overlay = this.#state.overlay(table.id);
    overlay.set(rowId, kind === RecordKind.delete ? -lsn : lsn);
    if (row === undefined) return;
    for (const index of table.indexes) {
      if (index.kind !== 'unique') continue;
      keyFromRow(table.layout, index.fieldIndex, row.bytes, row.view, row.offset, this.#key, 0);
      if (isNullKey(table, index, this.#key)) continue;
      overlay.holdUnique(index, this.#key, rowId, lsn);
    }
  }
}

function copyRow(row: RowBytes, target: Uint8Array, at: number): void {
  const { bytes, offset, length } = row;
  if (length > 64) target.set(bytes.subarray(offset, offset + length), at);
  else for (let index = 0; index < length; index += 1) target[at + index] = bytes[offset + index] as number;
}

function checkAppends(changes: readonly Change[]): void {
  const counts = new Map<StoredTable, number>();
  let table: StoredTable | undefined;
  let count = 0;
  for (const change of changes) {
    if (change.kind !== RecordKind.append) continue;
    if (change.table !== table) {
      if (table !== undefined) counts.set(table, count);
      table = change.table;
      count = counts.get(table) ?? 0;
    }
    count += 1;
  }
  if (table !== undefined) counts.set(table, count);
  for (const [appendedTo, rows] of counts) checkRowIds(appendedTo, rows);
}

function checkRowIds(table: StoredTable, count: number): void {
  const last = table.rowIdNext + count - 1;
  if (last <= ROW_ID_MAX) return;
  throw new KLaniError('LimitReached', `Cannot append to table "${table.name}": row id would be ${last}, must be <= ${ROW_ID_MAX}`);
}

function checkDistinct(changes: readonly Change[]): void {
  const seen = new Map<number, Set<number>>();
  for (const { kind, table, rowId } of changes) {
    if (kind === RecordKind.append) continue;
    let rows = seen.get(table.id);
    if (rows === undefined) {
      rows = new Set();
      seen.set(table.id, rows);
    }
    if (rows.has(rowId))
      throw new KLaniError('InvalidArgument', `Cannot commit a batch that changes row ${rowId} of table "${table.name}" twice`);
    rows.add(rowId);
  }
}
