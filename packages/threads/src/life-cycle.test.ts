import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { after, type TestContext } from 'node:test';
import { openDatabase } from '@k-lani/engine';
import type { KLaniError } from '@k-lani/protocol';
import { attach } from './attach.ts';
import type { AttachedDatabase } from './attached-database.ts';
import { seat, seats } from './database.contract.ts';
import { newDirectory, OwnerThread } from './owner-thread.fixture.ts';
import { SLEEPER_REQUESTS, SLEEPER_ROWS, startSeller } from './seller.fixture.ts';
import { ATTACHED_THREADS_MAX, share } from './sharing.ts';

const owner = new OwnerThread();
after(() => owner.end());

/** A database that this thread has open, with seats in it. */
async function openHere(context: TestContext, count = 1) {
  const database = await openDatabase(newDirectory(context), { segmentSizeBytes: 1024 * 1024 });
  context.after(() => database.close());
  const table = await database.table(seats);
  await database.batch((batch) => {
    for (let number = 1; number <= count; number += 1) batch.append(table, seat(number));
  });
  return { database, table, handle: share(database) };
}

/** Calls without an end; resolves with what each of the last ones ended with. */
async function callUntilRefused(database: AttachedDatabase): Promise<unknown[]> {
  const table = await database.table(seats);
  const calls = Array.from({ length: 8 }, async (_, caller): Promise<unknown> => {
    try {
      for (let count = 0; ; count += 1) await table.append(seat(caller * 100_000 + count));
    } catch (error) {
      return error;
    }
  });
  return Promise.all(calls);
}

test('A thread whose owner closes gets every answer that was owed, and Closed from then on, in place of doubt', async (context) => {
  const { handle, path } = await owner.open(context);
  const database = await attach(handle);
  const table = await database.table(seats);
  const ended = callUntilRefused(database);
  while (table.count() < 50) await table.append(seat(900_000 + table.count()));
  await owner.close(path);
  for (const error of await ended) assert.equal((error as KLaniError).code, 'Closed');
  await assert.rejects(table.append(seat(1)), { code: 'Closed' });
  assert.throws(() => table.seek(1), { code: 'Closed' });
  await assert.rejects(attach(handle), { code: 'Closed' });
  await database.close();
});

test('A thread whose owner is terminated does not know what became of its last writes, and gets Closed from then on', async (context) => {
  const mortal = new OwnerThread();
  const { handle } = await mortal.open(context);
  const database = await attach(handle);
  const table = await database.table(seats);
  const ended = callUntilRefused(database);
  while (table.count() < 50) await table.append(seat(900_000 + table.count()));
  await mortal.worker.terminate();
  for (const error of await ended) {
    const { code, operationId } = error as KLaniError;
    assert.equal(code, 'OutcomeUnknown');
    assert.match(operationId ?? '', /^[0-9a-f]{32}$/);
  }
  await assert.rejects(table.append(seat(1)), { code: 'Closed' });
  await assert.rejects(attach(handle), { code: 'Closed' });
  await database.close();
});

test('The locks of a thread that is terminated are free, and another takes its place', async (context) => {
  const { table, handle } = await openHere(context);
  const holder = startSeller('holder', handle);
  assert.deepEqual(await once(holder, 'message'), [1]);
  assert.equal(await table.tryLock(1), undefined);
  await holder.terminate();
  let lock = await table.tryLock(1);
  for (const endMs = performance.now() + 10_000; lock === undefined && performance.now() < endMs; lock = await table.tryLock(1)) {
    await new Promise(setImmediate);
  }
  assert.ok(lock, 'the lock is free');
});

test('A thread that is attached and has nothing to do ends by itself, and what it wrote is there', async (context) => {
  const { table, handle } = await openHere(context);
  const [code] = (await once(startSeller('leaver', handle), 'exit')) as [number];
  assert.equal(code, 0);
  assert.equal(table.seekByField('seat_no', 1000).length, 1);
});

test('A thread that does not take its answers holds up nobody, and gets all of them when it does', async (context) => {
  const { table, handle } = await openHere(context, SLEEPER_ROWS);
  const go = new Int32Array(new SharedArrayBuffer(4));
  const sleeper = startSeller('sleeper', handle, { go });
  assert.deepEqual(await once(sleeper, 'message'), ['asked']);
  for (let number = 1; number <= 50; number += 1) await table.append(seat(10_000 + number));
  const told = once(sleeper, 'message');
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  assert.deepEqual(await told, [SLEEPER_REQUESTS * SLEEPER_ROWS]);
});

test('More than ATTACHED_THREADS_MAX are refused by LimitReached, until one has ended', async (context) => {
  const { handle } = await owner.open(context);
  const attached: AttachedDatabase[] = [];
  for (let count = 0; count < ATTACHED_THREADS_MAX; count += 1) attached.push(await attach(handle));
  await assert.rejects(attach(handle), { code: 'LimitReached', message: new RegExp(`${ATTACHED_THREADS_MAX} are open`) });
  await attached.pop()?.close();
  attached.push(await attach(handle));
  for (const database of attached) await database.close();
});

test('One thread may attach twice: two sessions, of which each has its own locks and name', async (context) => {
  const { handle } = await owner.open(context);
  const one = await attach(handle, { name: 'till 1' });
  const other = await attach(handle, { name: 'till 2' });
  const [table, same] = [await one.table(seats), await other.table(seats)];
  await table.append(seat(1));
  assert.equal(same.history(1)[0]?.actor, 'till 1');
  assert.ok(await table.tryLock(1));
  assert.equal(await same.tryLock(1), undefined);
  await one.close();
  assert.ok(await same.tryLock(1));
  await assert.rejects(table.append(seat(2)), { code: 'Closed' });
  await other.close();
});

test('attach() refuses the thread that has the database open, handles of other processes, and what is no handle', async (context) => {
  const { handle, database } = await openHere(context);
  assert.equal(share(database), handle);
  await assert.rejects(attach(handle), { code: 'InvalidArgument', message: /this is the thread that has it open/ });
  await assert.rejects(attach({ ...handle, processId: 1 }), { code: 'InvalidArgument', message: /is of process 1, must be of this one/ });
  await assert.rejects(attach({} as typeof handle), { code: 'InvalidArgument' });
  await assert.rejects(attach(undefined as unknown as typeof handle), { code: 'InvalidArgument' });
  await assert.rejects(attach(handle, { blockMsMax: -1 }), { code: 'InvalidArgument', message: /blockMsMax is -1, must be 0 to 1000/ });
  await database.close();
  assert.throws(() => share(database).memory.path.length && database.share(), { code: 'Closed' });
});
