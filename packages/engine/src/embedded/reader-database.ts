/** A database that another thread or process writes, read from the memory that the two share. */
import type { Clock, Scheduler } from '@k-lani/base';
import { KLaniError, canEvolve, schemaDifferences, type DynamicSchema, type TableSchema, type TableSummary } from '@k-lani/protocol';
import type { SharedReader, SharedStats } from '../database/shared-reader.ts';
import { TableReader } from './table-reader.ts';

/** How often it looks whether the process that writes is still there, milliseconds. */
const OWNER_LOOK_MS = 500;

/**
 * Every read sees the newest durable snapshot, and one that is complete; two reads may see two. A read throws `Closed` when the process that
 * writes has closed the database or is gone: at once after a close, within a second otherwise. It throws `Overloaded` when the memory was
 * taken away from it again and again, as it can be from one that takes longer than a millisecond while much is written.
 */
export class ReaderDatabase implements Disposable {
  readonly path: string;
  /** The reader without types, for those who send records as they are. */
  readonly shared: SharedReader;

  /** Made by `openReader` and `attachReader`. */
  constructor(shared: SharedReader, clock: Clock & Scheduler) {
    this.path = shared.path;
    this.shared = shared;
    const look = (): void => {
      if (shared.lookForOwner()) clock.after(OWNER_LOOK_MS, look);
    };
    clock.after(OWNER_LOOK_MS, look);
  }

  /**
   * Opens the table of a schema. The stored schema may have gone further, by fields at its end.
   *
   * @throws {KLaniError} UnknownTable; SchemaMismatch with the differences; Closed, Overloaded
   */
  async table<S extends TableSchema>(schema: S): Promise<TableReader<S>> {
    const stored = this.shared.table(schema.table);
    const differences = schemaDifferences(stored.schema, schema);
    if (differences.length > 0 && !canEvolve(schema, stored.schema)) {
      throw new KLaniError('SchemaMismatch', `Cannot open table "${schema.table}": the stored schema differs: ${differences.join('; ')}`);
    }
    return new TableReader<S>(this.shared, stored);
  }

  /** Opens a table whose schema is the stored one. @throws {KLaniError} UnknownTable, Closed, Overloaded */
  async openTable(name: string): Promise<TableReader<DynamicSchema>> {
    return new TableReader<DynamicSchema>(this.shared, this.shared.table(name));
  }

  /** Every table, by rising id. @throws {KLaniError} Closed, Overloaded */
  listTables(): TableSummary[] {
    const { tables } = this.shared.stats();
    return this.shared.tables().map(({ id, name, schema }, place) => ({
      tableId: id,
      name,
      schemaVersion: schema.version,
      liveRows: tables[place]?.liveRows ?? 0,
    }));
  }

  /** The newest snapshot's lsn, and what is in it. @throws {KLaniError} Closed, Overloaded */
  stats(): SharedStats {
    return this.shared.stats();
  }

  /** Gives the memory back. Reads throw `Closed` afterwards; closing again does nothing. */
  close(): void {
    this.shared.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
