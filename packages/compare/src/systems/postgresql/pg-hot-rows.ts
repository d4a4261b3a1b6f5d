import type { HotRow, OpenHotRows, Place, Way } from '../system.ts';
import { openPgConnections } from './pg-connections.ts';
import { lockRow } from './pg-locking.ts';

export async function openPgHotRows(place: Place, run: string, way: Way): Promise<OpenHotRows> {
  const connections = await openPgConnections(place, way);
  const { first } = connections.pool;
  // Half of each page is left free, so that a row's next version lies beside it and no index changes.
  await first.query(
    `CREATE TABLE IF NOT EXISTS ${run} (slot integer PRIMARY KEY, taken integer NOT NULL, holder integer NOT NULL) WITH (fillfactor = 50)`,
  );
  const locking = way.name.startsWith('nowait') ? 'NOWAIT' : 'SKIP LOCKED';
  const lock = { name: `${run}_lock`, text: `SELECT taken FROM ${run} WHERE slot = $1 FOR UPDATE ${locking}` };
  const write = { name: `${run}_write`, text: `UPDATE ${run} SET taken = $2, holder = $3 WHERE slot = $1` };
  const take = { name: `${run}_take`, text: `UPDATE ${run} SET taken = taken + 1, holder = $2 WHERE slot = $1` };
  const lane = {
    takeByLoop: async (slot: number, holder: number) => {
      const locked = await lockRow(connections, lock, [slot]);
      if (locked === undefined) return false;
      await locked.write(write, [slot, Number(locked.values[0]) + 1, holder]);
      return true;
    },
    take: async (slot: number, holder: number) => {
      await connections.run(take, [slot, holder]);
      return true;
    },
  };
  return {
    lanes: [lane],
    create: async (slots) => {
      await first.query(`INSERT INTO ${run} SELECT slot, 0, 0 FROM generate_series(1, ${slots}) AS slot`);
    },
    readAll: async () => {
      const { rows } = await first.query<HotRow>(`SELECT slot, taken, holder FROM ${run}`);
      return rows;
    },
    close: connections.close,
  };
}
