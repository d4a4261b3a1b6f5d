import type { OpenHotRows, Place, Way } from '../system.ts';
import { openMariaConnections } from './maria-connections.ts';
import { lockRow } from './maria-locking.ts';

export async function openMariaHotRows(place: Place, run: string, way: Way): Promise<OpenHotRows> {
  const connections = await openMariaConnections(place, way);
  const { first } = connections.pool;
  await first.query(`CREATE TABLE IF NOT EXISTS ${run} (slot INT PRIMARY KEY, taken INT NOT NULL, holder INT NOT NULL) ENGINE = InnoDB`);
  const lock = `SELECT taken FROM ${run} WHERE slot = ? FOR UPDATE ${way.name === 'nowait' ? 'NOWAIT' : 'SKIP LOCKED'}`;
  const write = `UPDATE ${run} SET taken = ?, holder = ? WHERE slot = ?`;
  const take = `UPDATE ${run} SET taken = taken + 1, holder = ? WHERE slot = ?`;
  const lane = {
    takeByLoop: async (slot: number, holder: number) => {
      const locked = await lockRow(connections, lock, [slot]);
      if (locked === undefined) return false;
      await locked.write(write, [Number(locked.values[0]) + 1, holder, slot]);
      return true;
    },
    take: async (slot: number, holder: number) => {
      await connections.run(take, [holder, slot]);
      return true;
    },
  };
  return {
    lanes: [lane],
    create: async (slots) => {
      await first.batch(
        `INSERT INTO ${run} VALUES (?, 0, 0)`,
        Array.from({ length: slots }, (_, index) => [index + 1]),
      );
    },
    readAll: async () => {
      const rows = await first.query<number[][]>(`SELECT slot, taken, holder FROM ${run}`);
      return rows.map(([slot = 0, taken = 0, holder = 0]) => ({ slot, taken, holder }));
    },
    close: connections.close,
  };
}
