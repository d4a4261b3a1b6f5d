/** A batch of changes of several rows and tables, all or nothing. */
import {
  ByteWriter,
  KLaniError,
  Opcode,
  encodeRow,
  fencingTokenHigh,
  fencingTokenLow,
  type BatchResult,
  type NewRowOf,
  type TableSchema,
} from '@k-lani/protocol';
import type { Change, ChangeKind } from '../database/writer.ts';
import { RecordKind } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { EmbeddedLock } from './embedded-lock.ts';
import type { EmbeddedSession, WriteOptions } from './embedded-session.ts';
import type { EmbeddedTable } from './embedded-table.ts';
import { checkRowId } from './row-change.ts';

/** What allows a change of a row that exists: the row's version, or a lock. */
export type ChangeGuard<S extends TableSchema> = { readonly ifVersion: number } | { readonly lock: EmbeddedLock<S> };

/** A row in the body of a batch, whose memory may move until the batch is committed. */
interface PendingRow {
  bytes: Uint8Array;
  view: DataView;
  readonly offset: number;
  readonly length: number;
}

interface Pending extends Change {
  readonly row: PendingRow | undefined;
}

/** Collects changes; see `EmbeddedDatabase.batch`. */
export class EmbeddedBatch {
  readonly #body = new ByteWriter();
  readonly #pending: Pending[] = [];

  /** Adds a row. @throws {KLaniError} errors of values */
  append<S extends TableSchema>(table: EmbeddedTable<S>, row: NewRowOf<S>): void {
    this.#add(table.stored, { kind: RecordKind.append, rowId: 0 }, { ifVersion: 0 }, row);
  }

  /** Replaces a row. @throws {KLaniError} errors of values */
  replace<S extends TableSchema>(table: EmbeddedTable<S>, rowId: number, row: NewRowOf<S>, guard: ChangeGuard<S>): void {
    this.#add(table.stored, { kind: RecordKind.replace, rowId }, guard, row);
  }

  /** Deletes a row. */
  delete<S extends TableSchema>(table: EmbeddedTable<S>, rowId: number, guard: ChangeGuard<S>): void {
    this.#add(table.stored, { kind: RecordKind.delete, rowId }, guard, undefined);
  }

  /** Carries the batch out; used by `EmbeddedDatabase.batch`. */
  commit(session: EmbeddedSession, options: WriteOptions): Promise<BatchResult> {
    const { bytes, view } = this.#body;
    for (const { row } of this.#pending) {
      if (row === undefined) continue;
      row.bytes = bytes;
      row.view = view;
    }
    return session.write<BatchResult>(
      { opcode: Opcode.BatchCommit, options, body: this.#body },
      (operation) => {
        const changed = session.database.writer.writeAll(operation, session.owner, this.#pending);
        const lsn = changed.at(-1)?.lsn ?? 0;
        return { answer: { lsn, changes: changed.map(({ rowId, version }) => ({ rowId, version })) }, dependsOn: lsn };
      },
      ({ lsn, changes: done }) => ({ lsn, changes: done.map(({ rowId, version }) => ({ rowId, version })) }),
    );
  }

  #add<S extends TableSchema>(
    table: StoredTable,
    what: { readonly kind: ChangeKind; readonly rowId: number },
    guard: ChangeGuard<S>,
    row: NewRowOf<S> | undefined,
  ): void {
    const token = 'lock' in guard ? guard.lock.token : undefined;
    if ('lock' in guard && guard.lock.rowId !== what.rowId) {
      throw new KLaniError('InvalidArgument', `Cannot change row ${what.rowId}: the lock given is of row ${guard.lock.rowId}`);
    }
    checkRowId(what.rowId);
    const ifVersion = 'lock' in guard ? 0 : guard.ifVersion;
    this.#body.u8(what.kind);
    this.#body.u32(table.id);
    this.#body.u32(what.rowId);
    this.#body.u32(ifVersion);
    const offset = this.#body.length;
    if (row !== undefined) encodeRow(table.layout, row, this.#body);
    const { bytes, view, length } = this.#body;
    this.#pending.push({
      kind: what.kind,
      table,
      rowId: what.rowId,
      ifVersion,
      tokenLow: token === undefined ? 0 : fencingTokenLow(token),
      tokenHigh: token === undefined ? 0 : fencingTokenHigh(token),
      unlock: false,
      row: row === undefined ? undefined : { bytes, view, offset, length: length - offset },
    });
  }
}
