import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { defineTable } from '@k-lani/protocol';
import { NodeClock } from '../io/node-clock.ts';
import { openDatabase, type OpenOptions } from './open-database.ts';

const seats = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    price: { type: 'int32', index: 'ordered', required: false },
    buyer: { type: 'fixed_string', length: 16, default: '' },
  },
});

const OPTIONS: OpenOptions = { segmentSizeBytes: 1024 * 1024, actor: 'box-office' };

function temporaryPath(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-database-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'data');
}

async function openSeats(context: TestContext, options: OpenOptions = {}) {
  const path = temporaryPath(context);
  const database = await openDatabase(path, { ...OPTIONS, ...options });
  context.after(() => database.close());
  return { path, database, table: await database.table(seats) };
}

const seat = (seat_no: number, rest: { rank?: number; is_booked?: number; price?: number | null } = {}) => ({
  rank: rest.rank ?? 1,
  seat_no,
  is_booked: rest.is_booked ?? 0,
  price: rest.price ?? null,
});

test('EmbeddedTable keeps rows over a reopening, with their versions, lsns and history', async (context) => {
  const { path, database, table } = await openSeats(context);
  const first = await table.append(seat(1));
  assert.deepEqual({ ...first, lsn: 0 }, { rowId: 1, version: 1, lsn: 0 });
  const second = await table.replace(1, { ...seat(1), is_booked: 1, buyer: 'Ada' }, { ifVersion: 1 });
  assert.ok(second.lsn > first.lsn);
  await database.close();

  await using again = await openDatabase(path, OPTIONS);
  const reopened = await again.table(seats);
  assert.deepEqual(reopened.seek(1), {
    rowId: 1,
    version: 2,
    lsn: second.lsn,
    row: { rank: 1, seat_no: 1, is_booked: 1, price: null, buyer: 'Ada' },
  });
  const history = reopened.history(1);
  assert.deepEqual(
    history.map(({ change, version, lsn, actor }) => ({ change, version, lsn, actor })),
    [
      { change: 'replace', version: 2, lsn: second.lsn, actor: 'box-office' },
      { change: 'append', version: 1, lsn: first.lsn, actor: 'box-office' },
    ],
  );
  assert.equal(history[1]?.row?.buyer, '');
});

test('EmbeddedTable answers queries that mix equality and ranges, over every kind of index', async (context) => {
  const { database, table } = await openSeats(context);
  await database.batch((batch) => {
    for (let number = 1; number <= 200; number += 1) {
      batch.append(table, seat(number, { rank: number % 10, is_booked: number % 2, price: number % 5 === 0 ? null : number - 100 }));
    }
  });
  const expect = (rule: (number: number) => boolean) => Array.from({ length: 200 }, (_, index) => index + 1).filter(rule);
  const price = (number: number) => (number % 5 === 0 ? null : number - 100);
  assert.deepEqual(
    table.queryIntersect([
      { field: 'rank', eq: 3 },
      { field: 'is_booked', eq: 1 },
    ]),
    expect((number) => number % 10 === 3),
  );
  const cheap = [
    { field: 'is_booked', eq: 0 },
    { field: 'price', lt: -90 },
  ] as const;
  assert.deepEqual(
    table.queryIntersect(cheap).toSorted((a, b) => a - b),
    expect((number) => number % 2 === 0 && (price(number) ?? 0) < -90),
  );
  assert.equal(table.count([{ field: 'price', gte: -10, lte: 10 }]), expect((number) => Math.abs(price(number) ?? 99) <= 10).length);
  assert.equal(table.count([{ field: 'price', eq: null }]), 40);
  assert.equal(table.count(), 200);
  assert.equal(table.seekByField('seat_no', 77)[0]?.row.price, -23);
  assert.deepEqual(table.seekByField('seat_no', 777), []);
  const spread = table.queryIntersect([{ field: 'is_booked', eq: 0 }], { limit: 0, spread: 7 });
  assert.notEqual(spread[0], 2);
  assert.deepEqual(
    spread.toSorted((a, b) => a - b),
    expect((number) => number % 2 === 0),
  );
  assert.equal(table.explain(cheap).estimate > 0, true);
  // @ts-expect-error the type knows that `buyer` is not indexed, and so does the engine
  assert.throws(() => table.queryIntersect([{ field: 'buyer', eq: 'Ada' }]), { code: 'FieldNotIndexed' });
  // @ts-expect-error `non_unique` answers no ranges
  assert.throws(() => table.queryIntersect([{ field: 'rank', gt: 3 }]), { code: 'FieldNotIndexed' });
});

