/**
 * Claim: finds rows, verifies them and changes them as one command, the fast path of a sale. All lines or none.
 *
 * 1. Rows that match in the visible state and are not in the overlay are taken first; then rows of the overlay that match as they are there.
 * 2. A row locked by anybody is passed over, to the end of the index.
 * 3. A refusal depends on the overlay rows that it passed over although they match in the visible state: it is answered after they are durable.
 */
import { assert } from '@k-lani/base';
import { type FieldValue, KLaniError, assignFieldSlot, decodeFieldSlot, keyFromRow, keyFromSlot } from '@k-lani/protocol';
import { Intersection } from '../index/intersection.ts';
import { KEY_WORDS_MAX, type Term, type TermList } from '../index/term.ts';
import { RecordKind, RecordOffset, newDraft, recordSize, type Operation } from '../log/record.ts';
import { NONE } from '../memory/none.ts';
import type { IndexDeclaration, StoredTable } from '../table/stored-table.ts';
import type { Changed } from './writer.ts';
import { RefusalMemo } from './refusal-memo.ts';
import { recordVersion, type State } from './state.ts';
import { UniqueCheck, isNullKey } from './unique-check.ts';

/** Sets one field of the rows that a line takes. The slot is checked: one byte 0 for null or 1, then the slot's bytes. */
export interface Assignment {
  readonly fieldIndex: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly offset: number;
}

/** One line of a claim. */
export interface ClaimLine {
  readonly table: StoredTable;
  readonly terms: TermList;
  /** Rows wanted, at least 1. */
  readonly count: number;
  readonly assignments: readonly Assignment[];
}

/** What a claim came to. Every answer may leave once `dependsOn` is durable (0: at once). */
export type Claimed =
  | { readonly outcome: 'claimed'; readonly lines: readonly (readonly Changed[])[]; readonly lsn: number; readonly dependsOn: number }
  | { readonly outcome: 'none_available'; readonly line: number; readonly dependsOn: number }
  | { readonly outcome: 'all_locked'; readonly line: number; readonly retryAfterMs: number; readonly dependsOn: number };

/** A row that a line takes. */
interface Pick {
  readonly line: number;
  readonly table: StoredTable;
  readonly rowId: number;
  readonly position: number;
}

export class Claimer {
  readonly #state: State;
  readonly #intersection: Intersection;
  readonly #unique: UniqueCheck;
  readonly #key = new Uint32Array(KEY_WORDS_MAX);
  readonly #refusals = new RefusalMemo();
  readonly #picks: Pick[] = [];
  readonly #picked = new Set<number>();
  /** The table of the line that is being filled. */
  #table: StoredTable | undefined;
  #lockedCount = 0;
  #leaseLeftMs = Infinity;
  #dependsOn = 0;
  readonly #draft = newDraft(RecordKind.replace);

