import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { attach } from './attach.ts';
import { asAny, seat, seats, testDatabase } from './database.contract.ts';
import { newDirectory, OwnerThread } from './owner-thread.fixture.ts';

const owner = new OwnerThread();
after(() => owner.end());

testDatabase('Embedded', async (context) => {
  const database = await openDatabase(newDirectory(context), { segmentSizeBytes: 1024 * 1024 });
  context.after(() => database.close());
  return asAny(database);
});

for (const blockMsMax of [0, 10]) {
  testDatabase(`Attached, blocked for ${blockMsMax} ms at most`, async (context) => {
    const { handle } = await owner.open(context);
    const database = await attach(handle, { blockMsMax });
    context.after(() => database.close());
    return database;
  });
}

test('What was written through one attachment is seen through all of them when it is answered', async (context) => {
  const { handle } = await owner.open(context);
  await using one = await attach(handle);
  await using other = await attach(handle);
  const [table, same] = [await one.table(seats), await other.table(seats)];
  for (let number = 1; number <= 100; number += 1) {
    const { rowId, version } = await table.append(seat(number));
    assert.equal(same.seek(rowId)?.version, version);
    assert.deepEqual(same.queryIntersect([{ field: 'seat_no', eq: number }]), [rowId]);
  }
});
