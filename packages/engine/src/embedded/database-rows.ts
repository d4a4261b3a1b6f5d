/** The rows of a database in this process, as `TableReader` reads them. */
import { Cursor } from '../database/cursor.ts';
import type { Database } from '../database/database.ts';
import { forEachVersion, type HistoryQuery } from '../database/history.ts';
import type { QueryLimits } from '../database/reader.ts';
import type { Plan } from '../index/intersection.ts';
import type { TermList } from '../index/term.ts';
import type { RecordTarget } from '../log/record.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { RowCursor, RowSource } from './table-reader.ts';

export class DatabaseRows implements RowSource {
  readonly #open: () => Database;

  /** @param open gives the database, and throws once it is closed */
  constructor(open: () => Database) {
    this.#open = open;
  }

  get log(): RecordTarget {
    return this.#open().state.log;
  }

  seek(table: StoredTable, rowId: number): number {
    return this.#open().reader.seek(table, rowId);
  }

  query(table: StoredTable, terms: TermList, limits: QueryLimits): Uint32Array {
    return this.#open().reader.query(table, terms, limits);
  }

  count(table: StoredTable, terms: TermList): number {
    return this.#open().reader.count(table, terms);
  }

  explain(table: StoredTable, terms: TermList): Plan {
    return this.#open().reader.explain(table, terms);
  }

  forEachVersion(table: StoredTable, query: HistoryQuery, visit: (at: number) => void): void {
    forEachVersion(this.#open().state, table, query, visit);
  }

  scan(table: StoredTable): RowCursor {
    const { state, cursorIdleMsMax } = this.#open();
    return this.#guarded(Cursor.scan(state, table, cursorIdleMsMax));
  }

  stream(table: StoredTable, terms: TermList): RowCursor {
    const { state, reader, cursorIdleMsMax } = this.#open();
    return this.#guarded(Cursor.stream(state, reader, { table, terms, idleMsMax: cursorIdleMsMax }));
  }

  /** A cursor that gives no page once the database is closed. */
  #guarded(cursor: Cursor): RowCursor {
    const open = this.#open;
    return {
      get isDone() {
        return cursor.isDone;
      },
      page(countMax, visit) {
        open();
        cursor.page(countMax, visit);
      },
      close: () => cursor.close(),
    };
  }
}
