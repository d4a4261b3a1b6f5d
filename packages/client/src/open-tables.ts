import {
  KLaniError,
  type OpenedTable,
  type RowLayout,
  type TableSchema,
  canEvolve,
  decodeSchema,
  evolutionObstacles,
  rowLayoutOf,
  schemaDifferences,
} from '@k-lani/protocol';

/** A table as one session opened it: the number that stands for it in frames, and the schema that its rows have there. Immutable. */
export interface TableHandle {
  readonly number: number;
  readonly tableId: number;
  readonly layout: RowLayout;
}

/** A table that the client uses, through all sessions. */
export class OpenTable {
  readonly name: string;
  /** That of the present session. Requests keep the one they were encoded with, because the answer has its schema. */
  handle: TableHandle;
  /** Why it could not be opened in the present session. */
  failure: KLaniError | undefined;

  constructor(name: string, handle: TableHandle) {
    this.name = name;
    this.handle = handle;
  }

  /**
   * The handle for a new frame.
   *
   * @throws {KLaniError} why the table could not be opened again after a reconnect
   */
  use(): TableHandle {
    if (this.failure !== undefined) throw this.failure;
    return this.handle;
  }
}

/** The tables that a connection opens again in each session. */
export class OpenTables {
  readonly #byName = new Map<string, OpenTable>();

  get(name: string): OpenTable | undefined {
    return this.#byName.get(name);
  }

  /**
   * Notes that the present session has opened a table, for the first time or anew. A schema that does not follow from the one known
   * before is another table's: those who use this one are told so.
   */
  put(name: string, opened: OpenedTable): OpenTable {
    const handle = handleOf(opened);
    const table = this.#byName.get(name);
    if (table === undefined) {
      const added = new OpenTable(name, handle);
      this.#byName.set(name, added);
      return added;
    }
    table.failure = successionFailure(table.handle.layout.schema, handle.layout.schema);
    if (table.failure === undefined) table.handle = handle;
    return table;
  }

  [Symbol.iterator](): Iterator<OpenTable> {
    return this.#byName.values();
  }
}

/** The handle of an answer, whose schema nobody has checked. */
function handleOf({ handle, tableId, schemaJson }: OpenedTable): TableHandle {
  return { number: handle, tableId, layout: rowLayoutOf(decodeSchema(schemaJson)) };
}

function successionFailure(known: TableSchema, found: TableSchema): KLaniError | undefined {
  if (schemaDifferences(known, found).length === 0 || canEvolve(known, found)) return undefined;
  const obstacles = evolutionObstacles(known, found).join('; ');
  return new KLaniError('SchemaMismatch', `Cannot use table "${known.table}" after a reconnect: it is another one now: ${obstacles}`);
}
