/** What is particular to I/O threads; that nothing else differs is held by `io-threads-contract.test.ts`. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import {
  decodeChangeAnswer,
  decodeCountAnswer,
  decodeLockAnswer,
  defineTable,
  encodeAlterTableRequest,
  encodeSchema,
  encodeTerms,
  encodeTermsRequest,
  Opcode,
} from '@k-lani/protocol';
import { ioThreadCount } from './io-threads.ts';
import type { Server } from './server.ts';
import type { ServerLog } from './service.ts';
import { type ClientTable, newOperationId, openClient, openServer, seat, SEATS, soughtRow, WireClient } from './wire-client.test.ts';

const ROWS = 8;

/** Where Linux lists the open files of this process. */
const DESCRIPTORS = '/proc/self/fd';

/** The table with one more field. */
const WIDER = defineTable({
  table: 'seats',
  version: 2,
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint8', index: 'non_unique' },
    price: { type: 'int32', index: 'ordered', required: false },
    buyer: { type: 'fixed_string', length: 16, default: '' },
    weight: { type: 'float64', default: 0 },
    note: { type: 'blob', required: false },
    gate: { type: 'uint16', default: 7 },
  },
});

/** Requests answered by the threads themselves. */
function answered({ stats }: Server): number {
  return stats.server.ioThreads.reduce((sum, thread) => sum + thread.answered, 0);
}

async function openSeats(context: TestContext, config: Parameters<typeof openServer>[1], adapters: Parameters<typeof openServer>[2] = {}) {
  const server = await openServer(context, config, adapters);
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  for (let seatNo = 1; seatNo <= ROWS; seatNo += 1)
    assert.equal((await client.append(table, seat(seatNo, { rank: seatNo % 2 }))).status, 0);
  return { server, client, table };
}

function count(client: WireClient, { handle, layout }: ClientTable<typeof SEATS>, rank: number) {
  return client.call(Opcode.Count, (writer) => {
    encodeTermsRequest(writer, handle);
    encodeTerms(writer, layout, [{ field: 'rank', eq: rank }]);
  });
}

