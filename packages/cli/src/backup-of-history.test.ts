/** Backups of a database that gives up its old segments meanwhile. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { backUp, DirectorySource, DirectoryTarget, type EmbeddedDatabase, NodeIo, openDatabase, restore, verifyLog } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { temporaryDirectory } from './command-process.fixture.ts';

const ROWS = 30;
const NOTE = 'x'.repeat(900);
const SMALL = { segmentSizeBytes: 65_536, operationWindow: 4, checkpointBytes: 0, history: 'latest', durability: 'os' } as const;
const seats = defineTable({
  table: 'seats',
  fields: {
    seat_no: { type: 'uint32', index: 'unique' },
    round: { type: 'uint32', index: 'ordered' },
    note: { type: 'fixed_string', length: 900 },
  },
});
const io = new NodeIo();

/** A database with some rows, two of which are never changed again. */
async function made(context: TestContext): Promise<{ database: EmbeddedDatabase; path: string }> {
  const path = join(temporaryDirectory(context), 'data');
  const database = await openDatabase(path, SMALL);
  context.after(() => database.close());
  const table = await database.table(seats);
  await database.batch((batch) => {
    for (let row = 0; row < ROWS; row += 1) batch.append(table, { seat_no: row, round: 0, note: NOTE });
  });
  return { database, path };
}

/** Replaces every row but two, `count` times. */
async function churn(database: EmbeddedDatabase, count: number): Promise<void> {
  const table = await database.table(seats);
  for (let round = 0; round < count; round += 1) {
    await database.batch((batch) => {
      for (let rowId = 3; rowId <= ROWS; rowId += 1) {
        const found = table.seek(rowId);
        const next = { seat_no: rowId - 1, round: (found?.row.round ?? 0) + 1, note: NOTE };
        batch.replace(table, rowId, next, { ifVersion: found?.version ?? 0 });
      }
    });
  }
}

async function backUpInto(database: EmbeddedDatabase, path: string, to: string) {
  const target = DirectoryTarget.open(io, to);
  try {
    const { lsn } = await database.checkpoint();
    return await backUp(path, target, { mark: { lsn, databaseId: Buffer.from(verifyLog(path).databaseId, 'hex') } });
  } finally {
    target.close();
  }
}

async function restoreFrom(from: string, to: string, lsn?: number) {
  const source = DirectorySource.open(io, from);
  try {
    return await restore(source, to, { lsn });
  } finally {
    source.close();
  }
}

function rowsIn(database: EmbeddedDatabase): Promise<unknown[]> {
  return database.openTable('seats').then((table) => [...table.scan()].map(({ rowId, version, row }) => [rowId, version, row['round']]));
}

async function rowsOf(path: string): Promise<unknown[]> {
  await using database = await openDatabase(path, { readOnly: true });
  return await rowsIn(database);
}

test('a backup of a log that begins late holds every row, and is not restored to where rows would be missing', async (context) => {
  const { database, path } = await made(context);
  await churn(database, 12);
  assert.ok((await database.compact()).firstSegment > 3);
  await churn(database, 1);
  const to = join(path, '..', 'backup');
  const report = await backUpInto(database, path, to);
  const verified = verifyLog(to);
  assert.ok(verified.firstSegment > 3);
  assert.equal(verified.anchor, report.anchor);
  await restoreFrom(to, join(path, '..', 'all'));
  assert.deepEqual(await rowsOf(join(path, '..', 'all')), await rowsIn(database));
  const begin = verified.firstSegment * SMALL.segmentSizeBytes;
  await assert.rejects(restoreFrom(to, join(path, '..', 'early'), begin + 40_000), {
    code: 'InvalidArgument',
    message: /older part of the log was given up.*the earliest that can be restored is lsn \d+/,
  });
});

test('a backup keeps segments that the database has given up since, and restores to a moment in them', async (context) => {
  const { database, path } = await made(context);
  await churn(database, 4);
  const to = join(path, '..', 'backup');
  const first = await backUpInto(database, path, to);
  const then = await rowsIn(database);
  await churn(database, 1);
  assert.ok((await database.compact()).firstSegment > 1);
  await backUpInto(database, path, to);
  assert.equal(verifyLog(to).firstSegment, 1);
  await restoreFrom(to, join(path, '..', 'then'), first.lsnLast);
  assert.deepEqual(await rowsOf(join(path, '..', 'then')), then);
  await restoreFrom(to, join(path, '..', 'now'));
  assert.deepEqual(await rowsOf(join(path, '..', 'now')), await rowsIn(database));
});

test('a backup that missed segments which were given up is not gone on with', async (context) => {
  const { database, path } = await made(context);
  const to = join(path, '..', 'backup');
  await backUpInto(database, path, to);
  const before = verifyLog(to);
  await churn(database, 12);
  assert.ok((await database.compact()).firstSegment > 3);
  await assert.rejects(backUpInto(database, path, to), { code: 'SnapshotExpired', message: /given up segments.*into an empty directory/ });
  assert.deepEqual(verifyLog(to), before);
});

test('backups and checks while segments are given up are each whole', async (context) => {
  const { database, path } = await made(context);
  const state = { isWriting: true };
  const writing = (async () => {
    while (state.isWriting) {
      await churn(database, 2);
      await database.compact();
    }
  })();
  for (let round = 0; round < 6; round += 1) {
    const to = join(path, '..', `backup-${round}`);
    const report = await backUpInto(database, path, to);
    assert.equal(verifyLog(to).anchor, report.anchor);
    await restoreFrom(to, join(path, '..', `restored-${round}`));
    const rows = await rowsOf(join(path, '..', `restored-${round}`));
    assert.equal(rows.length, ROWS);
    assert.equal(verifyLog(path).isRunning, true);
  }
  state.isWriting = false;
  await writing;
});
