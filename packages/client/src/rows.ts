import {
  type ByteReader,
  type RowLayout,
  type RowOf,
  type TableSchema,
  type VersionedRow,
  type WireRow,
  decodeRow,
  validateRow,
} from '@k-lani/protocol';

/**
 * The row of an answer, copied out of the reader's bytes. `Row` is what the schema of the layout says, which was held against the
 * program's own when the table was opened.
 */
export function readVersionedRow<Row>(reader: ByteReader, layout: RowLayout, wire: WireRow): VersionedRow<Row> {
  return { rowId: wire.rowId, version: wire.version, lsn: wire.lsn, row: readRow(reader, layout, wire.rowStart, wire.rowEnd) as Row };
}

/** The row `[start, end)` of the reader's bytes. */
export function readRow(reader: ByteReader, layout: RowLayout, start: number, end: number): RowOf<TableSchema> {
  const { bytes, view } = reader;
  // What is in a slot is the server's word. Where the row ends, and where its blobs are, is checked: reading must stay inside of it.
  if (layout.hasBlobs || end - start !== layout.fixedSizeBytes) validateRow(layout, bytes, view, start, end - start);
  return decodeRow(layout, bytes, view, start, end - start);
}
