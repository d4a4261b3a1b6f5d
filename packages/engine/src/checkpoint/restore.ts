/** Derived state as a checkpoint keeps it: taken apart, and put together again. */
import type { RecordSource } from '../log/record-source.ts';
import { applySchema, type Derived } from '../snapshot/replay.ts';
import type { SavedTable } from './checkpoint.ts';
import type { Checkpoint } from './checkpoint-files.ts';

/**
 * Makes empty derived state what it was at the checkpoint, whose pages belong to it from now on. Schemas are read from the log.
 *
 * @throws {KLaniError} ChecksumMismatch when the record of a schema is damaged
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
}

/** What a checkpoint keeps of the tables. */
export function savedTables({ catalog, side }: Derived): SavedTable[] {
  return catalog.tables.map(({ id, rowIdNext, schemaPositions }) => ({
    rowIdNext,
    schemaPositions: [...schemaPositions.values()],
    roots: side.table(id).roots,
  }));
}
