/** Everything that a client can get wrong has its own code, and takes nothing from anyone else. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { NodeIo } from '@k-lani/engine';
import {
  beginFrame,
  ByteWriter,
  decodeClaimAnswer,
  decodeLockAnswer,
  decodePageAnswer,
  defineTable,
  encodeAppendRequest,
  encodeCreateTableRequest,
  encodeCursorRequest,
  encodeFetchRequest,
  encodeHandshakeRequest,
  encodeOpenTableRequest,
  encodeQueryIntersectRequest,
  encodeRow,
  encodeScanRequest,
  encodeSeekRequest,
  encodeTerms,
  endFrame,
  type ErrorCode,
  fieldPositionOf,
  FrameOffset,
  HANDSHAKE_MAGIC,
  KLaniError,
  Opcode,
  rowLayoutOf,
} from '@k-lani/protocol';
import type { Server } from './server.ts';
import { type Answer, newOperationId, openClient, openServer, seat, SEATS, WireClient } from './wire-client.test.ts';

const KINDS = defineTable({
  table: 'kinds',
  fields: {
    flag: { type: 'bool' },
    day: { type: 'date' },
    weight: { type: 'float64' },
    name: { type: 'fixed_string', length: 4 },
    note: { type: 'blob', required: false },
  },
});
const KINDS_LAYOUT = rowLayoutOf(KINDS);
const GOOD_KINDS = { flag: true, day: '2026-12-31', weight: 1.5, name: 'abcd', note: new Uint8Array([1, 2, 3]) };

/** A frame with these bytes as its payload. */
function frame(opcode: number, payload: Uint8Array, requestId = 77): Uint8Array {
  const writer = new ByteWriter();
  const start = beginFrame(writer, opcode, 0, 0, requestId, 0);
  writer.append(payload);
  endFrame(writer, start);
  return writer.bytes.slice(0, writer.length);
}

function withHeader(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  change(new DataView(bytes.buffer));
  return bytes;
}

function handshakePayload(
  change: Partial<{ versionMin: number; versionMax: number; clientName: string; credentials: Uint8Array }>,
): Uint8Array {
  const writer = new ByteWriter();
  encodeHandshakeRequest(writer, {
    versionMin: 1,
    versionMax: 1,
    features: 0,
    clientName: 'test',
    credentials: new Uint8Array(0),
    ...change,
  });
  return writer.bytes.slice(0, writer.length);
}

/** Whether another session works as if nothing had been: it writes and reads, and nothing is locked. */
async function assertUnharmed(context: TestContext, server: Server): Promise<void> {
  const client = await openClient(context, server);
  const table = await client.create(defineTable({ table: 'witness', fields: { number: { type: 'uint32' } } }));
  assert.equal((await client.append(table, { number: 1 })).status, 0);
  assert.equal((await client.seek(table, 1)).status, 0);
  assert.equal(server.stats.locks, 0);
}

/** What a raw client sees after sending bytes: the last answer, after the connection has ended. */
async function answerBeforeEnd(client: WireClient, bytes: Uint8Array): Promise<Answer> {
  client.send(bytes);
  await client.ended;
  return client.answers.at(-1) ?? assert.fail('There was no answer');
}

const EMPTY = new Uint8Array(0);

/** Frames after a handshake that break the protocol. */
const BREACHES: readonly { name: string; bytes: () => Uint8Array; code: ErrorCode; message: RegExp }[] = [
  {
    name: 'A frame shorter than its header',
    bytes: () => withHeader(frame(Opcode.ListTables, EMPTY), (view) => view.setUint32(FrameOffset.length, 15, true)),
    code: 'Protocol',
    message: /15 bytes, must be >= 16/,
  },
  {
    name: 'A frame longer than the limit',
    bytes: () => withHeader(frame(Opcode.ListTables, EMPTY), (view) => view.setUint32(FrameOffset.length, 8193, true)),
    code: 'FrameTooLarge',
    message: /8193 bytes, must be <= 8192/,
  },
  {
    name: 'A frame with flags that mean nothing',
    bytes: () => withHeader(frame(Opcode.ListTables, EMPTY), (view) => view.setUint8(FrameOffset.flags, 6)),
    code: 'Protocol',
    message: /flags are 6, must be 0/,
  },
  {
    name: 'A payload cut short',
    bytes: () => frame(Opcode.Seek, new Uint8Array(3)),
    code: 'Protocol',
    message: /needs 8 bytes, 3 are left/,
  },
  {
    name: 'A payload with bytes behind it',
    bytes: () => frame(Opcode.Seek, new Uint8Array(9)),
    code: 'Protocol',
    message: /1 bytes are left/,
  },
  {
    name: 'A second handshake',
    bytes: () => frame(Opcode.Handshake, handshakePayload({})),
    code: 'Protocol',
    message: /Cannot carry out Handshake/,
  },
];