test('EmbeddedTable refuses a second row with a unique value, in flight, in one batch and after a restart', async (context) => {
  const { database, table } = await openSeats(context);
  const both = await Promise.allSettled([table.append(seat(1)), table.append(seat(1))]);
  assert.equal(both[0].status, 'fulfilled');
  assert.equal(both[1].status === 'rejected' && both[1].reason.code, 'DuplicateKey');
  assert.match(
    String(both[1].status === 'rejected' && both[1].reason),
    /Cannot give field "seat_no" of table "seats" the value 1: row 1 has it/,
  );
  await assert.rejects(
    database.batch((batch) => {
      batch.append(table, seat(2));
      batch.append(table, seat(2));
    }),
    { code: 'DuplicateKey' },
  );
  assert.equal(table.count(), 1);
  // A batch may exchange unique values between rows.
  await table.append(seat(2));
  await database.batch((batch) => {
    batch.replace(table, 1, seat(2), { ifVersion: 1 });
    batch.replace(table, 2, seat(1), { ifVersion: 1 });
  });
  assert.equal(table.seekByField('seat_no', 1)[0]?.rowId, 2);
  await table.delete(2, { ifVersion: 2 });
  assert.equal((await table.append(seat(1))).rowId, 3);
});

test('EmbeddedLock gives a row to one holder, reads the latest state, and ends with unlock', async (context) => {
  const { table } = await openSeats(context);
  await table.append(seat(1));
  const lock = await table.tryLock(1);
  assert.ok(lock);
  assert.equal(await table.tryLock(1), undefined);
  await assert.rejects(table.replace(1, seat(1), { ifVersion: 1 }), { code: 'AlreadyLocked' });
  const pending = lock.replaceAndUnlock({ ...seat(1), is_booked: 1 });
  // The lock is free as soon as the change is appended: the next holder builds on what is not durable yet.
  const next = await table.tryLock(1);
  assert.ok(next);
  assert.equal(table.seek(1)?.row.is_booked, 0);
  assert.equal((await next.seek())?.row.is_booked, 1);
  assert.equal((await pending).version, 2);
  assert.ok(next.token > lock.token);
  await assert.rejects(lock.replace(seat(1)), { code: 'StaleToken' });
  await next.unlock();
  await assert.rejects(next.replace(seat(1)), { code: 'NotLocked' });
  await assert.rejects(table.tryLock(2), { code: 'NotFound' });
});

test('EmbeddedTable.claim() sells each row once to a crowd, and then says that none is available', async (context) => {
  const { table, database } = await openSeats(context);
  await database.batch((batch) => {
    for (let number = 1; number <= 50; number += 1) batch.append(table, seat(number));
  });
  const results = await Promise.all(
    Array.from({ length: 120 }, (_, buyer) =>
      table.claim({ where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1, buyer: `buyer ${buyer}` } }, { returnRows: true }),
    ),
  );
  const sold = results.flatMap((result) => (result.outcome === 'claimed' ? result.lines.flat() : []));
  assert.equal(new Set(sold.map(({ rowId }) => rowId)).size, 50);
  assert.equal(results.filter(({ outcome }) => outcome === 'none_available').length, 70);
  for (const { rowId, row } of sold) assert.equal(table.seek(rowId)?.row.buyer, row?.buyer);
});

