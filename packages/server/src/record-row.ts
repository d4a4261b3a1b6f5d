import { RecordOffset, readU64, type StoredTable } from '@k-lani/engine';
import { KLaniError, type RowLayout, type RowSource } from '@k-lani/protocol';

/** Memory that records are readable in. */
type RecordMemory = Parameters<StoredTable['rowInLayout']>[0];

/** The row of a record, as answers take it. Reused from row to row. */
export class RecordRow implements RowSource {
  rowId = 0;
  version = 0;
  lsn = 0;
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /**
   * Points to the record at `at` of the log, its row brought into the layout of a handle. Valid as long as the record is readable.
   *
   * @throws {KLaniError} SchemaChanged when the row was written with a newer schema than the handle speaks
   */
  read(log: RecordMemory, { table, layout }: { readonly table: StoredTable; readonly layout: RowLayout }, at: number): void {
    const { view } = log;
    this.rowId = view.getUint32(at + RecordOffset.rowId, true);
    this.version = view.getUint32(at + RecordOffset.version, true);
    this.lsn = readU64(view, at + RecordOffset.lsn);
    const schemaVersion = view.getUint32(at + RecordOffset.schemaVersion, true);
    if (schemaVersion === layout.schema.version) {
      this.bytes = log.bytes;
      this.start = at + RecordOffset.body;
      this.end = this.start + view.getUint32(at + RecordOffset.bodyLength, true);
      return;
    }
    this.#readUpgraded(log, { table, layout }, at, schemaVersion);
  }

  #readUpgraded(log: RecordMemory, handle: { table: StoredTable; layout: RowLayout }, at: number, schemaVersion: number): void {
    const { table, layout } = handle;
    if (schemaVersion > layout.schema.version) {
      throw new KLaniError(
        'SchemaChanged',
        `Cannot read row ${this.rowId} of table "${table.name}": it has schema version ${schemaVersion}, the handle ${layout.schema.version}`,
      );
    }
    const writer = table.rowInLayout(log, at, layout);
    this.bytes = writer?.bytes ?? this.bytes;
    this.start = 0;
    this.end = writer?.length ?? 0;
  }
}
