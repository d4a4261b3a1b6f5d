import { assert } from '@k-lani/base';
import type { ByteWriter } from './bytes-writer.ts';
import { writeBlob, writeNull } from './row-codec.ts';
import { isNullField, type FieldLayout, type RowLayout } from './row-layout.ts';

/**
 * Appends to the writer, as a row of a newer schema version, the row of an older one that begins at `rowOffset`. Fields that were added
 * since get their defaults, or null.
 *
 * @param from layout of the row; `to` must be a version that its schema `canEvolve` to
 * @param view over the same memory as `bytes`, index for index; not the writer's
 * @throws {KLaniError} `FrameTooLarge` at the writer's limit; the writer is then as it was
 */
export function upgradeRow(from: RowLayout, to: RowLayout, bytes: Uint8Array, view: DataView, rowOffset: number, writer: ByteWriter): void {
  assert(from.fields.length <= to.fields.length, 'upgradeRow(): the newer layout has fewer fields');
  const start = writer.reserve(to.fixedSizeBytes);
  for (let index = 0; index < to.nullBitsSizeBytes; index += 1) writer.bytes[start + index] = 0;
  try {
    for (const [position, target] of to.fields.entries()) {
      const source = from.fields[position];
      if (source === undefined) addField(target, writer, start);
      else moveField(source, target, { bytes, view, rowOffset }, writer, start);
    }
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

interface SourceRow {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rowOffset: number;
}

function addField(target: FieldLayout, writer: ByteWriter, start: number): void {
  const value = target.field.default;
  if (value === undefined) writeNull(target, writer, start);
  else target.codec.write(target.field, value, writer.bytes, writer.view, start + target.offset);
}

function moveField(source: FieldLayout, target: FieldLayout, row: SourceRow, writer: ByteWriter, start: number): void {
  assert(source.name === target.name && source.sizeBytes === target.sizeBytes, 'upgradeRow(): the layouts have other fields');
  const slot = row.rowOffset + source.offset;
  if (isNullField(source, row.bytes, row.rowOffset)) {
    writeNull(target, writer, start);
  } else if (source.isBlob) {
    const blob = row.rowOffset + row.view.getUint32(slot, true);
    writeBlob(target, row.bytes.subarray(blob, blob + row.view.getUint32(slot + 4, true)), writer, start);
  } else {
    writer.bytes.set(row.bytes.subarray(slot, slot + source.sizeBytes), start + target.offset);
  }
}