test('EmbeddedDatabase.claim() takes all lines or none, and passes over locked rows', async (context) => {
  const { table, database } = await openSeats(context);
  await database.batch((batch) => {
    for (let number = 1; number <= 4; number += 1) batch.append(table, seat(number, { rank: number <= 2 ? 1 : 2 }));
  });
  const line = (rank: number, count: number) => ({
    table,
    where: [{ field: 'rank', eq: rank } as const, { field: 'is_booked', eq: 0 } as const],
    set: { is_booked: 1 },
    count,
  });
  assert.deepEqual(await database.claim([line(1, 2), line(2, 3)]), { outcome: 'none_available', line: 1 });
  assert.equal(table.count([{ field: 'is_booked', eq: 1 }]), 0);
  const lock = await table.tryLock(3, { leaseMs: 5000 });
  assert.ok(lock);
  const refused = await database.claim([line(1, 2), line(2, 2)]);
  assert.ok(refused.outcome === 'all_locked' && refused.line === 1);
  assert.ok(refused.retryAfterMs > 0 && refused.retryAfterMs <= 5000);
  const result = await database.claim([line(1, 2), line(2, 1)]);
  assert.ok(result.outcome === 'claimed');
  assert.deepEqual(
    result.lines.map((rows) => rows.map(({ rowId }) => rowId)),
    [[1, 2], [4]],
  );
  const both = await database.claim([line(2, 1), line(2, 1)]);
  assert.equal(both.outcome, 'all_locked');
});

test('EmbeddedDatabase answers a repeated operation with its first answer, over a restart, and refuses another body', async (context) => {
  const { path, database, table } = await openSeats(context);
  const operationId = '000102030405060708090a0b0c0d0e0f';
  const first = await table.append(seat(1), { operationId });
  assert.deepEqual(await table.append(seat(1), { operationId }), first);
  await assert.rejects(table.append(seat(2), { operationId }), { code: 'OperationMismatch' });
  const claimId = 'ffffffffffffffffffffffffffffffff';
  const ask = { where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1 } } as const;
  const claimed = await table.claim(ask, { operationId: claimId });
  assert.equal(claimed.outcome, 'claimed');
  await database.close();
  await using again = await openDatabase(path, OPTIONS);
  const reopened = await again.table(seats);
  assert.deepEqual(await reopened.append(seat(1), { operationId }), first);
  assert.deepEqual(await reopened.claim(ask, { operationId: claimId }), claimed);
  const status = await again.operationStatus(claimId);
  assert.deepEqual(status.state === 'done' && status.changes, [{ table: 'seats', rowId: 1, version: 2 }]);
  assert.deepEqual(await again.operationStatus('00000000000000000000000000000001'), { state: 'unknown' });
});

test('EmbeddedDatabase adds fields with defaults to a stored table, indexed ones too, and rows from before have them', async (context) => {
  const { path, database, table } = await openSeats(context);
  await table.append(seat(1));
  const wider = defineTable({
    table: 'seats',
    version: 2,
    fields: {
      rank: { type: 'uint32', index: 'non_unique' },
      seat_no: { type: 'uint32', index: 'unique' },
      is_booked: { type: 'uint32', index: 'non_unique' },
      price: { type: 'int32', index: 'ordered', required: false },
      buyer: { type: 'fixed_string', length: 16, default: '' },
      zone: { type: 'uint8', index: 'non_unique', default: 7 },
      note: { type: 'fixed_string', length: 8, required: false },
    },
  });
  await assert.rejects(database.table(wider), { code: 'SchemaMismatch' });
  const altered = await database.alterTable(wider);
  assert.deepEqual(altered.queryIntersect([{ field: 'zone', eq: 7 }]), [1]);
  assert.equal(altered.seek(1)?.row.zone, 7);
  assert.equal(altered.seek(1)?.row.note, null);
  const claimed = await altered.claim({ where: [{ field: 'zone', eq: 7 }], set: { zone: 8, note: 'moved' } });
  assert.equal(claimed.outcome, 'claimed');
  assert.deepEqual(altered.queryIntersect([{ field: 'zone', eq: 7 }]), []);
  assert.equal(altered.seek(1)?.row.note, 'moved');
  // The program with the old schema still works.
  assert.equal((await database.table(seats)).seek(1)?.row.seat_no, 1);
  await database.close();
  await using again = await openDatabase(path, OPTIONS);
  assert.deepEqual((await again.table(wider)).queryIntersect([{ field: 'zone', eq: 8 }]), [1]);
});