for (const { name, bytes, code, message } of BREACHES) {
  test(`${name} is answered ${code} and ends that connection only`, async (context) => {
    const server = await openServer(context, { maxFrameBytes: 8192, maxResponseBytes: 4096 });
    const bystander = await openClient(context, server);
    const client = await openClient(context, server);
    const answer = await answerBeforeEnd(client, bytes());
    assert.equal(answer.code, code);
    assert.match(answer.error.message, message);
    assert.equal((await bystander.call(Opcode.ListTables)).status, 0);
    assert.equal(server.stats.server.breaches, 1);
    await assertUnharmed(context, server);
  });
}

/** First frames that are refused. */
const BAD_GREETINGS: readonly { name: string; bytes: () => Uint8Array; code: ErrorCode; message: RegExp }[] = [
  {
    name: 'A first frame that is no handshake',
    bytes: () => frame(Opcode.ListTables, EMPTY),
    code: 'Protocol',
    message: /the first frame must be Handshake/,
  },
  {
    name: 'A first frame of an unknown opcode',
    bytes: () => frame(0xee, EMPTY),
    code: 'Protocol',
    message: /opcode 238: the first frame must be Handshake/,
  },
  {
    name: 'A handshake of another protocol',
    bytes: () =>
      frame(
        Opcode.Handshake,
        withHeader(handshakePayload({}), (view) => view.setUint32(0, HANDSHAKE_MAGIC + 1, true)),
      ),
    code: 'Protocol',
    message: /magic is 0x/,
  },
  {
    name: 'A handshake of a version to come',
    bytes: () => frame(Opcode.Handshake, handshakePayload({ versionMin: 7, versionMax: 9 })),
    code: 'VersionUnsupported',
    message: /versions 7 to 9, the server 1 to 1/,
  },
  {
    name: 'A handshake with credentials',
    bytes: () => frame(Opcode.Handshake, handshakePayload({ credentials: new Uint8Array(5) })),
    code: 'AuthFailed',
    message: /credentials have 5 bytes, must have 0/,
  },
];

for (const { name, bytes, code, message } of BAD_GREETINGS) {
  test(`${name} is answered ${code} and ends that connection only`, async (context) => {
    const server = await openServer(context);
    const answer = await answerBeforeEnd(await WireClient.connect(server), bytes());
    assert.deepEqual([answer.code, answer.requestId], [code, 77]);
    assert.match(answer.error.message, message);
    await assertUnharmed(context, server);
  });
}

test('An unknown opcode is answered UnknownOpcode, and the session goes on', async (context) => {
  const client = await openClient(context, await openServer(context));
  const answer = await client.call(0xee);
  assert.equal(answer.code, 'UnknownOpcode');
  assert.match(answer.error.message, /opcode is 238/);
  assert.equal((await client.call(Opcode.ListTables)).status, 0);
});

/** Rows of `KINDS` with something wrong in their bytes. `at` names a field whose slot is changed. */
const BAD_ROWS: readonly {
  name: string;
  code: ErrorCode;
  message: RegExp;
  spoil: (row: DataView, at: (field: string) => number) => Uint8Array | void;
}[] = [
  {
    name: 'A row with a field too few',
    code: 'FieldCountMismatch',
    message: /size is 20 bytes, must be/,
    spoil: (row) => new Uint8Array(row.buffer, 0, 20),
  },
  { name: 'A number out of range', code: 'FieldOutOfRange', message: /"flag"/, spoil: (row, at) => row.setUint8(at('flag'), 2) },
  { name: 'A day out of range', code: 'FieldOutOfRange', message: /"day"/, spoil: (row, at) => row.setInt32(at('day'), 0x7fff_ffff, true) },
  { name: 'Not a number', code: 'NotANumber', message: /"weight"/, spoil: (row, at) => row.setFloat64(at('weight'), NaN, true) },
  { name: 'An infinite number', code: 'NotANumber', message: /"weight"/, spoil: (row, at) => row.setFloat64(at('weight'), Infinity, true) },
  { name: 'Invalid UTF-8', code: 'InvalidUtf8', message: /UTF-8/, spoil: (row, at) => row.setUint8(at('name'), 0xff) },
  {
    name: 'A blob beyond its limit',
    code: 'FieldOverflow',
    message: /"note".*must be <= /,
    spoil: (row, at) => row.setUint32(at('note') + 4, 0x7fff_ffff, true),
  },
  { name: 'A blob beyond the row', code: 'FieldOutOfRange', message: /"note"/, spoil: (row, at) => row.setUint32(at('note') + 4, 4, true) },
];

