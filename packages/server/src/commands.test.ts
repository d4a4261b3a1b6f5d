import assert from 'node:assert/strict';
import test from 'node:test';
import {
  beginBatchChange,
  beginBatchCommit,
  type BatchChange,
  type ByteWriter,
  ChangeKind,
  decodeBatchCommitAnswer,
  decodeChangeAnswer,
  decodeCheckpointAnswer,
  decodeClaimAnswer,
  decodeClaimRefusal,
  decodeCountAnswer,
  decodeHistoryAnswer,
  decodeJsonAnswer,
  decodeListTablesAnswer,
  decodeLockAnswer,
  decodeOpenedTable,
  decodeOperationStatusAnswer,
  decodePageAnswer,
  decodeRowIds,
  decodeRows,
  decodeSchema,
  decodeStoredSchema,
  defineTable,
  encodeAlterTableRequest,
  encodeCreateTableRequest,
  encodeCursorRequest,
  encodeDeleteRequest,
  encodeFetchRequest,
  encodeHandleRequest,
  encodeHistoryRequest,
  encodeOpenTableRequest,
  encodeOperationStatusRequest,
  encodeQueryIntersectRequest,
  encodeRow,
  encodeScanRequest,
  encodeSchema,
  encodeSeekByFieldRequest,
  encodeSeekByPredicateRequest,
  encodeTerm,
  encodeTerms,
  encodeTermsRequest,
  endBatchChange,
  endCount,
  ERRORS,
  fieldPositionOf,
  formatOperationId,
  Opcode,
  rowLayoutOf,
  type TermOf,
} from '@k-lani/protocol';
import {
  type Answer,
  type ClientTable,
  newOperationId,
  openClient,
  openServer,
  receivedRows,
  seat,
  SEATS,
  soughtRow,
  type WireClient,
} from './wire-client.test.ts';

type Seats = typeof SEATS;

/** A server, a client and a table with `count` seats in ranks 0 to 3. */
async function openSeats(context: test.TestContext, count: number) {
  const server = await openServer(context);
  const client = await openClient(context, server, 'box office');
  const table = await client.create(SEATS);
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => client.append(table, { ...seat(index + 1, { rank: index % 4 }), price: index * 10 })),
  );
  for (const answer of answers) assert.equal(answer.status, 0);
  return { server, client, table };
}

function query(
  client: WireClient,
  { handle, layout }: ClientTable<Seats>,
  terms: readonly TermOf<Seats>[],
  limits: { limit: number; spread?: number },
) {
  return client.call(Opcode.QueryIntersect, (writer) => {
    encodeQueryIntersectRequest(writer, handle, limits.limit, limits.spread ?? 0);
    encodeTerms(writer, layout, terms);
  });
}

function withTerms(
  opcode: number,
  client: WireClient,
  { handle, layout }: ClientTable<Seats>,
  terms: readonly TermOf<Seats>[],
): Promise<Answer> {
  return client.call(opcode, (writer) => {
    encodeTermsRequest(writer, handle);
    encodeTerms(writer, layout, terms);
  });
}

function deleteRow(
  client: WireClient,
  handle: number,
  target: { rowId: number; ifVersion?: number; tokenLow?: number; tokenHigh?: number },
) {
  return client.call(Opcode.Delete, (writer) => {
    encodeDeleteRequest(writer, newOperationId(), { handle, ifVersion: 0, tokenLow: 0, tokenHigh: 0, ...target });
  });
}

function batch(
  client: WireClient,
  operationId: Uint8Array,
  changes: readonly { change: BatchChange; put?: (writer: ByteWriter) => void }[],
) {
  return client.call(Opcode.BatchCommit, (writer) => {
    const countOffset = beginBatchCommit(writer, operationId);
    for (const { change, put } of changes) {
      const start = beginBatchChange(writer, change);
      put?.(writer);
      endBatchChange(writer, start);
    }
    endCount(writer, countOffset, changes.length);
  });
}

