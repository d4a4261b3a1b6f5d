/** The tables of a database. Filled by the schema records of the log, oldest first, and by schema changes as they are appended. */
import { assert } from '@k-lani/base';
import { KLaniError, type TableSchema } from '@k-lani/protocol';
import { StoredTable } from './stored-table.ts';

/** Most tables of one database. */
const TABLES_MAX = 1024;

export class Catalog {
  readonly #tables: StoredTable[] = [];
  readonly #byName = new Map<string, StoredTable>();

  /** All tables, by rising id. */
  get tables(): readonly StoredTable[] {
    return this.#tables;
  }

  /** The table of this name, if there is one. */
  find(name: string): StoredTable | undefined {
    return this.#byName.get(name);
  }

  /** @throws {KLaniError} UnknownTable */
  get(name: string): StoredTable {
    const table = this.#byName.get(name);
    if (table === undefined) throw new KLaniError('UnknownTable', `Cannot open table "${name}": there is none of this name`);
    return table;
  }

  /** Whether the table is one of this catalog. */
  has(table: StoredTable): boolean {
    return this.#tables[table.id - 1] === table;
  }

  /** The table with an id that a record names. */
  byId(tableId: number): StoredTable {
    const table = this.#tables[tableId - 1];
    assert(table !== undefined, 'A record names a table that exists');
    return table;
  }

  /** The id that the next table gets. @throws {KLaniError} LimitReached */
  nextId(): number {
    const id = this.#tables.length + 1;
    if (id > TABLES_MAX)
      throw new KLaniError('LimitReached', `Cannot create a table: there are ${this.#tables.length}, must be < ${TABLES_MAX}`);
    return id;
  }

  /** Adds a table, or a version to the table it belongs to, unless it is known. The schema's record is at `position` now. */
  apply(tableId: number, schema: TableSchema, position: number): StoredTable {
    const known = this.#tables[tableId - 1];
    if (known !== undefined) {
      if (!known.schemaPositions.has(schema.version)) known.addVersion(schema);
      known.schemaPositions.set(schema.version, position);
      return known;
    }
    assert(tableId === this.#tables.length + 1, 'Table ids are dense');
    const table = new StoredTable(tableId, schema);
    table.schemaPositions.set(schema.version, position);
    this.#tables.push(table);
    this.#byName.set(table.name, table);
    return table;
  }
}
