/**
 * CRC-32 as in ISO 3309 and zlib (polynomial 0xEDB88320, reflected), computed in JavaScript because a call into native code costs more
 * than the few dozen bytes of a record. Slicing by four, after Kounavis and Berry (2005).
 */
const TABLES = makeTables();

/**
 * The CRC-32 of `bytes[start, end)`; equal to `zlib.crc32` of the same bytes.
 *
 * @param seed the CRC-32 of what came before, to go on from it
 */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  const tables = TABLES;
  let crc = ~seed;
  let offset = start;
  for (const whole = end - 3; offset < whole; offset += 4) {
    crc ^= at(bytes, offset) | (at(bytes, offset + 1) << 8) | (at(bytes, offset + 2) << 16) | (at(bytes, offset + 3) << 24);
    crc =
      at(tables, 768 + (crc & 0xff)) ^
      at(tables, 512 + ((crc >>> 8) & 0xff)) ^
      at(tables, 256 + ((crc >>> 16) & 0xff)) ^
      at(tables, crc >>> 24);
  }
  for (; offset < end; offset += 1) crc = (crc >>> 8) ^ at(tables, (crc ^ at(bytes, offset)) & 0xff);
  return ~crc >>> 0;
}

function at(array: Uint8Array | Int32Array, index: number): number {
  return array[index] as number;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = at(tables, index - 256);
    tables[index] = (before >>> 8) ^ at(tables, before & 0xff);
  }
  return tables;
}
