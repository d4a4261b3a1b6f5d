/**
 * What a system weighs with a table of items in it. The driver fills the table and reads all of it; the harness weighs the system from outside,
 * after it was stopped and started again, so that every system has only what it reads from disk.
 */
import type { Session } from '../systems/system.ts';
import { fillTable, TABLE_ROWS } from './item-table.ts';
import type { Measurement, Scenario, Task } from './scenario.ts';

/** One for trials and rounds, so that nothing else is weighed. */
const TABLE = 'footprint';

export const FOOTPRINT: Scenario = {
  name: 'footprint',
  title: 'Footprint of 100,000 items',
  what: 'memory of the processes after a clean restart and one scan of all rows; start until the first answer; disk; what is installed',
  kinds: ['server'],
  use: 'items',
  isRepeated: false,
  isWeighed: true,
  connections: () => [1],
  measure,
};

async function measure(session: Session, { size, seed, way }: Task): Promise<Measurement> {
  const opened = await session.openItems(TABLE, way);
  try {
    await fillTable(opened, size, seed);
    const startedMs = performance.now();
    let rows = 0;
    for await (const { number } of opened.scan()) rows += number > 0 ? 1 : 0;
    const seconds = (performance.now() - startedMs) / 1000;
    const expected = TABLE_ROWS[size];
    if (rows !== expected) throw new Error(`Found ${rows} items, must be ${expected}`);
    return { figures: { scan: { value: rows / seconds, unit: 'rows/s', better: 'higher' } }, counts: { rows }, told: undefined };
  } finally {
    await opened.close();
  }
}
