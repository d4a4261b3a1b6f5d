import { after } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import { attach } from './attach.ts';
import { asAny, testDatabase } from './database.contract.ts';
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
