/** Derived state as a checkpoint keeps it: taken apart, and put together again. */
import { KLaniError } from '@k-lani/protocol';
import type { RecordSource } from '../log/record-source.ts';
import { applySchema, type Derived } from '../snapshot/replay.ts';
import type { TableSide } from '../snapshot/table-side.ts';
import type { StoredTable } from '../table/stored-table.ts';
import type { SavedTable } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint-files.ts';

/**
 * Makes empty derived state what it was at the checkpoint, whose pages belong to it from now on. Schemas are read from the log.
 *
 * Where the checkpoint is not what its builder would have written, anything may be thrown, and the derived state is to be thrown away.
 *
 * @throws {KLaniError} ChecksumMismatch when the record of a schema is damaged; Damaged when the schemas call for other indexes or row ids
 */
export function restoreDerived({ catalog, side, operations }: Derived, checkpoint: Checkpoint, source: RecordSource): void {
  for (const [place, { schemaPositions, rowIdNext }] of checkpoint.tables.entries()) {
    for (const position of schemaPositions) applySchema(source, catalog, { position, tableId: place + 1 });
    catalog.byId(place + 1).rowIdNext = rowIdNext;
  }
  side.restore(
    checkpoint.buffers,
    checkpoint.tables.map(({ roots }) => roots),
  );
  operations.restore(checkpoint.operations);
  for (const table of catalog.tables) expectIndexed(table, side.table(table.id));
}

/** @throws {KLaniError} Damaged unless a table has the indexes of its schema and no row whose id is still to come */
function expectIndexed({ name, indexes, rowIdNext }: StoredTable, { locations, roots }: TableSide): void {
  const declared = indexes.map(({ fieldIndex, kind }) => `${fieldIndex} ${kind !== 'non_unique'}`).toSorted();
  const saved = roots.indexes.map(({ fieldIndex, isOrdered }) => `${fieldIndex} ${isOrdered}`).toSorted();
  if (declared.join() !== saved.join()) {
    throw new KLaniError('Damaged', `Cannot restore table "${name}": its indexes are not those that its schema declares`);
  }
  if (rowIdNext > locations.rowIdMax) return;
  throw new KLaniError('Damaged', `Cannot restore table "${name}": the next row id is ${rowIdNext}, must be > ${locations.rowIdMax}`);
}

/** What a checkpoint keeps of the tables. */
export function savedTables({ catalog, side }: Derived): SavedTable[] {
  return catalog.tables.map(({ id, rowIdNext, schemaPositions }) => ({
    rowIdNext,
    schemaPositions: [...schemaPositions.values()],
    roots: side.table(id).roots,
  }));
}
