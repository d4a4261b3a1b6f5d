import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ByteReader,
  ChangeKind,
  KLaniError,
  Opcode,
  decodeAlterTableRequest,
  decodeBatchCommitRequest,
  decodeHandshakeRequest,
  decodeOperationStatusRequest,
  decodeRow,
  defineTable,
  encodeAlterTableAnswer,
  encodeBatchCommitAnswer,
  encodeChangedRow,
  encodeCheckpointAnswer,
  encodeJsonAnswer,
  encodeListTablesAnswer,
  encodeOperationStatusAnswer,
  encodeSchema,
  formatOperationId,
  rowLayoutOf,
} from '@k-lani/protocol';
import type { Batch } from './batch.ts';
import { openClient } from './client.ts';
import { FakeServer } from './fake-server.fixture.ts';
import { SEATS, SEATS_2, setUpFake } from './fake-setup.fixture.ts';
import { FakeTable } from './fake-table.fixture.ts';
import { ManualEnvironment } from './manual-environment.fixture.ts';

const OPERATION_ID = '0123456789abcdef0123456789abcdef';

function last(server: FakeServer, opcode: number): ByteReader {
  const payload = server.of(opcode).at(-1)?.payload;
  assert.ok(payload);
  return new ByteReader(payload, new DataView(payload.buffer), 0, payload.length, 'request');
}

test('openClient() tells its name and what the server said of itself', async () => {
  const { server, client } = await setUpFake(() => {}, { name: 'box-office-3' });
  assert.equal(decodeHandshakeRequest(last(server, Opcode.Handshake)).clientName, 'box-office-3');
  assert.deepEqual([client.server.serverVersion, client.server.durability], ['fake', 'os']);
});

test('openClient() refuses options out of bounds', async () => {
  const server = new FakeServer(new FakeTable(SEATS));
  const environment = new ManualEnvironment();
  for (const options of [
    { timeoutMs: 0 },
    { timeoutMs: 1.5 },
    { pendingCallsMax: 0 },
    { reconnect: { delayMsMin: 0 } },
    { reconnect: { delayMsMin: 50, delayMsMax: 40 } },
  ]) {
    await assert.rejects(openClient(server, 'fake:', { environment, ...options }), { code: 'InvalidArgument' });
  }
  await assert.rejects(openClient(server, 'fake:', { environment, name: 'x'.repeat(65) }), { code: 'InvalidArgument' });
});

test('table() opens a table once, and refuses a schema that differs with the differences', async () => {
  const { server, client, seats } = await setUpFake();
  const again = await client.table(SEATS);
  assert.equal(again.name, 'seats');
  assert.deepEqual(again.schema, seats.schema);
  assert.equal(server.of(Opcode.CreateTable).length, 1);
  const other = defineTable({ table: 'seats', fields: { rank: { type: 'uint8', index: 'non_unique' } } });
  await assert.rejects(client.table(other), { code: 'SchemaMismatch', message: /"rank": type is uint32, given as uint8/ });
  const fresh = await openClient(server, 'fake:', { environment: new ManualEnvironment() });
  await assert.rejects(fresh.table(other), { code: 'SchemaMismatch', message: /"rank": type is uint32, given as uint8/ });
});

test('table() opens a table that has gone further than the program', async () => {
  const { client, seats } = await setUpFake((server) => {
    server.table.schema = SEATS_2;
  });
  await seats.append({ rank: 1 });
  assert.deepEqual((await seats.seek(1))?.row, { rank: 1, price: 0, buyer: null, gate: 9 });
  assert.equal((await client.table(SEATS)).schema.version, 2);
});

test('openTable() takes the schema from the server', async () => {
  const { client, seats } = await setUpFake();
  await seats.append({ rank: 4, buyer: 'ada' });
  const table = await client.openTable('seats');
  assert.deepEqual(
    table.schema.fields.map(({ name }) => name),
    ['rank', 'price', 'buyer'],
  );
  assert.equal((await table.seek(1))?.row['buyer'], 'ada');
  await assert.rejects(client.openTable('rooms'), { code: 'UnknownTable' });
});

