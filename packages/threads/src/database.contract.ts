/**
 * What an embedded database does, wherever the caller is: in the thread that has it open, or attached from another one. One list of tests for
 * both, with the same calls.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { EmbeddedDatabase } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import type { AttachedDatabase } from './attached-database.ts';
import type { AttachedTable } from './attached-table.ts';

export const seats = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    price: { type: 'int32', index: 'ordered', required: false },
    buyer: { type: 'fixed_string', length: 16, default: '' },
  },
});

/** A way to a new database. */
export type Opener = (context: TestContext) => Promise<AnyDatabase>;

/** What both have; where they differ in types alone, the tests use the attached one's. */
type AnyDatabase = Pick<EmbeddedDatabase, 'path' | 'listTables' | 'operationStatus' | 'checkpoint'> & AttachedDatabase;

type SeatsOpener = (context: TestContext) => Promise<{ database: AnyDatabase; table: AttachedTable<typeof seats> }>;

/** The same calls reach an embedded database. */
export function asAny(database: EmbeddedDatabase): AnyDatabase {
  return database as unknown as AnyDatabase;
}

export const seat = (seat_no: number, rest: { rank?: number; is_booked?: number; price?: number | null } = {}) => ({
  rank: rest.rank ?? 1,
  seat_no,
  is_booked: rest.is_booked ?? 0,
  price: rest.price ?? null,
});

const FREE = [{ field: 'is_booked', eq: 0 }] as const;

/** Runs the tests that any database must pass. */
export function testDatabase(name: string, open: Opener): void {
  const openSeats: SeatsOpener = async (context) => {
    const database = await open(context);
    return { database, table: await database.table(seats) };
  };
  testReads(name, openSeats);
  testSales(name, openSeats);
  testRefusals(name, openSeats);
  testSchemas(name, openSeats);
}

function testReads(name: string, openSeats: SeatsOpener): void {
  test(`${name}: a read sees what was written before, in every way of reading`, async (context) => {
    const { database, table } = await openSeats(context);
    for (let number = 1; number <= 20; number += 1) {
      const written = await table.append(seat(number, { rank: number % 3, price: number - 10 }));
      assert.deepEqual(table.seek(written.rowId), {
        ...written,
        row: { rank: number % 3, seat_no: number, is_booked: 0, price: number - 10, buyer: '' },
      });
      assert.equal(table.count(), number);
      assert.deepEqual(table.queryIntersect([{ field: 'seat_no', eq: number }]), [written.rowId]);
      const { version } = await table.replace(written.rowId, { ...seat(number), is_booked: 1 }, { ifVersion: 1 });
      assert.equal(table.seek(written.rowId)?.version, version);
      assert.deepEqual(
        table.history(written.rowId).map(({ change }) => change),
        ['replace', 'append'],
      );
    }
    await table.delete(7, { ifVersion: 2 });
    assert.equal(table.seek(7), undefined);
    assert.equal([...table.scan()].length, 19);
    assert.deepEqual(database.listTables(), [{ tableId: 1, name: 'seats', schemaVersion: 1, liveRows: 19 }]);
  });

  test(`${name}: queries mix equality and ranges, and refuse fields without an index`, async (context) => {
    const { database, table } = await openSeats(context);
    await database.batch((batch) => {
      for (let number = 1; number <= 200; number += 1) batch.append(table, seat(number, { rank: number % 10, price: number - 100 }));
    });
    const cheap = [
      { field: 'rank', eq: 3 },
      { field: 'price', lt: -80 },
    ] as const;
    assert.deepEqual(table.queryIntersect(cheap), [3, 13]);
    assert.equal(table.explain(cheap).estimate > 0, true);
    assert.deepEqual(
      [...table.stream(cheap)].map(({ row }) => row.price),
      [-97, -87],
    );
    assert.equal(table.seekByField('seat_no', 77)[0]?.row.price, -23);
    assert.equal(table.seekByPredicate({ field: 'price', gte: 99 }).length, 2);
    assert.deepEqual(
      table.fetch([5, 500, 6]).map(({ rowId }) => rowId),
      [5, 6],
    );
    // @ts-expect-error the type knows that `buyer` is not indexed, and so does the engine
    assert.throws(() => table.queryIntersect([{ field: 'buyer', eq: 'Ada' }]), { code: 'FieldNotIndexed' });
  });
}