test('EmbeddedTable.scan() and stream() yield one snapshot, whatever is written meanwhile', async (context) => {
  const { table, database } = await openSeats(context);
  await database.batch((batch) => {
    for (let number = 1; number <= 10; number += 1) batch.append(table, seat(number));
  });
  const scan = table.scan({ pageRows: 2 });
  const stream = table.stream([{ field: 'is_booked', eq: 0 }], { pageRows: 3 });
  const seen = [scan.next().value, scan.next().value].map((row) => row?.row.seat_no);
  stream.next();
  await table.delete(5, { ifVersion: 1 });
  await table.replace(6, { ...seat(6), is_booked: 1 }, { ifVersion: 1 });
  await table.append(seat(11));
  for (const { row } of scan) {
    assert.equal(row.is_booked, 0);
    seen.push(row.seat_no);
  }
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(
    [...stream].map(({ rowId }) => rowId),
    [2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.deepEqual(
    [...table.scan()].map(({ rowId }) => rowId),
    [1, 2, 3, 4, 6, 7, 8, 9, 10, 11],
  );
});

test('EmbeddedTable ends a scan that was left longer than it may be', async (context) => {
  let passedMs = 0;
  class SlowClock extends NodeClock {
    override monotonicMs(): number {
      return super.monotonicMs() + passedMs;
    }
  }
  const { table } = await openSeats(context, { clock: new SlowClock() });
  await table.append(seat(1));
  await table.append(seat(2));
  const scan = table.scan({ pageRows: 1 });
  scan.next();
  passedMs = 300_001;
  assert.throws(() => scan.next(), { code: 'SnapshotExpired' });
});

test('openDatabase() refuses a second opening and a schema that contradicts the stored one, and says why', async (context) => {
  const { path, database } = await openSeats(context);
  await assert.rejects(openDatabase(path, OPTIONS), { code: 'DirectoryLocked', message: new RegExp(String(process.pid)) });
  const other = defineTable({ table: 'seats', fields: { rank: { type: 'uint16', index: 'non_unique' } } });
  await assert.rejects(database.table(other), { code: 'SchemaMismatch', message: /rank/ });
  await assert.rejects(database.openTable('chairs'), { code: 'UnknownTable', message: /"chairs"/ });
});

test('EmbeddedDatabase refuses bad values, loses nothing and leaves nothing locked', async (context) => {
  const { table, database } = await openSeats(context);
  const bad = (row: object) => table.append(row as ReturnType<typeof seat>);
  await assert.rejects(bad({ ...seat(1), rank: -1 }), { code: 'FieldOutOfRange', message: /rank.*-1.*4294967295/ });
  await assert.rejects(bad({ ...seat(1), rank: Number.NaN }), { code: /NotANumber|FieldOutOfRange/ });
  await assert.rejects(bad({ ...seat(1), buyer: 'x'.repeat(17) }), { code: 'FieldOverflow', message: /17/ });
  await assert.rejects(bad({ ...seat(1), buyer: '\ud800' }), { code: 'InvalidUtf8' });
  await assert.rejects(bad({ rank: 1 }), { code: 'FieldRequired' });
  await assert.rejects(bad({ ...seat(1), colour: 'red' }), { code: 'FieldCountMismatch' });
  assert.equal(table.count(), 0);
  assert.equal(database.stats().locks, 0);
  assert.equal((await table.append(seat(1))).rowId, 1);
});

test('A copy of the directory taken at any moment opens with everything that was acknowledged', async (context) => {
  const { path, table } = await openSeats(context);
  for (let round = 1; round <= 5; round += 1) {
    const acknowledged: number[] = [];
    const writes = Array.from({ length: 40 }, async (_, index) => {
      await table.append(seat(round * 1000 + index));
      acknowledged.push(round * 1000 + index);
    });
    await Promise.race(writes);
    const kept = [...acknowledged];
    const copy = temporaryPath(context);
    cpSync(path, copy, { recursive: true });
    await using crashed = await openDatabase(copy, OPTIONS);
    const survivors = await crashed.table(seats);
    for (const number of kept) assert.equal(survivors.seekByField('seat_no', number).length, 1);
    await Promise.all(writes);
  }
});

test('EmbeddedDatabase answers Closed to everything after its close', async (context) => {
  const { table, database } = await openSeats(context);
  const lock = await table.append(seat(1)).then(() => table.tryLock(1));
  await database.close();
  assert.throws(() => table.seek(1), { code: 'Closed' });
  assert.throws(() => database.stats(), { code: 'Closed' });
  await assert.rejects(table.append(seat(2)), { code: 'Closed' });
  await assert.rejects(database.checkpoint(), { code: 'Closed' });
  await assert.rejects(lock?.replace(seat(1)) ?? Promise.resolve(), { code: 'Closed' });
});
