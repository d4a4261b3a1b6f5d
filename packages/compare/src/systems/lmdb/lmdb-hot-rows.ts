import type { Database } from 'lmdb';
import type { HotLane, HotRow, OpenHotRows, Way } from '../system.ts';
import { openEnvironment, transact } from './environment.ts';

const SIZE_BYTES = 8;

/** Rows by slot: taken, holder. */
type Slots = Database<Buffer, number>;

export function openLmdbHotRows(directory: string, { name }: Way): OpenHotRows {
  const root = openEnvironment(directory);
  const slots: Slots = root.openDB({ name: 'slots', keyEncoding: 'uint32', encoding: 'binary' });
  const isBatched = name === 'batched';
  return {
    lanes: [hotLane(slots, (work) => transact(root, isBatched, work))],
    create: async (count) => {
      root.transactionSync(() => {
        for (let slot = 1; slot <= count; slot += 1) slots.putSync(slot, encode(0, 0));
      });
    },
    readAll: async () => Array.from(slots.getRange(), ({ key, value }): HotRow => ({ slot: key, ...decode(value) })),
    close: () => root.close(),
  };
}

/** The hot rows as a worker thread opens them. */
export async function openHotThread({ directory, way }: { readonly directory: string; readonly way: Way }): Promise<OpenHotRows> {
  return openLmdbHotRows(directory, way);
}

/** The write transaction is the lock: who waits for it waits for all rows. */
function hotLane(slots: Slots, transaction: (work: () => boolean) => Promise<boolean>): HotLane {
  const take = (slot: number, holder: number): Promise<boolean> =>
    transaction(() => {
      const found = slots.getBinaryFast(slot);
      if (found === undefined) throw new Error(`Cannot take slot ${slot}: its row is gone`);
      slots.putSync(slot, encode(decode(found).taken + 1, holder));
      return true;
    });
  return { take, takeByLoop: take };
}

function encode(taken: number, holder: number): Buffer {
  const bytes = Buffer.allocUnsafe(SIZE_BYTES);
  bytes.writeUInt32LE(taken, 0);
  bytes.writeUInt32LE(holder, 4);
  return bytes;
}

function decode(bytes: Buffer): { taken: number; holder: number } {
  return { taken: bytes.readUInt32LE(0), holder: bytes.readUInt32LE(4) };
}