function testSales(name: string, openSeats: SeatsOpener): void {
  test(`${name}: a claim sells each row once to a crowd, and then says that none is available`, async (context) => {
    const { table, database } = await openSeats(context);
    await database.batch((batch) => {
      for (let number = 1; number <= 50; number += 1) batch.append(table, seat(number));
    });
    const ask = (buyer: number) => table.claim({ where: FREE, set: { is_booked: 1, buyer: `buyer ${buyer}` } }, { returnRows: true });
    const results = await Promise.all(Array.from({ length: 120 }, (_, buyer) => ask(buyer)));
    const sold = results.flatMap((result) => (result.outcome === 'claimed' ? result.lines.flat() : []));
    assert.equal(new Set(sold.map(({ rowId }) => rowId)).size, 50);
    assert.equal(results.filter(({ outcome }) => outcome === 'none_available').length, 70);
    for (const { rowId, row } of sold) assert.equal(table.seek(rowId)?.row.buyer, row?.buyer);
    assert.deepEqual(await database.claim([{ table, where: FREE, set: { is_booked: 1 } }]), { outcome: 'none_available', line: 0 });
  });

  test(`${name}: a lock gives a row to one holder, reads the latest state, and its token rises`, async (context) => {
    const { table } = await openSeats(context);
    await table.append(seat(1));
    const lock = await table.tryLock(1);
    assert.ok(lock);
    assert.equal(await table.tryLock(1), undefined);
    await assert.rejects(table.replace(1, seat(1), { ifVersion: 1 }), { code: 'AlreadyLocked' });
    assert.equal((await lock.replace({ ...seat(1), is_booked: 1 })).version, 2);
    assert.equal((await lock.seek())?.row.is_booked, 1);
    await lock.replaceAndUnlock({ ...seat(1), is_booked: 2 });
    const next = await table.tryLock(1);
    assert.ok(next);
    assert.ok(next.token > lock.token);
    await next.unlock();
    await assert.rejects(next.replace(seat(1)), { code: 'NotLocked' });
    await assert.rejects(table.tryLock(2), { code: 'NotFound' });
  });

  test(`${name}: a batch is all or nothing, under versions and locks`, async (context) => {
    const { table, database } = await openSeats(context);
    await table.append(seat(1));
    await table.append(seat(2));
    const lock = await table.tryLock(2);
    assert.ok(lock);
    await assert.rejects(
      database.batch((batch) => {
        batch.replace(table, 2, seat(4), { lock });
        batch.delete(table, 1, { ifVersion: 9 });
      }),
      { code: 'VersionMismatch' },
    );
    assert.equal(table.seek(2)?.version, 1);
    const { changes } = await database.batch((batch) => {
      batch.replace(table, 2, seat(4), { lock });
      batch.delete(table, 1, { ifVersion: 1 });
      batch.append(table, seat(5));
    });
    assert.deepEqual(changes, [
      { rowId: 2, version: 2 },
      { rowId: 1, version: 2 },
      { rowId: 3, version: 1 },
    ]);
    assert.equal(table.count(), 2);
  });
}

function testRefusals(name: string, openSeats: SeatsOpener): void {
  test(`${name}: an operation that is repeated gets its first answer, and another body is refused`, async (context) => {
    const { table, database } = await openSeats(context);
    const operationId = '000102030405060708090a0b0c0d0e0f';
    const first = await table.append(seat(1), { operationId });
    assert.deepEqual(await table.append(seat(1), { operationId }), first);
    await assert.rejects(table.append(seat(2), { operationId }), { code: 'OperationMismatch' });
    const status = await database.operationStatus(operationId);
    assert.deepEqual(status.state === 'done' && status.changes, [{ table: 'seats', rowId: 1, version: 1 }]);
    assert.deepEqual(await database.operationStatus('00000000000000000000000000000001'), { state: 'unknown' });
    assert.ok((await database.checkpoint()).lsn > first.lsn);
  });

  test(`${name}: bad values and unknown tables are refused, and change nothing`, async (context) => {
    const { table, database } = await openSeats(context);
    const bad = (row: object) => (async () => table.append(row as ReturnType<typeof seat>))();
    await assert.rejects(bad({ ...seat(1), rank: -1 }), { code: 'FieldOutOfRange', message: /rank.*-1.*4294967295/ });
    await assert.rejects(bad({ ...seat(1), buyer: 'x'.repeat(17) }), { code: 'FieldOverflow', message: /17/ });
    await assert.rejects(bad({ rank: 1 }), { code: 'FieldRequired' });
    await table.append(seat(1));
    await assert.rejects(table.append(seat(1)), { code: 'DuplicateKey' });
    await assert.rejects(database.openTable('chairs'), { code: 'UnknownTable', message: /"chairs"/ });
    const other = defineTable({ table: 'seats', fields: { rank: { type: 'uint16', index: 'non_unique' } } });
    await assert.rejects(database.table(other), { code: 'SchemaMismatch', message: /rank/ });
    assert.throws(() => table.seek(-1), { code: 'InvalidArgument' });
    assert.equal(table.count(), 1);
  });
}

function testSchemas(name: string, openSeats: SeatsOpener): void {
  test(`${name}: a table grows by fields with defaults, and programs with the old schema go on`, async (context) => {
    const { table, database } = await openSeats(context);
    await table.append(seat(1));
    const altered = await database.alterTable(wider);
    assert.deepEqual(altered.queryIntersect([{ field: 'zone', eq: 7 }]), [1]);
    assert.equal(altered.seek(1)?.row.zone, 7);
    await altered.claim({ where: [{ field: 'zone', eq: 7 }], set: { zone: 8 } });
    assert.deepEqual(altered.queryIntersect([{ field: 'zone', eq: 8 }]), [1]);
    assert.equal((await database.table(seats)).seek(1)?.row.seat_no, 1);
    assert.equal((await table.append(seat(2))).rowId, 2);
    assert.equal(altered.seek(2)?.row.zone, 7);
  });

  test(`${name}: a scan sees one snapshot, whatever is written meanwhile`, async (context) => {
    const { table, database } = await openSeats(context);
    await database.batch((batch) => {
      for (let number = 1; number <= 10; number += 1) batch.append(table, seat(number));
    });
    const scan = table.scan({ pageRows: 2 });
    const seen = [scan.next().value?.row.seat_no];
    await table.delete(5, { ifVersion: 1 });
    await table.append(seat(11));
    for (const { row } of scan) seen.push(row.seat_no);
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(table.count(), 10);
  });
}

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
  },
});
