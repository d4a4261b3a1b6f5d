/** A lock of a row in an embedded database. Give it back with `unlock`, or by `await using`. */
import {
  ByteWriter,
  fencingToken,
  type NewRowOf,
  type RowOf,
  type TableSchema,
  type VersionedRow,
  type WriteResult,
} from '@k-lani/protocol';
import type { Lock } from '../lock/lock-table.ts';
import { RecordKind } from '../log/record.ts';
import { NONE } from '../memory/none.ts';
import type { ChangeKind } from '../database/writer.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { versionedRowAt } from './embedded-rows.ts';
import type { EmbeddedSession, WriteOptions } from './embedded-session.ts';
import { changeOpcode, encodeChange, firstWriteResult } from './row-change.ts';

export class EmbeddedLock<S extends TableSchema> implements AsyncDisposable {
  readonly rowId: number;
  /** The fencing token: higher than that of any lock before, over restarts too. */
  readonly token: bigint;
  /** Milliseconds for which the lock was granted. */
  readonly leaseMs: number;
  readonly #session: EmbeddedSession;
  readonly #table: StoredTable;
  readonly #lock: Lock;
  readonly #writer = new ByteWriter();

  /** Made by `EmbeddedTable.tryLock`. */
  constructor(session: EmbeddedSession, table: StoredTable, lock: Lock) {
    this.#session = session;
    this.#table = table;
    this.#lock = lock;
    this.rowId = lock.rowId;
    this.token = fencingToken(lock.tokenLow, lock.tokenHigh);
    this.leaseMs = session.database.state.locks.leaseLeftMs(lock);
  }

  /**
   * The row as it is now, whoever changed it last; resolves when that is durable. `undefined` when it is deleted.
   *
   * @throws {KLaniError} NotLocked, StaleToken
   */
  async seek(): Promise<VersionedRow<RowOf<S>> | undefined> {
    const { database, owner } = this.#session;
    database.state.locks.require(owner, this.#lock, this.#lock.tokenLow, this.#lock.tokenHigh);
    const at = database.reader.seekLatest(this.#table, this.rowId);
    const row = at === NONE ? undefined : versionedRowAt<RowOf<S>>(database.state.log, this.#table, at);
    await this.#session.durable(database.reader.latestDependsOn(this.#table, this.rowId));
    return row;
  }

  /** Replaces the row and keeps the lock. @throws {KLaniError} NotFound, NotLocked, StaleToken, DuplicateKey, errors of values */
  replace(row: NewRowOf<S>, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#change(RecordKind.replace, row, { unlock: false, options });
  }

  /** Replaces the row and gives the lock back in one step. */
  replaceAndUnlock(row: NewRowOf<S>, options: WriteOptions = {}): Promise<WriteResult> {
    return this.#change(RecordKind.replace, row, { unlock: true, options });
  }

  /** Deletes the row; the lock ends with it. */
  delete(options: WriteOptions = {}): Promise<WriteResult> {
    return this.#change(RecordKind.delete, undefined, { unlock: true, options });
  }

  /** Gives the lock back. A lock that has ended already is no error. */
  async unlock(): Promise<void> {
    this.#session.database.state.locks.release(this.#lock);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unlock();
  }

  async #change(
    kind: ChangeKind,
    row: NewRowOf<S> | undefined,
    { unlock, options }: { unlock: boolean; options: WriteOptions },
  ): Promise<WriteResult> {
    const { database, owner } = this.#session;
    const { tokenLow, tokenHigh } = this.#lock;
    const what = { kind, rowId: this.rowId, ifVersion: 0, tokenLow, tokenHigh, unlock };
    const change = encodeChange(this.#writer, this.#table, what, row);
    return this.#session.write(
      { opcode: changeOpcode(kind), options, body: this.#writer },
      (operation) => {
        const answer = database.writer.write(operation, owner, change);
        return { answer, dependsOn: answer.lsn };
      },
      firstWriteResult,
    );
  }
}
