/** Opening the shop: tables, and the units on sale; and, at the very end, selling what is left. */
import type { TableSchema } from '@k-lani/protocol';
import type { SimChange } from '../record/call.ts';
import type { SimProcess } from '../world/sim-process.ts';
import type { Market } from './market.ts';
import type { Asker, Store } from './store.ts';
import { MEMBERS, ROOMS, SEATS } from './tables.ts';

const TABLES: readonly TableSchema[] = [SEATS, ROOMS, MEMBERS];

/** After which time a claim that met only locked rows is made again, milliseconds. */
const LOCKED_MS = 50;

/** Opens the tables, and puts the units on sale unless that was done: each table's in one batch, under an id of its own. */
export async function openShop(store: Store, asker: Asker, market: Market): Promise<void> {
  for (const schema of TABLES) await store.open(asker, schema);
  for (const [place, table] of market.unitTables.entries()) {
    if (market.filled.has(table)) continue;
    const changes = market.unitsOf(table).map((row): SimChange => ({ kind: 'append', table, row }));
    await store.batch(asker, changes, `${place + 1}`.padStart(32, 'f'));
    market.filled.add(table);
  }
}

/** Buys unit by unit until none is left, or more were sold than there are: a unit that cannot be bought is stuck. */
export async function sellTheRest(store: Store, asker: Asker, process: SimProcess, market: Market): Promise<void> {
  for (const table of market.unitTables) {
    for (let sold = 0; sold <= market.units;) {
      const set = { is_booked: 1, buyer: market.nextBuyer() };
      const line = { table, where: [{ field: 'is_booked', eq: 0 }], set, count: 1 };
      const { outcome } = await store.claim(asker, [line], market.nextOperationId());
      if (outcome === 'none_available') break;
      if (outcome === 'all_locked') await process.sleep(LOCKED_MS);
      else sold += 1;
    }
  }
}