test('alterTable() speaks the new schema from then on, with a handle of its own', async () => {
  const { server, client, seats } = await setUpFake();
  server.handler = (request) => {
    if (request.opcode !== Opcode.AlterTable) return false;
    server.table.schema = SEATS_2;
    request.session.alter(decodeAlterTableRequest(last(server, Opcode.AlterTable)).handle);
    request.session.answer(request, (writer) => encodeAlterTableAnswer(writer, 2));
    return true;
  };
  const [altered, change] = await Promise.all([client.alterTable(SEATS_2), seats.append({ rank: 1 })]);
  assert.equal(change.rowId, 1);
  const { schemaJson, handle } = decodeAlterTableRequest(last(server, Opcode.AlterTable));
  assert.equal(schemaJson, encodeSchema(SEATS_2));
  assert.notEqual(handle, 101);
  server.table.rows.clear();
  await altered.append({ rank: 7, gate: 3 });
  assert.deepEqual((await altered.seek(1))?.row, { rank: 7, price: 0, buyer: null, gate: 3 });
});

test('batch() sends all changes in one request, and gives what became of each', async () => {
  const { server, client, seats } = await setUpFake();
  await seats.append({ rank: 1 });
  const lock = await seats.tryLock(1);
  assert.ok(lock);
  server.handler = (request) => {
    if (request.opcode !== Opcode.BatchCommit) return false;
    request.session.answer(request, (writer) => {
      encodeBatchCommitAnswer(writer, 90, 3);
      for (const rowId of [5, 1, 3]) encodeChangedRow(writer, rowId, 2);
    });
    return true;
  };
  const result = await client.batch(
    (batch) => {
      batch.append(seats, { rank: 9, buyer: 'ada' });
      batch.replace(seats, 1, { rank: 8 }, { lock });
      batch.delete(seats, 3, { ifVersion: 4 });
    },
    { operationId: OPERATION_ID },
  );
  assert.deepEqual(result, {
    lsn: 90,
    changes: [
      { rowId: 5, version: 2 },
      { rowId: 1, version: 2 },
      { rowId: 3, version: 2 },
    ],
  });
  const reader = last(server, Opcode.BatchCommit);
  const { operationIdOffset, changes } = decodeBatchCommitRequest(reader);
  assert.equal(formatOperationId(reader.bytes, operationIdOffset), OPERATION_ID);
  assert.deepEqual(
    changes.map(({ change, rowId, tokenLow, ifVersion }) => ({ change, rowId, tokenLow, ifVersion })),
    [
      { change: ChangeKind.append, rowId: 0, tokenLow: 0, ifVersion: 0 },
      { change: ChangeKind.replace, rowId: 1, tokenLow: 1, ifVersion: 0 },
      { change: ChangeKind.delete, rowId: 3, tokenLow: 0, ifVersion: 4 },
    ],
  );
});

test('batch() ends with what its function throws, and refuses what is not a batch', async () => {
  const { server, client, seats } = await setUpFake();
  await assert.rejects(
    client.batch((batch) => {
      batch.append(seats, { rank: 1 });
      batch.append(seats, { rank: -1 });
    }),
    { code: 'FieldOutOfRange' },
  );
  await assert.rejects(
    client.batch(() => {}),
    { code: 'InvalidArgument' },
  );
  const other = await setUpFake();
  await assert.rejects(
    client.batch((batch) => batch.append(other.seats, { rank: 1 })),
    { code: 'InvalidArgument' },
  );
  let kept: Batch | undefined;
  const batched = client.batch((batch) => {
    kept = batch;
    batch.append(seats, { rank: 1 });
  });
  assert.throws(() => kept?.append(seats, { rank: 2 }), { code: 'InvalidArgument' });
  await assert.rejects(batched, { code: 'UnknownOpcode' });
  assert.equal(server.of(Opcode.BatchCommit).length, 1);
});

