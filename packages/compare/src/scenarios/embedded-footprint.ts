/**
 * What an embedded system weighs with a table of items in it. After the restart the table stays open: it is a part of the process that is
 * weighed from outside.
 */
import type { OpenItems, Session } from '../systems/system.ts';
import { fillTable, TABLE_ROWS } from './item-table.ts';
import type { Measurement, Scenario, Task } from './scenario.ts';

/** One for trials and rounds, so that nothing else is weighed. */
const TABLE = 'footprint';
/** Left open to be weighed. */
const weighed = new WeakMap<Session, OpenItems>();

export const EMBEDDED_FOOTPRINT: Scenario = {
  name: 'embedded-footprint',
  title: 'Embedded, footprint of 100,000 items',
  what: 'resident memory of the process after a clean restart and one scan of all rows; start of the process; disk; what is installed beside Node',
  kinds: ['embedded'],
  use: 'read',
  isRepeated: false,
  isWeighed: true,
  connections: () => [1],
  measure,
};

async function measure(session: Session, { size, seed, way }: Task): Promise<Measurement> {
  await weighed.get(session)?.close();
  weighed.delete(session);
  const opened = await session.openItems(TABLE, way);
  let isFilled = false;
  try {
    isFilled = (await opened.lanes[0]?.read(TABLE_ROWS[size])) !== undefined;
    await fillTable(opened, size, seed);
    const startedMs = performance.now();
    let rows = 0;
    for await (const { number } of opened.scan()) rows += number > 0 ? 1 : 0;
    const seconds = (performance.now() - startedMs) / 1000;
    const expected = TABLE_ROWS[size];
    if (rows !== expected) throw new Error(`Found ${rows} items, must be ${expected}`);
    return { figures: { scan: { value: rows / seconds, unit: 'rows/s', better: 'higher' } }, counts: { rows }, told: undefined };
  } finally {
    if (isFilled) weighed.set(session, opened);
    else await opened.close();
  }
}