for (const { name, code, message, spoil } of BAD_ROWS) {
  test(`${name} is answered ${code}, and nothing is written`, async (context) => {
    const server = await openServer(context);
    const client = await openClient(context, server);
    const table = await client.create(KINDS);
    const writer = new ByteWriter();
    encodeRow(KINDS_LAYOUT, GOOD_KINDS, writer);
    const good = writer.bytes.slice(0, writer.length);
    const at = (field: string): number => KINDS_LAYOUT.fields[fieldPositionOf(KINDS_LAYOUT, field)]?.offset ?? assert.fail(field);
    const bad = spoil(new DataView(good.buffer), at) ?? good;
    const answer = await client.call(Opcode.Append, (request) => {
      encodeAppendRequest(request, table.handle, newOperationId());
      request.append(bad);
    });
    assert.equal(answer.code, code);
    assert.match(answer.error.message, message);
    assert.equal((await client.seek(table, 1)).code, 'NotFound');
    await assertUnharmed(context, server);
  });
}

test('What a session does not have is refused: tables, handles, cursors, locks, fields, ids', async (context) => {
  const server = await openServer(context);
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, seat(1));
  await client.append(table, seat(2));
  const other = await openClient(context, server);
  const shared = await other.openTable(SEATS);
  const codes: (string | undefined)[] = [];
  const note = async (answer: Promise<Answer>): Promise<void> => void codes.push((await answer).code);

  await note(other.call(Opcode.OpenTable, (writer) => encodeOpenTableRequest(writer, 'nowhere')));
  await note(other.call(Opcode.Seek, (writer) => encodeSeekRequest(writer, table.handle, 1)));
  const scan = await client.call(Opcode.Scan, (writer) => encodeScanRequest(writer, table.handle, 1));
  await note(other.call(Opcode.ScanNext, (writer) => encodeCursorRequest(writer, scan.read(decodePageAnswer).cursor)));
  await note(other.replace(shared, { rowId: 1 }, seat(1)));
  const lock = (await client.lock(table, 1)).read(decodeLockAnswer);
  await note(client.replace(table, { rowId: 1, tokenLow: lock.tokenLow - 1, tokenHigh: lock.tokenHigh }, seat(1)));
  await note(other.replace(shared, { rowId: 1, tokenLow: lock.tokenLow, tokenHigh: lock.tokenHigh }, seat(1)));
  await client.unlock(table, 1, lock);
  await note(other.append(shared, seat(1)));
  await note(other.replace(shared, { rowId: 2, ifVersion: 1 }, seat(1)));
  await note(other.lock(shared, 99));
  await note(other.lock(shared, 1, 0xffff_ffff));
  const ask = (terms: (writer: ByteWriter) => void, limit = 1): Promise<Answer> =>
    other.call(Opcode.QueryIntersect, (writer) => {
      encodeQueryIntersectRequest(writer, shared.handle, limit, 0);
      terms(writer);
    });
  await note(ask((writer) => encodeTerms(writer, shared.layout, [{ field: 'buyer', eq: 'Ada' } as never])));
  await note(ask((writer) => encodeTerms(writer, shared.layout, [{ field: 'rank', gt: 3 } as never])));
  await note(ask((writer) => writer.append(new Uint8Array([1, 99, 0, 0, 0]))));
  await note(ask((writer) => writer.u8(0), 0xffff_ffff));
  await note(other.call(Opcode.CreateTable, (writer) => encodeCreateTableRequest(writer, newOperationId(), '{"table": 1}')));
  await note(other.call(Opcode.CreateTable, (writer) => encodeCreateTableRequest(writer, newOperationId(), '{')));
  assert.deepEqual(codes, [
    'UnknownTable',
    'InvalidHandle',
    'InvalidCursor',
    'NotLocked',
    'StaleToken',
    'NotLocked',
    'DuplicateKey',
    'DuplicateKey',
    'NotFound',
    'InvalidArgument',
    'FieldNotIndexed',
    'FieldNotIndexed',
    'UnknownField',
    'InvalidArgument',
    'SchemaValidation',
    'SchemaValidation',
  ]);
  await assertUnharmed(context, server);
});

