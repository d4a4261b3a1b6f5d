/** Lists in frames: their count (u32), then one item after the other. */
import type { ByteReader } from '../bytes-reader.ts';
import type { ByteWriter } from '../bytes-writer.ts';
import { KLaniError } from '../errors.ts';

/**
 * Begins a list whose count is not known yet; `endCount()` fills it in.
 *
 * @returns where the count is in the writer
 */
export function beginCount(writer: ByteWriter): number {
  return writer.reserve(4);
}

/** Fills in the count that was left open at `offset`. */
export function endCount(writer: ByteWriter, offset: number, count: number): void {
  writer.view.setUint32(offset, count, true);
}

/**
 * Reads the count of a list.
 *
 * @param itemSizeMin bytes that each item takes at least
 * @throws {KLaniError} `Protocol` when the bytes left cannot hold so many
 */
export function decodeCount(reader: ByteReader, itemSizeMin: number): number {
  const count = reader.u32();
  const { leftBytes } = reader;
  if (count * itemSizeMin <= leftBytes) return count;
  const problem = `count is ${count}, must be <= ${Math.floor(leftBytes / itemSizeMin)} for the ${leftBytes} bytes left`;
  throw new KLaniError('Protocol', `Cannot read list: ${problem}`);
}

/**
 * An array of `count` places, all to be filled at once. Without it the first item of a short array makes room for seventeen, which costs
 * more than decoding it.
 */
export function arrayOf<T>(count: number): T[] {
  // oxlint-disable-next-line no-new-array -- it means the length
  return new Array<T>(count);
}
