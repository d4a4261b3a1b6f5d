import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { KLaniError, defineTable } from '@k-lani/protocol';
import { FaultyIo } from '../io/faulty-io.fixture.ts';
import { ManualTimers, turnsPass } from '../io/manual-timers.fixture.ts';
import { SEGMENT, temporaryDirectory } from '../log/log.fixture.ts';
import type { EmbeddedDatabase } from './embedded-database.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

const DISK_FULL = new KLaniError('DiskFull', 'Cannot fill: the disk is full');

const seats = defineTable({
  table: 'seats',
  fields: { seat_no: { type: 'uint32', index: 'unique' }, ticket: { type: 'blob' } },
});

/** Four of them fill a segment. */
const ticket = new Uint8Array(15_000).fill(1);

const OPTIONS = { segmentSizeBytes: SEGMENT, operationWindow: 2, history: 'latest', checkpointBytes: 0 } as const satisfies OpenOptions;

/** What a promise has come to when nothing else happens. */
function soFar<T>(promise: Promise<T>): Promise<T | 'waits'> {
  return Promise.race([promise, turnsPass().then(() => 'waits' as const)]);
}

/** A database whose compaction waits for a segment that is being filled. */
async function openWaiting(context: TestContext) {
  const io = new FaultyIo();
  const timers = new ManualTimers();
  let isOpen: EmbeddedDatabase | undefined;
  // Before the directory is removed.
  context.after(() => {
    io.fills.open();
    timers.fire();
    return isOpen?.close();
  });
  const database = await openDatabase(temporaryDirectory(context), { ...OPTIONS, io, clock: timers });
  isOpen = database;
  const table = await database.table(seats);
  for (let number = 1; number <= 14; number += 1) await table.append({ seat_no: number, ticket });
  io.fills.isShut = true;
  const code = database.compact().then(
    () => 'none',
    (error: unknown) => (error instanceof KLaniError ? error.code : Promise.reject(error)),
  );
  const filling = await io.fills.next();
  for (let durable = 0; database.stats().pendingBytes === 0 || database.stats().durable > durable;) {
    ({ durable } = database.stats());
    assert.equal(await soFar(code), 'waits');
  }
  return { database, filling, code };
}

for (const moment of ['before', 'after'] as const) {
  test(`EmbeddedDatabase.close() ends when it comes ${moment} compaction finds no room to move to`, async (context) => {
    const { database, filling, code } = await openWaiting(context);
    if (moment === 'after') filling.fail(DISK_FULL);
    const closing = database.close();
    if (moment === 'before') filling.fail(DISK_FULL);
    assert.equal(await soFar(closing), undefined);
    assert.equal(await code, 'OutcomeUnknown');
  });
}