/** Resolves when `isSo`, which is looked at after every turn of the loop. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test('Threads answer Seek, QueryIntersect, Count and Explain themselves, and leave to the writer what depends on it', async (context) => {
  const { server, client, table } = await openSeats(context, { ioThreads: 1 });
  assert.equal(answered(server), 0);
  assert.equal(soughtRow(await client.seek(table, 3), table).row.seat_no, 3);
  assert.equal((await client.seek(table, 99)).error.message, 'Cannot read row 99 of table "seats": there is none, or it is deleted');
  assert.equal((await count(client, table, 1)).read(decodeCountAnswer), ROWS / 2);
  assert.equal(answered(server), 3);

  // A handle that is not known is the writer's to refuse.
  assert.equal((await client.seek({ ...table, handle: 4711 }, 1)).code, 'InvalidHandle');
  assert.equal(answered(server), 3);

  // A session that was given a lock sees the latest state of its rows: the writer's.
  const token = (await client.lock(table, 1)).read(decodeLockAnswer);
  const changed = client.replace(table, { rowId: 1, ...token }, seat(1, { buyer: 'ada' }));
  assert.equal(soughtRow(await client.seek(table, 1), table).row.buyer, 'ada');
  assert.equal((await changed).status, 0);
  assert.equal(answered(server), 3);
  assert.equal((await count(client, table, 1)).status, 0);
  assert.equal(answered(server), 4);

  // What is behind a request that it depends on waits for the writer, which carries them out in their order.
  const [closed, counted] = await Promise.all([client.closeTable(table.handle), count(client, table, 1)]);
  assert.deepEqual([closed.status, counted.code], [0, 'InvalidHandle']);
});

test('A table that is altered behind a session is the writer’s to answer, a closed handle too', async (context) => {
  const { server, client, table } = await openSeats(context, { ioThreads: 2 });
  const other = await openClient(context, server);
  const old = await other.openTable(SEATS);
  assert.equal(soughtRow(await other.seek(old, 1), old).row.seat_no, 1);
  const before = answered(server);
  assert.ok(before > 0);
  const alter = await client.call(Opcode.AlterTable, (writer) =>
    encodeAlterTableRequest(writer, table.handle, newOperationId(), encodeSchema(WIDER)),
  );
  assert.equal(alter.status, 0);
  assert.equal(soughtRow(await other.seek(old, 1), old).row.seat_no, 1);
  assert.equal(answered(server), before, 'its rows are brought into the layout of the handle by the writer');
  assert.equal((await other.closeTable(old.handle)).status, 0);
  assert.equal((await other.seek(old, 1)).code, 'InvalidHandle');
});

test('No read is older than an answer that anyone has received, whichever threads they come over', async (context) => {
  const { server, client, table } = await openSeats(context, { ioThreads: 2 });
  const other = await openClient(context, server);
  const seen = await other.openTable(SEATS);
  for (let version = 2; version <= 200; version += 1) {
    const answer = await client.replace(table, { rowId: 1, ifVersion: version - 1 }, seat(1, { buyer: `${version}` }));
    assert.equal(answer.read(decodeChangeAnswer).version, version);
    const [mine, theirs] = await Promise.all([client.seek(table, 1), other.seek(seen, 1)]);
    assert.deepEqual([soughtRow(mine, table).version, soughtRow(theirs, seen).version], [version, version]);
  }
  assert.equal(answered(server), 2 * 199);
  assert.deepEqual(
    server.stats.server.ioThreads.map(({ connections }) => connections),
    [1, 1],
  );
});

test('A session whose requests are all answered by its thread is not idle', async (context) => {
  const { server, client, table } = await openSeats(context, { ioThreads: 1, sessionIdleMs: 400 });
  const untilMs = performance.now() + 1200;
  while (performance.now() < untilMs) {
    assert.equal((await client.seek(table, 1)).status, 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(server.stats.server.idled, 0);
  await client.ended;
  assert.equal(server.stats.server.idled, 1);
});

test('A thread that dies ends its connections and nothing else: locks are free, writes go on, another takes its place', async (context) => {
  const workers: Worker[] = [];
  const seesWorker = (worker: Worker): void => void workers.push(worker);
  process.on('worker', seesWorker);
  context.after(() => process.off('worker', seesWorker));
  const errors: string[] = [];
  const log: ServerLog = { error: (_, message) => errors.push(message), warn() {}, info() {}, debug() {} };
  const { server, client, table } = await openSeats(context, { ioThreads: 2, checkpointBytes: 0 }, { log });
  const other = await openClient(context, server);
  const theirs = await other.openTable(SEATS);
  const [victim] = workers;
  assert.equal(workers.length, 2);
  assert.equal((await client.lock(table, 1)).status, 0);
  assert.equal((await other.lock(theirs, 1)).code, 'AlreadyLocked');
  // What is in flight when it dies may have happened or not.
  for (let seatNo = 100; seatNo < 200; seatNo += 1) void client.append(table, seat(seatNo));
  const ended = client.ended.catch((error: unknown) => assert.ok(error instanceof Error && 'code' in error && error.code === 'ECONNRESET'));
  await victim?.terminate();
  await ended;
  assert.match(errors.join(), /an I\/O thread has died: its connections are over, it is replaced/);
  assert.equal((await other.lock(theirs, 1)).status, 0);
  assert.equal((await other.append(theirs, seat(500))).status, 0);
  assert.equal(server.stats.server.ioThreads.length, 1);
  await until(() => server.stats.server.ioThreads.length === 2);
  const third = await openClient(context, server);
  await third.openTable(SEATS);
  assert.equal(server.stats.server.sessions, 2);
});

test('Where no thread lives, the accepting thread serves its connections itself', async (context) => {
  const workers: Worker[] = [];
  const seesWorker = (worker: Worker): void => void workers.push(worker);
  process.on('worker', seesWorker);
  context.after(() => process.off('worker', seesWorker));
  const server = await openServer(context, { ioThreads: 1, checkpointBytes: 0 });
  await workers[0]?.terminate();
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  assert.equal((await client.append(table, seat(1))).status, 0);
  assert.equal(soughtRow(await client.seek(table, 1), table).row.seat_no, 1);
  assert.deepEqual(server.stats.server.ioThreads, []);
});

test('ioThreadCount() takes what is asked for, and by itself none on machines with few processors', () => {
  assert.equal(ioThreadCount(0, 64), 0);
  assert.equal(ioThreadCount(7, 1), 7);
  assert.deepEqual(
    [1, 2, 3, 4, 64].map((processors) => ioThreadCount('auto', processors)),
    [0, 0, 2, 3, 4],
  );
});

test('Connections that come and go leave no descriptor open', { skip: !existsSync(DESCRIPTORS) }, async (context) => {
  const server = await openServer(context, { ioThreads: 2 });
  const churn = async (): Promise<number> => {
    for (let round = 0; round < 10; round += 1) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => WireClient.open(server)));
      for (const client of clients) client.close();
      await Promise.all(clients.map(({ ended }) => ended));
    }
    await until(() => server.stats.server.sessions === 0 && server.stats.server.ioThreads.every(({ connections }) => connections === 0));
    return readdirSync(DESCRIPTORS).length;
  };
  const before = await churn();
  const after = await churn();
  assert.ok(after < before + 20, `${after} descriptors are open after 100 more connections, ${before} before`);
});