test('CreateTable makes a table once; OpenTable, ListTables and GetSchema tell of it; CloseTable ends the handle', async (context) => {
  const client = await openClient(context, await openServer(context));
  const create = (schema: typeof SEATS) =>
    client.call(Opcode.CreateTable, (writer) => encodeCreateTableRequest(writer, newOperationId(), encodeSchema(schema)));
  const created = (await create(SEATS)).read(decodeOpenedTable);
  assert.deepEqual(decodeSchema(JSON.parse(created.schemaJson)), SEATS);
  const again = (await create(SEATS)).read(decodeOpenedTable);
  assert.notEqual(again.handle, created.handle);
  assert.deepEqual({ ...again, handle: 0 }, { ...created, handle: 0 });
  const other = defineTable({ table: 'seats', fields: { rank: { type: 'uint32' } } });
  assert.equal((await create(other as unknown as typeof SEATS)).code, 'TableExists');

  const opened = (await client.call(Opcode.OpenTable, (writer) => encodeOpenTableRequest(writer, 'seats'))).read(decodeOpenedTable);
  assert.equal(opened.tableId, created.tableId);
  const list = (await client.call(Opcode.ListTables)).read(decodeListTablesAnswer);
  assert.deepEqual(list, [{ tableId: created.tableId, name: 'seats', schemaVersion: 1, liveRows: 0 }]);
  const schema = (await client.call(Opcode.GetSchema, (writer) => encodeHandleRequest(writer, opened.handle))).read(decodeStoredSchema);
  assert.equal(schema.schemaJson, created.schemaJson);
  assert.equal((await client.closeTable(opened.handle)).status, 0);
  assert.equal((await client.closeTable(opened.handle)).code, 'InvalidHandle');
});

test('AlterTable adds a field: its handle speaks the new schema, others are told that the schema has changed', async (context) => {
  const { server, client, table } = await openSeats(context, 2);
  const other = await openClient(context, server);
  const old = await other.openTable(SEATS);
  const wider = defineTable({
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
      gate: { type: 'uint16', index: 'non_unique', default: 7 },
    },
  });
  const alter = (schema: object) =>
    client.call(Opcode.AlterTable, (writer) =>
      encodeAlterTableRequest(writer, table.handle, newOperationId(), encodeSchema(schema as typeof SEATS)),
    );
  assert.equal((await alter(wider)).status, 0);
  const altered = { handle: table.handle, layout: rowLayoutOf(wider) };
  assert.equal(soughtRow(await client.seek(altered, 1), altered).row.gate, 7);
  assert.equal((await client.append(altered, { ...seat(3), gate: 9 })).status, 0);
  const byGate = await client.call(Opcode.QueryIntersect, (writer) => {
    encodeQueryIntersectRequest(writer, table.handle, 10, 0);
    encodeTerms(writer, altered.layout, [{ field: 'gate', eq: 7 }]);
  });
  assert.deepEqual(byGate.read(decodeRowIds), [1, 2]);

  assert.equal((await other.append(old, seat(4))).code, 'SchemaChanged');
  assert.equal((await other.seek(old, 3)).code, 'SchemaChanged');
  assert.equal(soughtRow(await other.seek(old, 1), old).row.seat_no, 1);
  assert.equal((await alter(defineTable({ table: 'seats', version: 3, fields: { rank: { type: 'uint32' } } }))).code, 'SchemaMismatch');
});

test('Seek, SeekByField, SeekByPredicate and Fetch answer with rows', async (context) => {
  const { client, table } = await openSeats(context, 8);
  const { handle, layout } = table;
  assert.deepEqual(soughtRow(await client.seek(table, 3), table).row, {
    rank: 2,
    seat_no: 3,
    is_booked: 0,
    price: 20,
    buyer: '',
    weight: 0,
    note: null,
  });
  assert.equal((await client.seek(table, 9)).code, 'NotFound');
  assert.equal((await client.seek(table, 0)).code, 'NotFound');
  assert.equal((await client.seek(table, 0xffff_ffff)).code, 'NotFound');

  const field = fieldPositionOf(layout, 'rank');
  const byField = await client.call(Opcode.SeekByField, (writer) =>
    encodeSeekByFieldRequest(writer, layout, { handle, limit: 0, field, value: 1 }),
  );
  assert.deepEqual(
    receivedRows(byField, table, byField.read(decodeRows)).map(({ row }) => row.seat_no),
    [2, 6],
  );
  const byPredicate = await client.call(Opcode.SeekByPredicate, (writer) => {
    encodeSeekByPredicateRequest(writer, handle, 2);
    encodeTerm(writer, layout, { field: 'price', gt: 20, lte: 50 });
  });
  assert.deepEqual(
    receivedRows(byPredicate, table, byPredicate.read(decodeRows)).map(({ row }) => row.price),
    [30, 40],
  );
  const fetched = await client.call(Opcode.Fetch, (writer) => encodeFetchRequest(writer, handle, [8, 99, 2]));
  assert.deepEqual(
    receivedRows(fetched, table, fetched.read(decodeRows)).map(({ rowId }) => rowId),
    [8, 2],
  );
});

