import { defineTable } from '@k-lani/protocol';
import { attach, type ThreadHandle } from '@k-lani/threads';
import type { HotLane, HotRow, OpenHotRows } from '../system.ts';
import { type EmbeddedDatabase, type EmbeddedTable } from '@k-lani/engine';

/** How often a row was taken is its version, which counts its changes. */
const HOT_ROWS = defineTable({
  table: 'hot',
  fields: { slot: { type: 'uint32', index: 'unique' }, holder: { type: 'uint32' } },
});

type HotTable = Pick<EmbeddedTable<typeof HOT_ROWS>, 'claim' | 'scan'> & LockingTable;

/** A lock as both kinds of tables give it. */
interface LockingTable {
  tryLock(rowId: number): Promise<
    | {
        seek(): Promise<{ readonly row: { readonly slot: number } } | undefined>;
        replaceAndUnlock(row: { slot: number; holder: number }): Promise<unknown>;
      }
    | undefined
  >;
}

export async function openKLaniHotRows(database: EmbeddedDatabase): Promise<OpenHotRows> {
  const table = await database.table(HOT_ROWS);
  return {
    lanes: [hotLane(table)],
    create: async (slots) => {
      await database.batch((batch) => {
        for (let slot = 1; slot <= slots; slot += 1) batch.append(table, { slot, holder: 0 });
      });
    },
    readAll: async () => rowsOf(table),
    close: () => database.close(),
  };
}

/** The hot rows as a worker thread attaches to them; they are made in the thread that has the database open. */
export async function openHotThread(handle: ThreadHandle): Promise<OpenHotRows> {
  const database = await attach(handle);
  const table = await database.table(HOT_ROWS);
  return {
    lanes: [hotLane(table)],
    create: () => Promise.reject(new Error('Cannot create hot rows: the table is made in another thread')),
    readAll: async () => rowsOf(table),
    close: () => database.close(),
  };
}

function rowsOf(table: Pick<HotTable, 'scan'>): HotRow[] {
  return Array.from(table.scan(), ({ version, row }) => ({ ...row, taken: version - 1 }));
}

/** A slot is its row id. */
function hotLane(table: Omit<HotTable, 'scan'>): HotLane {
  return {
    takeByLoop: async (slot, holder) => {
      const lock = await table.tryLock(slot);
      if (lock === undefined) return false;
      const found = await lock.seek();
      if (found === undefined) throw new Error(`Cannot take slot ${slot}: its row is gone`);
      await lock.replaceAndUnlock({ slot: found.row.slot, holder });
      return true;
    },
    take: async (slot, holder) => (await table.claim({ where: [{ field: 'slot', eq: slot }], set: { holder } })).outcome === 'claimed',
  };
}
