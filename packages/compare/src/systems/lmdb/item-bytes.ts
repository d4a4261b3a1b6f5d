/** An item in 56 bytes: six whole numbers of 4 bytes, little-endian, and its label. */
import { type Item, LABEL_LENGTH } from '../items.ts';

const LABEL_OFFSET = 24;
const SIZE_BYTES = LABEL_OFFSET + LABEL_LENGTH;

export function encodeItem(item: Item): Buffer {
  const bytes = Buffer.allocUnsafe(SIZE_BYTES);
  bytes.writeUInt32LE(item.number, 0);
  bytes.writeUInt32LE(item.category, 4);
  bytes.writeUInt32LE(item.region, 8);
  bytes.writeUInt32LE(item.status, 12);
  bytes.writeUInt32LE(item.price, 16);
  bytes.writeUInt32LE(item.amount, 20);
  bytes.write(item.label, LABEL_OFFSET, 'latin1');
  return bytes;
}

export function decodeItem(bytes: Buffer): Item {
  return {
    number: bytes.readUInt32LE(0),
    category: bytes.readUInt32LE(4),
    region: bytes.readUInt32LE(8),
    status: bytes.readUInt32LE(12),
    price: bytes.readUInt32LE(16),
    amount: bytes.readUInt32LE(20),
    label: bytes.toString('latin1', LABEL_OFFSET, SIZE_BYTES),
  };
}
