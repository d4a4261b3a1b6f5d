import { type ByteWriter, FRAME_HEADER_SIZE, KLaniError, upgradeRow } from '@k-lani/protocol';
import { Call, type CallContext } from './call.ts';
import type { TableHandle } from './open-tables.ts';

/** A call about one table, whose handle is the first field of its payload. */
export abstract class TableCall<T> extends Call<T> {
  /** Appends the payload, for this handle. */
  protected abstract encodePayload(writer: ByteWriter, handle: TableHandle): void;

  encode(writer: ByteWriter, request: CallContext): void {
    this.encodePayload(writer, request.bind());
  }

  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    const start = writer.length;
    const { number } = request.bind();
    super.encodeAgain(writer, request);
    writer.view.setUint32(start, number, true);
  }
}

/** A write of one row, which is the last field of its payload. */
export abstract class RowWriteCall<T> extends TableCall<T> {
  /** Bytes of the payload before the row. */
  protected abstract readonly headSizeBytes: number;

  /**
   * A row is sent again in the form in which it was sent. When the table was altered in between, it takes the new form, if the server has
   * surely not seen it: under its operation id it must not become another request.
   */
  override encodeAgain(writer: ByteWriter, request: CallContext): void {
    const { layout } = request.handle;
    const start = writer.length;
    super.encodeAgain(writer, request);
    if (layout.schema.version === request.handle.layout.schema.version) return;
    if (request.mayHaveHappened) throw alteredMeanwhile(layout.schema.table);
    writer.length = start + this.headSizeBytes;
    const row = request.frame.slice(request.frameStart + FRAME_HEADER_SIZE + this.headSizeBytes, request.frameEnd);
    upgradeRow(layout, request.handle.layout, row, new DataView(row.buffer), 0, writer);
  }
}

/** Why a row that was sent, and perhaps written, cannot be sent again. */
export function alteredMeanwhile(table: string): KLaniError {
  return new KLaniError('SchemaChanged', `Cannot ask again: table "${table}" was altered while the connection was lost`);
}
