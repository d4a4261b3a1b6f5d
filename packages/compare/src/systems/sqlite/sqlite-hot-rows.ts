import type { HotRow, OpenHotRows, Way } from '../system.ts';
import { openDatabaseFile } from './database-file.ts';
import { Transactions } from './transactions.ts';

const TABLE = 'CREATE TABLE IF NOT EXISTS slots (slot INTEGER PRIMARY KEY, taken INTEGER NOT NULL, holder INTEGER NOT NULL)';

export function openSqliteHotRows(file: string, { name }: Way): OpenHotRows {
  const database = openDatabaseFile(file);
  database.exec(TABLE);
  const transactions = new Transactions(database, name === 'batched');
  const insert = database.prepare('INSERT INTO slots VALUES (?, 0, 0)');
  const update = database.prepare('UPDATE slots SET taken = taken + 1, holder = ? WHERE slot = ?');
  // The write transaction is the lock: who waits for it waits for all rows.
  const take = (slot: number, holder: number): Promise<boolean> =>
    transactions.run(() => {
      if (update.run(holder, slot).changes !== 1) throw new Error(`Cannot take slot ${slot}: its row is gone`);
      return true;
    });
  return {
    lanes: [{ take, takeByLoop: take }],
    create: (slots) =>
      transactions.run(() => {
        for (let slot = 1; slot <= slots; slot += 1) insert.run(slot);
      }),
    readAll: async () => database.prepare('SELECT slot, taken, holder FROM slots').all() as unknown as HotRow[],
    close: async () => database.close(),
  };
}

/** The hot rows as a worker thread opens them. */
export async function openHotThread({ file, way }: { readonly file: string; readonly way: Way }): Promise<OpenHotRows> {
  return openSqliteHotRows(file, way);
}
