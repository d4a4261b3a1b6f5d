import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { openDatabase } from './open-database.ts';

const STOCK = defineTable({
  table: 'stock',
  fields: {
    number: { type: 'uint32', index: 'unique' },
    event: { type: 'uint32', index: 'non_unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
  },
});
const BATCH_ROWS = 12_000;
const EVENTS = 100;

test('Both sides are alike after batches that are copied, and go on with those that are applied', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-copy-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  await using database = await openDatabase(directory, { durability: 'os' });
  const table = await database.table(STOCK);
  const free = (event: number): number =>
    table.count([
      { field: 'event', eq: event },
      { field: 'is_booked', eq: 0 },
    ]);
  let expected = 0;
  for (let round = 0; round < 3; round += 1) {
    await database.batch((batch) => {
      for (let row = 0; row < BATCH_ROWS; row += 1) {
        batch.append(table, { number: round * BATCH_ROWS + row, event: row % EVENTS, is_booked: 0 });
      }
    });
    expected += BATCH_ROWS / EVENTS;
    // Each claim is of the side that the one before it was not.
    for (let claim = 0; claim < 6; claim += 1) {
      assert.equal(free(7), expected, `round ${round}, claim ${claim}`);
      const where = [{ field: 'event', eq: 7 } as const, { field: 'is_booked', eq: 0 } as const];
      const result = await table.claim({ where, set: { is_booked: 1 } });
      assert.ok(result.outcome === 'claimed');
      expected -= 1;
    }
    const number = round * BATCH_ROWS + 5;
    assert.equal(table.seekByField('number', number)[0]?.rowId, number + 1);
    assert.equal(table.count(), (round + 1) * BATCH_ROWS);
  }
});