test('QueryIntersect, Count and Explain take the same terms', async (context) => {
  const { client, table } = await openSeats(context, 40);
  const terms = [
    { field: 'rank', eq: 1 },
    { field: 'price', lt: 200 },
  ] as const;
  assert.deepEqual((await query(client, table, terms, { limit: 64 })).read(decodeRowIds), [2, 6, 10, 14, 18]);
  assert.deepEqual((await query(client, table, terms, { limit: 2 })).read(decodeRowIds), [2, 6]);
  const spread = (await query(client, table, [{ field: 'rank', eq: 1 }], { limit: 0, spread: 12 })).read(decodeRowIds);
  assert.equal(spread.length, 10);
  assert.equal((await withTerms(Opcode.Count, client, table, terms)).read(decodeCountAnswer), 5);
  assert.equal((await withTerms(Opcode.Count, client, table, [])).read(decodeCountAnswer), 40);
  const plan: unknown = JSON.parse((await withTerms(Opcode.Explain, client, table, terms)).read(decodeJsonAnswer));
  assert.ok(typeof plan === 'object' && plan !== null && 'terms' in plan && Array.isArray(plan.terms) && 'driver' in plan);
  assert.deepEqual(
    plan.terms.map(({ field }: { field: string }) => field),
    ['rank', 'price'],
  );
});

test('Scan and Stream give pages of one snapshot, whatever is written meanwhile', async (context) => {
  const { client, table } = await openSeats(context, 10);
  const scan = (pageRows: number) => client.call(Opcode.Scan, (writer) => encodeScanRequest(writer, table.handle, pageRows));
  const next = (cursor: number) => client.call(Opcode.ScanNext, (writer) => encodeCursorRequest(writer, cursor));
  const close = (cursor: number) => client.call(Opcode.StreamClose, (writer) => encodeCursorRequest(writer, cursor));
  const first = (await scan(4)).read(decodePageAnswer);
  assert.deepEqual(
    first.rows.map(({ rowId }) => rowId),
    [1, 2, 3, 4],
  );
  await client.append(table, seat(11));
  await client.replace(table, { rowId: 6, ifVersion: 1 }, seat(6, { is_booked: 1 }));
  await deleteRow(client, table.handle, { rowId: 7, ifVersion: 1 });
  const second = (await next(first.cursor)).read(decodePageAnswer);
  assert.equal(second.lsn, first.lsn);
  assert.deepEqual(
    second.rows.map(({ rowId, version }) => [rowId, version]),
    [
      [5, 1],
      [6, 1],
      [7, 1],
      [8, 1],
    ],
  );
  const third = (await next(second.cursor)).read(decodePageAnswer);
  assert.deepEqual([third.cursor, third.done, third.rows.length], [0, true, 2]);
  assert.equal((await next(first.cursor)).code, 'InvalidCursor');

  const streamed = await client.call(Opcode.Stream, (writer) => {
    encodeScanRequest(writer, table.handle, 2);
    encodeTerms(writer, table.layout, [{ field: 'is_booked', eq: 0 }]);
  });
  const page = streamed.read(decodePageAnswer);
  assert.deepEqual(
    page.rows.map(({ rowId }) => rowId),
    [1, 2],
  );
  const more = (await client.call(Opcode.StreamNext, (writer) => encodeCursorRequest(writer, page.cursor))).read(decodePageAnswer);
  assert.deepEqual(
    more.rows.map(({ rowId }) => rowId),
    [3, 4],
  );
  assert.equal((await close(page.cursor)).status, 0);
  assert.equal((await close(page.cursor)).code, 'InvalidCursor');
  assert.equal((await scan(0)).code, 'InvalidArgument');
});

