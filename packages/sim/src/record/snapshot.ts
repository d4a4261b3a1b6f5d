/** Everything that readers can see at one moment: taken in one turn, so that no write comes in between. */
import { TableReader, type EmbeddedDatabase, type SharedReader } from '@k-lani/engine';
import { type DynamicSchema, type Field, KLaniError } from '@k-lani/protocol';
import type { Row, SeenRow, SimTerm } from './call.ts';

/** A query and what it found. */
interface SnapshotQuery {
  readonly terms: readonly SimTerm[];
  readonly rowIds: readonly number[];
  readonly count: number;
}

interface TableSnapshot {
  readonly table: string;
  readonly rows: readonly SeenRow[];
  readonly count: number;
  readonly queries: readonly SnapshotQuery[];
}

export interface Snapshot {
  readonly order: number;
  /** Everything before this position was visible. */
  readonly durable: number;
  readonly tables: readonly TableSnapshot[];
}

type Table = TableReader<DynamicSchema>;
type Term = Parameters<Table['count']>[0] extends readonly (infer T)[] | undefined ? T : never;

/** Values asked of one index at most: a few tell as much as all. */
const VALUES_MAX = 6;

/** The tables of a database, for snapshots. */
export async function openTables(database: EmbeddedDatabase): Promise<Table[]> {
  const tables: Table[] = [];
  for (const { name } of database.listTables()) tables.push(await database.openTable(name));
  return tables;
}

/** The same tables as a reader beside the database has them. */
export function sharedTables(reader: SharedReader): Table[] {
  return reader.tables().map((table) => new TableReader<DynamicSchema>(reader, table));
}

/** What a reader beside the database sees now in all of `tables`. */
export function takeSharedSnapshot(reader: SharedReader, tables: readonly Table[], order: number): Snapshot {
  return { order, durable: reader.lsn, tables: tables.map(snapshotOf) };
}

/** What a reader in the writer's thread sees now in all of `tables`. */
export function takeSnapshot(database: EmbeddedDatabase, tables: readonly Table[], order: number): Snapshot {
  return { order, durable: database.stats().durable, tables: tables.map(snapshotOf) };
}

function snapshotOf(table: Table): TableSnapshot {
  const rows = [...table.scan()].map(({ rowId, version, lsn, row }): SeenRow => ({ rowId, version, lsn, row: row as Row }));
  const lists = termLists(table.schema.fields, rows);
  const queries = lists.flatMap((terms) => queriesOf(table, terms));
  return { table: table.name, rows, count: table.count(), queries };
}

/** What a query finds; nothing to ask where an index is added and not visible yet. */
function queriesOf(table: Table, terms: readonly SimTerm[]): SnapshotQuery[] {
  try {
    return [{ terms, rowIds: table.queryIntersect(terms as Term[], { limit: 0 }), count: table.count(terms as Term[]) }];
  } catch (error) {
    if (error instanceof KLaniError && error.code === 'FieldNotIndexed') return [];
    throw error;
  }
}

/** Terms on each index: its values and one that nobody has, ranges where it has an order, and pairs of them. */
function termLists(fields: readonly Field[], rows: readonly SeenRow[]): SimTerm[][] {
  const single = fields.flatMap((field) => (field.index === undefined ? [] : termsOf(field, valuesOf(field, rows))));
  const pairs = single.slice(1).map((term, place) => [term, single[place] as SimTerm]);
  return [...single.map((term) => [term]), ...pairs.filter(([a, b]) => a?.field !== b?.field)];
}

function termsOf({ name, index }: Field, values: readonly (number | null)[]): SimTerm[] {
  const terms: SimTerm[] = values.map((value) => ({ field: name, eq: value }));
  if (index === 'non_unique') return terms;
  const numbers = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  const middle = numbers[numbers.length >> 1] ?? 0;
  return [...terms, { field: name, lte: middle }, { field: name, gt: middle }, { field: name, gte: numbers[0] ?? 0, lt: middle }];
}

function valuesOf({ name, required }: Field, rows: readonly SeenRow[]): (number | null)[] {
  const values = [...new Set(rows.map(({ row }) => row[name] ?? null))].slice(0, VALUES_MAX);
  const absent = 1_000_003;
  return required ? [...values.filter((value) => value !== null), absent] : [...values, absent];
}