test('batch() is asked again with the handles of the new session', async () => {
  const { server, client, seats, time } = await setUpFake();
  server.handler = (request) => {
    if (request.opcode !== Opcode.BatchCommit) return false;
    if (request.session.number === 1) request.session.cut(new Error('connection reset'));
    else request.session.answer(request, (writer) => encodeBatchCommitAnswer(writer, 91, 0));
    return true;
  };
  const batched = client.batch((batch) => {
    batch.append(seats, { rank: 9 });
    batch.delete(seats, 3, { ifVersion: 1 });
  });
  await new Promise((resolve) => setImmediate(resolve));
  time.advance(20);
  assert.equal((await batched).lsn, 91);
  const [before, after] = server.of(Opcode.BatchCommit).map(({ payload }) => {
    const reader = new ByteReader(payload, new DataView(payload.buffer), 0, payload.length, 'request');
    const { operationIdOffset, changes } = decodeBatchCommitRequest(reader);
    const rows = changes.map(({ rowStart, rowEnd }) => reader.bytes.slice(rowStart, rowEnd));
    return { id: formatOperationId(reader.bytes, operationIdOffset), rows, handles: changes.map(({ handle }) => handle) };
  });
  assert.deepEqual([before?.id, before?.rows], [after?.id, after?.rows]);
  assert.deepEqual(
    [before?.handles, after?.handles],
    [
      [101, 101],
      [201, 201],
    ],
  );
});

test('A batch that meets an altered table is repeated in the new form', async () => {
  const { server, client, seats } = await setUpFake();
  server.handler = (request) => {
    if (request.opcode !== Opcode.BatchCommit) return false;
    const isFirst = server.of(Opcode.BatchCommit).length === 1;
    if (isFirst) {
      server.table.schema = SEATS_2;
      request.session.answer(request, () => {}, new KLaniError('SchemaChanged', 'altered'));
    } else {
      request.session.answer(request, (writer) => encodeBatchCommitAnswer(writer, 91, 0));
    }
    return true;
  };
  await client.batch((batch) => {
    batch.append(seats, { rank: 9, buyer: 'ada' });
    batch.delete(seats, 3, { ifVersion: 1 });
  });
  const reader = last(server, Opcode.BatchCommit);
  const [append, end] = decodeBatchCommitRequest(reader).changes;
  assert.ok(append && end);
  assert.equal(end.rowId, 3);
  assert.notEqual(append.handle, 101);
  const row = decodeRow(rowLayoutOf(SEATS_2), reader.bytes, reader.view, append.rowStart, append.rowEnd - append.rowStart);
  assert.deepEqual(row, { rank: 9, price: 0, buyer: 'ada', gate: 9 });
});

test('Commands about the database give what the server answers', async () => {
  const { server, client } = await setUpFake();
  const tables = [{ tableId: 1, name: 'seats', schemaVersion: 1, liveRows: 12 }];
  const done = { opcode: Opcode.Claim, lsn: 80, changes: [{ table: 'seats', rowId: 4, version: 2 }] };
  server.handler = (request) => {
    const { session, opcode } = request;
    if (opcode === Opcode.ListTables) session.answer(request, (writer) => encodeListTablesAnswer(writer, tables));
    else if (opcode === Opcode.Checkpoint) session.answer(request, (writer) => encodeCheckpointAnswer(writer, 2 ** 40));
    else if (opcode === Opcode.SystemGetStats) session.answer(request, (writer) => encodeJsonAnswer(writer, '{"rows":12}'));
    else if (opcode === Opcode.OperationStatus) {
      session.answer(request, (writer) => encodeOperationStatusAnswer(writer, { state: 'done', timeMs: 5, ...done }));
    } else return false;
    return true;
  };
  assert.deepEqual(await client.listTables(), tables);
  assert.deepEqual(await client.checkpoint(), { lsn: 2 ** 40 });
  assert.deepEqual(await client.stats(), { rows: 12 });
  assert.deepEqual(await client.operationStatus(OPERATION_ID), {
    state: 'done',
    command: 'Claim',
    time: new Date(5),
    lsn: done.lsn,
    changes: done.changes,
  });
  const reader = last(server, Opcode.OperationStatus);
  assert.equal(formatOperationId(reader.bytes, decodeOperationStatusRequest(reader)), OPERATION_ID);
  await assert.rejects(client.operationStatus('no id'), { code: 'InvalidArgument' });
});
