import type { NewRowOf, TableSchema } from '@k-lani/protocol';
import type { Batch, ChangeCondition, RemoteLock } from 'k-lani-client';
import type { AttachedTable } from './attached-table.ts';

/** What allows a change of a row that exists: the row's version, or a lock. */
export type ChangeGuard<S extends TableSchema> = { readonly ifVersion: number } | { readonly lock: RemoteLock<S> };

/** Collects the changes of one batch; see `AttachedDatabase.batch`. */
export class AttachedBatch {
  readonly #batch: Batch;

  /** Made by `AttachedDatabase.batch`. */
  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /** Adds a row. @throws {KLaniError} errors of values */
  append<S extends TableSchema>(table: AttachedTable<S>, row: NewRowOf<S>): void {
    this.#batch.append(table.remote, row);
  }

  /** Replaces a row. @throws {KLaniError} errors of values */
  replace<S extends TableSchema>(table: AttachedTable<S>, rowId: number, row: NewRowOf<S>, guard: ChangeGuard<S>): void {
    this.#batch.replace(table.remote, rowId, row, guard satisfies ChangeCondition<S>);
  }

  /** Deletes a row. */
  delete<S extends TableSchema>(table: AttachedTable<S>, rowId: number, guard: ChangeGuard<S>): void {
    this.#batch.delete(table.remote, rowId, guard satisfies ChangeCondition<S>);
  }
}
