import { type ByteWriter, FRAME_HEADER_SIZE, KLaniError, upgradeRow } from '@k-lani/protocol';
import type { OpenTable, TableHandle } from './open-tables.ts';
import { Request } from './request.ts';

/** A request about one table, whose handle is the first field of its payload. */
export abstract class TableRequest<T> extends Request<T> {
  /** The one in its frame: the answer has its schema. */
  handle: TableHandle;
  readonly #table: OpenTable;

  constructor(table: OpenTable) {
    super();
    this.#table = table;
    this.handle = table.handle;
  }

  override get tables(): readonly OpenTable[] {
    return [this.#table];
  }

  /** Appends the payload, for `this.handle`. */
  protected abstract encodePayload(writer: ByteWriter): void;

  encode(writer: ByteWriter): void {
    this.handle = this.#table.use();
    this.encodePayload(writer);
  }

  override encodeAgain(writer: ByteWriter): void {
    const start = writer.length;
    this.handle = this.#table.use();
    super.encodeAgain(writer);
    writer.view.setUint32(start, this.handle.number, true);
  }
}

/** A write of one row, which is the last field of its payload. */
export abstract class RowWriteRequest<T> extends TableRequest<T> {
  /** Bytes of the payload before the row. */
  protected abstract readonly headSizeBytes: number;

  /**
   * A row is sent again in the form in which it was sent. When the table was altered in between, it takes the new form, if the server has
   * surely not seen it: under its operation id it must not become another request.
   */
  override encodeAgain(writer: ByteWriter): void {
    const { layout } = this.handle;
    const start = writer.length;
    super.encodeAgain(writer);
    if (layout.schema.version === this.handle.layout.schema.version) return;
    if (this.mayHaveHappened) throw alteredMeanwhile(layout.schema.table);
    writer.length = start + this.headSizeBytes;
    const row = this.frame.slice(this.frameStart + FRAME_HEADER_SIZE + this.headSizeBytes, this.frameEnd);
    upgradeRow(layout, this.handle.layout, row, new DataView(row.buffer), 0, writer);
  }
}

/** Why a row that was sent, and perhaps written, cannot be sent again. */
export function alteredMeanwhile(table: string): KLaniError {
  return new KLaniError('SchemaChanged', `Cannot ask again: table "${table}" was altered while the connection was lost`);
}