test('The limits of a session are answers: handles, cursors, sizes of answers', async (context) => {
  const server = await openServer(context, {
    maxHandles: 2,
    maxCursors: 1,
    maxResponseBytes: 4096,
    maxResponseRows: 100,
    streamIdleMs: 300_000,
  });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.openTable(SEATS);
  await assert.rejects(client.openTable(SEATS), { code: 'LimitReached', message: /maxHandles is 2/ });
  for (let number = 1; number <= 10; number += 1) await client.append(table, { ...seat(number), note: new Uint8Array(1000) });
  const scan = () => client.call(Opcode.Scan, (writer) => encodeScanRequest(writer, table.handle, 10));
  const page = (await scan()).read(decodePageAnswer);
  assert.equal(page.rows.length, 3);
  assert.equal((await scan()).code, 'LimitReached');
  const fetched = await client.call(Opcode.Fetch, (writer) => encodeFetchRequest(writer, table.handle, [1, 2, 3, 4, 5]));
  assert.equal(fetched.code, 'ResponseTooLarge');
  assert.equal((await client.call(Opcode.Fetch, (writer) => encodeFetchRequest(writer, table.handle, [1, 2, 3]))).status, 0);
  const claimed = await client.claim(table, [{ where: [], set: { is_booked: 1 }, count: 100 }], { returnRows: true });
  assert.equal(claimed.code, 'ResponseTooLarge');
  assert.equal((await client.claim(table, [{ where: [], set: { is_booked: 1 }, count: 10 }])).status, 0);
});

test('A claim that was carried out is answered whatever its rows hold: those without room come without their bytes', async (context) => {
  const server = await openServer(context, { maxResponseBytes: 4096 });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  for (let number = 1; number <= 10; number += 1) await client.append(table, { ...seat(number), note: new Uint8Array(1000) });
  const claimAll = async () => {
    const options = { returnRows: true, operationId: new Uint8Array(16).fill(7) };
    const answer = await client.claim(table, [{ where: [], set: { is_booked: 1 }, count: 10 }], options);
    assert.equal(answer.code, undefined);
    const [line = []] = answer.read((reader) => decodeClaimAnswer(reader, true)).lines;
    return line.map(({ rowId, version, rowStart, rowEnd }) => ({ rowId, version, hasRow: rowEnd > rowStart }));
  };
  const claimed = await claimAll();
  assert.deepEqual(
    claimed,
    Array.from({ length: 10 }, (_, index) => ({ rowId: index + 1, version: 2, hasRow: index < 3 })),
  );
  assert.deepEqual(await claimAll(), claimed, 'asked again');
});

test('A full disk is answered DiskFull, and writes go on when there is room', async (context) => {
  let isFull = false;
  const real = new NodeIo();
  const io = {
    openDirectory: (...options: Parameters<NodeIo['openDirectory']>) => {
      const directory = real.openDirectory(...options);
      const createFile = directory.createFile.bind(directory);
      directory.createFile = (name) => {
        if (isFull) throw new KLaniError('DiskFull', 'Cannot make file: ENOSPC');
        return createFile(name);
      };
      return directory;
    },
  };
  const server = await openServer(context, { segmentSizeBytes: 64 * 1024 }, { io });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  isFull = true;
  let number = 0;
  let answer: Answer;
  do {
    number += 1;
    answer = await client.append(table, { ...seat(number), note: new Uint8Array(4000) });
  } while (answer.status === 0 && number < 1000);
  assert.equal(answer.code, 'DiskFull');
  assert.equal((await client.seek(table, number - 1)).status, 0);
  isFull = false;
  do answer = await client.append(table, seat(number));
  while (answer.code === 'DiskFull');
  assert.equal(answer.status, 0);
  assert.equal((await client.seek(table, number)).status, 0);
});