  constructor(state: State) {
    this.#state = state;
    this.#unique = new UniqueCheck(state);
    this.#intersection = new Intersection((rowId, term) => {
      const table = this.#table;
      assert(table !== undefined, 'A line is being filled');
      return this.#meets(table, state.visiblePosition(table.id, rowId), term);
    });
  }

  /**
   * Takes rows for every line and changes them, or refuses.
   *
   * @throws {KLaniError} DuplicateKey, BatchTooLarge and the others of `Log.reserve`; nothing was written then
   */
  claim(operation: Operation, lines: readonly ClaimLine[]): Claimed {
    this.#picks.length = 0;
    // Clearing an empty set makes a new table for it.
    if (this.#picked.size > 0) this.#picked.clear();
    for (const line of lines) this.#state.expectWritable(line.table);
    for (let place = 0; place < lines.length; place += 1) {
      const refusal = this.#fill(lines[place] as ClaimLine, place);
      if (refusal === undefined) continue;
      // What earlier lines took, and had to pass over, decides too what was left for this one.
      return lines.length === 1 ? refusal : { ...refusal, dependsOn: this.#state.log.appended - 1 };
    }
    return this.#write(operation, lines);
  }

  #fill(line: ClaimLine, place: number): Exclude<Claimed, { outcome: 'claimed' }> | undefined {
    this.#table = line.table;
    this.#lockedCount = 0;
    this.#leaseLeftMs = Infinity;
    this.#dependsOn = 0;
    const wanted = this.#picks.length + line.count;
    this.#pickVisible(line, place, wanted);
    if (this.#picks.length < wanted) this.#pickFromOverlay(line, place, wanted);
    if (this.#picks.length === wanted) return undefined;
    if (this.#picks.length + this.#lockedCount < wanted) {
      return { outcome: 'none_available', line: place, dependsOn: this.#dependsOn };
    }
    return { outcome: 'all_locked', line: place, retryAfterMs: this.#leaseLeftMs, dependsOn: this.#dependsOn };
  }

  #pickVisible(line: ClaimLine, place: number, wanted: number): void {
    const { visible } = this.#state;
    const side = visible.find(line.table.id);
    if (side === undefined || !side.hasIndexes(line.terms)) return;
    const first = side.firstMatch(line.terms, this.#intersection);
    if (first === NONE) return;
    this.#intersection.begin(side, line.terms, this.#state.overlay(line.table.id).rows, 1, first);
    while (this.#picks.length < wanted) {
      const rowId = this.#intersection.next();
      if (rowId === NONE) return;
      if (this.#isFree(line.table, rowId)) this.#pick({ line: place, table: line.table, rowId, position: side.locations.get(rowId) });
    }
  }

  #pickFromOverlay(line: ClaimLine, place: number, wanted: number): void {
    const { table, terms } = line;
    const overlay = this.#state.overlay(table.id);
    if (overlay.size === 0) return;
    const known = this.#refusals.find(overlay, terms);
    if (known !== undefined) {
      this.#dependsOn = Math.max(this.#dependsOn, known);
      return;
    }
    let isNone = true;
    const walk = overlay.walk();
    for (let rowId = walk.next(); rowId !== NONE; rowId = walk.next()) {
      const position = overlay.get(rowId);
      if (position > 0 && this.#meetsAll(table, position, terms)) {
        isNone = false;
        if (this.#isFree(table, rowId)) this.#pick({ line: place, table, rowId, position });
        if (this.#picks.length === wanted) return;
        continue;
      }
      const before = this.#state.visiblePosition(table.id, rowId);
      if (before > 0 && this.#meetsAll(table, before, terms)) this.#dependsOn = Math.max(this.#dependsOn, Math.abs(position));
    }
    if (isNone) this.#refusals.add(overlay, terms, this.#dependsOn);
  }

  /** Takes a row, unless its record is damaged. */
  #pick(pick: Pick): void {
    try {
      this.#state.log.record(pick.position);
    } catch (error) {
      this.#passOver(error);
      return;
    }
    this.#picks.push(pick);
    this.#picked.add(pickName(pick.table, pick.rowId));
  }

  #meets(table: StoredTable, position: number, term: Term): boolean {
    try {
      return this.#state.recordMeets(table, position, term);
    } catch (error) {
      this.#passOver(error);
      return false;
    }
  }

  /** Counts a row whose record is damaged: the rows behind it can still be sold. */
  #passOver(error: unknown): void {
    if (!(error instanceof KLaniError) || error.code !== 'ChecksumMismatch') throw error;
    this.#state.damagedRecords += 1;
  }

  #meetsAll(table: StoredTable, position: number, terms: TermList): boolean {
    for (let place = 0; place < terms.count; place += 1) {
      if (!this.#meets(table, position, terms.at(place))) return false;
    }
    return true;
  }

  /** Whether a matching row is neither taken by an earlier line nor locked; a lock is remembered for the refusal. */
  #isFree(table: StoredTable, rowId: number): boolean {
    const { locks } = this.#state;
    if (this.#picked.size > 0 && this.#picked.has(pickName(table, rowId))) return false;
    if (!locks.hasLocks(table.id)) return true;
    const lock = locks.find(table.id, rowId);
    if (lock === undefined) return true;
    this.#lockedCount += 1;
    this.#leaseLeftMs = Math.min(this.#leaseLeftMs, locks.leaseLeftMs(lock));
    return false;
  }

  #write(operation: Operation, lines: readonly ClaimLine[]): Claimed {
    const { log, operations } = this.#state;
    this.#checkUnique(lines);
    let size = 0;
    for (const { table, position } of this.#picks) {
      const at = this.#state.locateRecord(position);
      const isCurrent = log.view.getUint32(at + RecordOffset.schemaVersion, true) === table.schema.version;
      const length = isCurrent
        ? log.view.getUint32(at + RecordOffset.bodyLength, true)
        : (table.rowInLayout(log, at, table.layout)?.length ?? 0);
      size += recordSize(length, operation.actor.length);
    }
    log.reserve(size);
    const changed: Changed[][] = lines.map(() => []);
    let lsn = 0;
    for (const [place, pick] of this.#picks.entries()) {
      const line = lines[pick.line];
      assert(line !== undefined, 'A pick is of a line');
      const one = this.#append(operation, pick, line, place === this.#picks.length - 1);
      if (place === 0) operations.add(operation.id, one.lsn);
      changed[pick.line]?.push(one);
      lsn = one.lsn;
    }
    return { outcome: 'claimed', lines: changed, lsn, dependsOn: lsn };
  }

  /** Appends the successor of a picked row: its row with the assignments made. */
  #append(operation: Operation, pick: Pick, line: ClaimLine, last: boolean): Changed {
    const { log } = this.#state;
    const { table, rowId, position } = pick;
    let at = this.#state.locateRecord(position);
    const upgraded = table.rowInLayout(log, at, table.layout);
    const length = upgraded?.length ?? log.view.getUint32(at + RecordOffset.bodyLength, true);
    const draft = this.#draft;
    draft.tableId = table.id;
    draft.version = recordVersion(log, at) + 1;
    draft.rowId = rowId;
    draft.previous = position;
    draft.schemaVersion = table.schema.version;
    draft.line = pick.line;
    draft.last = last;
    const body = log.begin(draft, operation, length);
    // `begin` may have moved the memory that `at` points into.
    at = this.#state.locateRecord(position);
    const { bytes, view } = log.target;
    if (upgraded === undefined) bytes.set(log.bytes.subarray(at + RecordOffset.body, at + RecordOffset.body + length), body);
    else bytes.set(upgraded.bytes.subarray(0, length), body);
    for (const { fieldIndex, bytes: source, offset } of line.assignments) {
      assignFieldSlot(table.layout, fieldIndex, source, offset, bytes, body);
    }
    const lsn = log.finish();
    this.#remember({ table, rowId, lsn }, { bytes, view, offset: body });
    this.#state.overlay(table.id).set(rowId, lsn);
    return { rowId, version: draft.version, lsn };
  }

  /** Puts the unique keys of the record at `lsn` into the overlay. */
  #remember(
    { table, rowId, lsn }: { table: StoredTable; rowId: number; lsn: number },
    row: { bytes: Uint8Array; view: DataView; offset: number },
  ): void {
    for (const index of table.indexes) {
      if (index.kind !== 'unique') continue;
      keyFromRow(table.layout, index.fieldIndex, row.bytes, row.view, row.offset, this.#key, 0);
      if (isNullKey(table, index, this.#key)) continue;
      this.#state.overlay(table.id).holdUnique(index, this.#key, rowId, lsn);
    }
  }

  /** Takes the unique keys that the assignments give. */
  #checkUnique(lines: readonly ClaimLine[]): void {
    this.#unique.begin();
    for (const pick of this.#picks)
      this.#forUnique(lines, pick, ({ fieldIndex }) => this.#unique.releases(pick.table.id, pick.rowId, fieldIndex));
    for (const pick of this.#picks) {
      this.#forUnique(lines, pick, (index, { bytes, view, offset }) => {
        const field = pick.table.schema.fields[index.fieldIndex];
        assert(field !== undefined, 'The field exists');
        const key = this.#key.subarray(0, index.keyWords);
        keyFromSlot(field, view, offset + 1, view.getUint8(offset) === 1, key, 0);
        if (isNullKey(pick.table, index, key)) return;
        const value = (): FieldValue => decodeFieldSlot(pick.table.layout, index.fieldIndex, bytes, view, offset);
        this.#unique.take({ table: pick.table, rowId: pick.rowId, index, key, value });
      });
    }
  }

  #forUnique(lines: readonly ClaimLine[], pick: Pick, visit: (index: IndexDeclaration, assignment: Assignment) => void): void {
    for (const assignment of lines[pick.line]?.assignments ?? []) {
      const index = pick.table.indexes.find(({ fieldIndex, kind }) => fieldIndex === assignment.fieldIndex && kind === 'unique');
      if (index !== undefined) visit(index, assignment);
    }
  }
}

/** A number of its own for each row of each table. */
function pickName(table: StoredTable, rowId: number): number {
  return table.id * 2 ** 32 + rowId;
}