test('Append, Replace, Delete and History keep every version of a row, with who made it and how', async (context) => {
  const { client, table } = await openSeats(context, 1);
  const id = newOperationId();
  const lock = (await client.lock(table, 1)).read(decodeLockAnswer);
  assert.deepEqual([lock.version, lock.leaseMs], [1, 30_000]);
  const replaced = (await client.replace(table, { rowId: 1, ...lock, ifVersion: 0, unlock: true }, seat(1, { buyer: 'Ada' }), id)).read(
    decodeChangeAnswer,
  );
  assert.equal(replaced.version, 2);
  assert.equal((await client.unlock(table, 1, lock)).code, 'NotLocked');
  assert.equal((await deleteRow(client, table.handle, { rowId: 1, ifVersion: 1 })).code, 'VersionMismatch');
  assert.equal((await deleteRow(client, table.handle, { rowId: 1 })).code, 'NotLocked');
  assert.equal((await deleteRow(client, table.handle, { rowId: 1, ifVersion: 2 })).read(decodeChangeAnswer).version, 3);
  assert.equal((await client.seek(table, 1)).code, 'NotFound');
  const answer = await client.call(Opcode.History, (writer) => {
    encodeHistoryRequest(writer, { handle: table.handle, rowId: 1, limit: 0, beforeVersion: 0 });
  });
  const versions = answer.read(decodeHistoryAnswer);
  assert.deepEqual(
    versions.map(({ change, version, actor }) => ({ change, version, actor })),
    [
      { change: ChangeKind.delete, version: 3, actor: 'box office' },
      { change: ChangeKind.replace, version: 2, actor: 'box office' },
      { change: ChangeKind.append, version: 1, actor: 'box office' },
    ],
  );
  const [deleted, changed] = versions;
  assert.equal(deleted?.rowStart, deleted?.rowEnd);
  assert.equal(formatOperationId(answer.payload, changed?.operationIdOffset), formatOperationId(id));
  assert.deepEqual([changed?.tokenLow, changed?.tokenHigh], [lock.tokenLow, lock.tokenHigh]);
  const one = await client.call(Opcode.History, (writer) => {
    encodeHistoryRequest(writer, { handle: table.handle, rowId: 1, limit: 1, beforeVersion: 3 });
  });
  assert.deepEqual(
    one.read(decodeHistoryAnswer).map(({ version }) => version),
    [2],
  );
});

test('Lock gives a row to one session at a time and reads its latest state under it', async (context) => {
  const { server, client, table } = await openSeats(context, 2);
  const other = await openClient(context, server);
  const shared = await other.openTable(SEATS);
  const lock = (await client.lock(table, 1, 5000)).read(decodeLockAnswer);
  const refused = await other.lock(shared, 1);
  assert.equal(refused.code, 'AlreadyLocked');
  assert.ok(refused.retryAfterMs > 0 && refused.retryAfterMs <= 5000);
  assert.equal((await client.lock(table, 1)).code, 'AlreadyLocked');
  assert.equal((await other.replace(shared, { rowId: 1, ifVersion: 1 }, seat(1))).code, 'AlreadyLocked');
  assert.equal((await other.replace(shared, { rowId: 1, ...lock, ifVersion: 0 }, seat(1))).code, 'NotLocked');
  const [, read] = await Promise.all([
    client.replace(table, { rowId: 1, ...lock, ifVersion: 0 }, seat(1, { is_booked: 1 })),
    client.seek(table, 1),
  ]);
  assert.equal(soughtRow(read, table).row.is_booked, 1);
  assert.equal((await client.unlock(table, 1, lock)).status, 0);
  const next = (await other.lock(shared, 1)).read(decodeLockAnswer);
  assert.equal(next.version, 2);
  assert.equal((await other.unlock(shared, 1, lock)).code, 'StaleToken');
  assert.equal((await other.unlock(shared, 1, next)).status, 0);
});

test('Claim takes rows for all lines or none, and tells which line found too few', async (context) => {
  const { server, client, table } = await openSeats(context, 8);
  const book = (rank: number, count: number) => ({
    where: [
      { field: 'is_booked', eq: 0 },
      { field: 'rank', eq: rank },
    ] as const,
    set: { is_booked: 1, buyer: 'Ada' },
    count,
  });
  const answer = await client.claim(table, [book(0, 1), book(1, 2)], { returnRows: true });
  const { lines } = answer.read((reader) => decodeClaimAnswer(reader, true));
  assert.deepEqual(
    lines.map((rows) => rows.map(({ rowId, version }) => [rowId, version])),
    [
      [[1, 2]],
      [
        [2, 2],
        [6, 2],
      ],
    ],
  );
  const rows = lines.flat().map((row) => ({ ...row, lsn: 0 }));
  for (const { row } of receivedRows(answer, table, rows)) assert.deepEqual([row.is_booked, row.buyer], [1, 'Ada']);

  const none = await client.claim(table, [book(0, 1), book(1, 1)]);
  assert.equal(none.status, ERRORS.NoneAvailable.number);
  assert.equal(decodeClaimRefusal(none.reader()), 1);
  const other = await openClient(context, server);
  const shared = await other.openTable(SEATS);
  await other.lock(shared, 5, 1000);
  const locked = await client.claim(table, [book(0, 1)]);
  assert.equal(locked.status, ERRORS.AllLocked.number);
  assert.equal(decodeClaimRefusal(locked.reader()), 0);
  assert.ok(locked.retryAfterMs > 0 && locked.retryAfterMs <= 1000);
  assert.equal((await withTerms(Opcode.Count, client, table, [{ field: 'is_booked', eq: 1 }])).read(decodeCountAnswer), 3);
});

test('BatchCommit changes rows of several tables, all or nothing', async (context) => {
  const { client, table } = await openSeats(context, 2);
  const orders = await client.create(defineTable({ table: 'orders', fields: { seat: { type: 'uint32' } } }));
  const nothing = { tokenLow: 0, tokenHigh: 0, ifVersion: 0 };
  const book = (rowId: number, ifVersion: number) => ({
    change: { ...nothing, change: ChangeKind.replace, handle: table.handle, rowId, ifVersion },
    put: (writer: ByteWriter) => encodeRow(table.layout, seat(rowId, { is_booked: 1 }), writer),
  });
  const order = {
    change: { ...nothing, change: ChangeKind.append, handle: orders.handle, rowId: 0 },
    put: (writer: ByteWriter) => encodeRow(orders.layout, { seat: 1 }, writer),
  };
  const id = newOperationId();
  const done = (await batch(client, id, [book(1, 1), order])).read(decodeBatchCommitAnswer);
  assert.deepEqual(done.changes, [
    { rowId: 1, version: 2 },
    { rowId: 1, version: 1 },
  ]);
  assert.deepEqual((await batch(client, id, [book(1, 1), order])).read(decodeBatchCommitAnswer), done);
  assert.equal((await batch(client, id, [book(1, 1)])).code, 'OperationMismatch');
  assert.equal((await batch(client, newOperationId(), [order, book(2, 9)])).code, 'VersionMismatch');
  assert.equal((await batch(client, newOperationId(), [book(2, 1), book(2, 1)])).code, 'InvalidArgument');
  assert.equal((await client.seek(orders, 2)).code, 'NotFound');
  assert.equal(soughtRow(await client.seek(table, 2), table).version, 1);
});

test('OperationStatus tells what became of a request, Checkpoint that everything is synced, SystemGetStats how things are', async (context) => {
  const { client, table } = await openSeats(context, 1);
  const status = (id: Uint8Array) => client.call(Opcode.OperationStatus, (writer) => encodeOperationStatusRequest(writer, id));
  const id = newOperationId();
  assert.deepEqual((await status(id)).read(decodeOperationStatusAnswer), { state: 'unknown' });
  const appended = (await client.append(table, seat(2), id)).read(decodeChangeAnswer);
  const known = (await status(id)).read(decodeOperationStatusAnswer);
  assert.ok(known.state === 'done');
  assert.deepEqual(
    { ...known, timeMs: 0 },
    { state: 'done', opcode: Opcode.Append, lsn: appended.lsn, timeMs: 0, changes: [{ table: 'seats', rowId: 2, version: 1 }] },
  );
  const lsn = (await client.call(Opcode.Checkpoint)).read(decodeCheckpointAnswer);
  assert.ok(lsn > appended.lsn);
  const stats: unknown = JSON.parse((await client.call(Opcode.SystemGetStats)).read(decodeJsonAnswer));
  assert.ok(typeof stats === 'object' && stats !== null && 'server' in stats && 'tables' in stats);
  const page = 4096;
  const indexes = [
    { field: 'rank', kind: 'non_unique', sizeBytes: 8 * page },
    { field: 'seat_no', kind: 'unique', sizeBytes: 2 * page },
    { field: 'is_booked', kind: 'non_unique', sizeBytes: 5 * page },
    { field: 'price', kind: 'ordered', sizeBytes: 2 * page },
  ];
  assert.deepEqual(stats.tables, [{ name: 'seats', liveRows: 2, rowIdMax: 2, locationsBytes: 3 * page, rememberedBytes: 0, indexes }]);
});

test('Disconnect is answered after everything that was asked before, and ends the connection', async (context) => {
  const { client, table } = await openSeats(context, 1);
  const before = client.answers.length;
  void client.append(table, seat(2));
  void client.seek(table, 1);
  const answer = await client.call(Opcode.Disconnect);
  assert.equal(answer.status, 0);
  await client.ended;
  assert.deepEqual(
    client.answers.slice(before).map(({ opcode }) => opcode),
    [Opcode.Seek, Opcode.Append, Opcode.Disconnect],
  );
});
