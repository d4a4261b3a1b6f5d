import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { AssertionError, type Clock, type Scheduler } from '@k-lani/base';
import { Database, DATABASE_DEFAULTS, NodeClock, NodeIo, NodeRandom } from '@k-lani/engine';
import {
  beginFrame,
  ByteWriter,
  decodeLockAnswer,
  decodePageAnswer,
  encodeClaimLine,
  encodeClaimRequest,
  encodeCreateTableRequest,
  encodeCursorRequest,
  encodeHandshakeRequest,
  encodeOpenTableRequest,
  encodeRow,
  encodeAppendRequest,
  encodeScanRequest,
  encodeSchema,
  encodeSeekRequest,
  endFrame,
  ERRORS,
  FrameParser,
  Opcode,
  rowLayoutOf,
} from '@k-lani/protocol';
import { checkConfig } from './config.ts';
import type { ServerConfig } from './config-keys.ts';
import { HeldDisk } from './held-disk.test.ts';
import { Service, type ServerLog } from './service.ts';
import { Session } from './session.ts';
import type { Ticker } from './ticker.ts';
import type { Wire } from './wire.ts';
import { Answer, newOperationId, openClient, openServer, seat, SEATS, temporaryDirectory, WireClient } from './wire-client.test.ts';

/** A clock and a ticker that go when the test says so. */
class ManualTime implements Clock, Scheduler, Ticker {
  nowMs = 1000;
  #tick: () => void = () => undefined;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  after(_delayMs: number, callback: () => void): void {
    setImmediate(callback);
  }

  start(_periodMs: number, tick: () => void): () => void {
    this.#tick = tick;
    return () => undefined;
  }

  /** Lets time pass; sessions are looked at before and after. */
  pass(milliseconds: number): void {
    this.#tick();
    this.nowMs += milliseconds;
    this.#tick();
  }
}

/** A wire that shows what is written to it, and takes nothing while it is full. */
class FakeWire implements Wire {
  readonly peer = 'fake';
  readonly writes: Uint8Array[] = [];
  unsentBytes = 0;
  isFull = false;
  isPaused = false;
  hasEnded = false;
  isDestroyed = false;

  write(bytes: Uint8Array, sizeBytes: number): boolean {
    this.writes.push(bytes.slice(0, sizeBytes));
    if (this.isFull) this.unsentBytes += sizeBytes;
    return !this.isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.hasEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Every answer that was written. */
  answers(): Answer[] {
    const parser = new FrameParser({ direction: 'answers' });
    const answers: Answer[] = [];
    for (const bytes of this.writes) {
      parser.push(bytes);
      while (parser.next()) answers.push(new Answer(parser));
    }
    return answers;
  }
}

/** A log that keeps what is written as an error. */
class ErrorLog implements ServerLog {
  readonly errors: string[] = [];
  error(_details: object, message: string): void {
    this.errors.push(message);
  }
  warn(): void {}
  info(): void {}
  debug(): void {}
}

const LAYOUT = rowLayoutOf(SEATS);

/** A session on a fake wire, greeted, with a table whose handle is 1 and that has `seatCount` seats. */
async function openSession(context: TestContext, seatCount: number, config: Partial<ServerConfig> = {}) {
  const disk = new HeldDisk();
  const clock = new NodeClock();
  const log = new ErrorLog();
  const database = await Database.open(temporaryDirectory(context), {
    ...DATABASE_DEFAULTS,
    io: disk.io,
    clock,
    scheduler: clock,
    random: new NodeRandom(),
    segmentSizeBytes: 1024 * 1024,
  });
  context.after(() => database.close());
  const service = new Service({ database, config: checkConfig(config), clock, log, version: '0' });
  const wire = new FakeWire();
  const session = new Session(service, wire, { number: 1, refusal: undefined, onGone: () => undefined });
  session.received(
    frames(
      [
        Opcode.Handshake,
        (writer) =>
          encodeHandshakeRequest(writer, { versionMin: 1, versionMax: 1, features: 0, clientName: '', credentials: new Uint8Array(0) }),
      ],
      [Opcode.CreateTable, (writer) => encodeCreateTableRequest(writer, newOperationId(), encodeSchema(SEATS))],
    ),
  );
  await durable(database);
  session.received(frames(...Array.from({ length: seatCount }, (_, index) => append(index + 1))));
  await durable(database);
  wire.writes.length = 0;
  return { disk, database, service, wire, session, log };
}

type Frame = readonly [opcode: number, encode?: (writer: ByteWriter) => void];

/** Frames in one chunk, numbered from 1. */
function frames(...requests: readonly Frame[]): Uint8Array {
  const writer = new ByteWriter();
  for (const [index, [opcode, encode]] of requests.entries()) {
    const start = beginFrame(writer, opcode, 0, 0, index + 1, 0);
    encode?.(writer);
    endFrame(writer, start);
  }
  return writer.bytes.slice(0, writer.length);
}

function append(seatNumber: number): Frame {
  const put = (writer: ByteWriter): void => {
    encodeAppendRequest(writer, 1, newOperationId());
    encodeRow(LAYOUT, { ...seat(seatNumber), note: new Uint8Array(1000) }, writer);
  };
  return [Opcode.Append, put];
}

function claimWithRows(count: number): Frame {
  const put = (writer: ByteWriter): void => {
    encodeClaimRequest(writer, newOperationId(), true, 1);
    encodeClaimLine(writer, LAYOUT, { handle: 1, where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1 }, count });
  };
  return [Opcode.Claim, put];
}

const seek = (rowId: number): Frame => [Opcode.Seek, (writer) => encodeSeekRequest(writer, 1, rowId)];

/** Lets the event loop go round once. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function durable(database: Database): Promise<void> {
  return new Promise((resolve) => database.whenDurable(database.lastAppended, () => resolve()));
}

test('The answers of one chunk leave in one write, and so do those that one sync sets free', async (context) => {
  const { session, wire, database } = await openSession(context, 3);
  session.received(frames(seek(1), append(10), seek(2), append(11), seek(3)));
  assert.equal(wire.writes.length, 1);
  assert.deepEqual(
    wire.answers().map(({ requestId }) => requestId),
    [1, 3, 5],
  );
  await durable(database);
  assert.equal(wire.writes.length, 2);
  assert.deepEqual(
    wire.answers().map(({ requestId }) => requestId),
    [1, 3, 5, 2, 4],
  );
});

test('A session whose client does not read is paused in the middle of a chunk, and goes on when it reads', async (context) => {
  const { session, wire, service } = await openSession(context, 2);
  wire.isFull = true;
  // The chunk's memory is used again by whoever read it.
  const chunk = frames(...Array.from({ length: 1000 }, () => seek(1)), seek(2));
  session.received(chunk);
  chunk.fill(0xff);
  assert.equal(wire.isPaused, true);
  assert.equal(service.counters.pauses, 1);
  const before = wire.answers().length;
  assert.ok(before > 0 && before < 1001);
  wire.isFull = false;
  wire.unsentBytes = 0;
  session.drained();
  assert.equal(wire.isPaused, false);
  const answers = wire.answers();
  assert.deepEqual(
    answers.map(({ requestId }) => requestId),
    Array.from({ length: 1001 }, (_, index) => index + 1),
  );
  assert.equal(
    answers.every(({ status }) => status === 0),
    true,
  );
});

test('A session whose client does not read is dropped when answers of what it began go beyond maxOutputBytes', async (context) => {
  const { session, wire, disk, database, service } = await openSession(context, 100, { maxResponseBytes: 50_000, maxOutputBytes: 100_000 });
  disk.hold();
  session.received(frames(claimWithRows(40), claimWithRows(40)));
  await disk.waiting();
  assert.equal(session.heldCount, 2);
  wire.isFull = true;
  session.received(frames(...Array.from({ length: 40 }, () => seek(1))));
  assert.equal(wire.isPaused, true);
  assert.equal(wire.isDestroyed, false);
  disk.release();
  await durable(database);
  assert.equal(wire.isDestroyed, true);
  assert.equal(service.counters.dropped, 1);
});

test('Requests in flight beyond maxInFlight are Overloaded; reads are not in flight', async (context) => {
  const { session, wire, disk } = await openSession(context, 3, { maxInFlight: 3 });
  disk.hold();
  session.received(frames(append(201), append(202), append(203), append(204), seek(1)));
  const answered = wire.answers().map(({ requestId, status, retryAfterMs }) => ({ requestId, status, retryAfterMs }));
  assert.deepEqual(answered, [
    { requestId: 4, status: ERRORS.Overloaded.number, retryAfterMs: 20 },
    { requestId: 5, status: 0, retryAfterMs: 0 },
  ]);
  await disk.waiting();
  disk.release();
});

test('Answers held beyond half of maxOutputBytes make the next write Overloaded, before it is begun', async (context) => {
  const { session, wire, disk } = await openSession(context, 100, { maxResponseBytes: 50_000, maxOutputBytes: 100_000 });
  disk.hold();
  session.received(frames(claimWithRows(30), claimWithRows(30), claimWithRows(10)));
  const [answer] = wire.answers();
  assert.deepEqual([answer?.requestId, answer?.code], [3, 'Overloaded']);
  await disk.waiting();
  disk.release();
});

test('A bug in a read ends its session and is logged; a bug in a write is thrown on, so that the process ends', async (context) => {
  const { session, wire, database, log } = await openSession(context, 1);
  Object.defineProperty(database.reader, 'seek', {
    value: () => {
      throw new AssertionError('planted');
    },
  });
  session.received(frames(seek(1)));
  assert.equal(wire.isDestroyed, true);
  assert.deepEqual(log.errors, ['bug: the session ends']);
  assert.deepEqual(wire.answers(), []);
  session.closed();

  const other = await openSession(context, 1);
  Object.defineProperty(other.database.writer, 'write', {
    value: () => {
      throw new AssertionError('planted');
    },
  });
  assert.throws(() => other.session.received(frames(append(2))), { message: 'planted' });
  assert.deepEqual(other.log.errors, ['bug in a write: the process ends']);
});

test('The locks of a session are free as soon as its connection is gone', async (context) => {
  const server = await openServer(context);
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  const shared = await other.openTable(SEATS);
  await client.append(table, seat(1));
  assert.equal((await client.lock(table, 1)).status, 0);
  assert.equal((await other.lock(shared, 1)).code, 'AlreadyLocked');
  client.close();
  // The server notices within a few of its turns.
  let answer: Answer;
  do answer = await other.lock(shared, 1);
  while (answer.code === 'AlreadyLocked');
  assert.equal(answer.read(decodeLockAnswer).version, 1);
  assert.equal(server.stats.locks, 1);
});

test('Connections beyond maxConnections are told so and closed; there is room again when one ends', async (context) => {
  const server = await openServer(context, { maxConnections: 2 });
  const first = await openClient(context, server);
  await openClient(context, server);
  const third = await WireClient.connect(server);
  const refused = await third.greet('third');
  assert.equal(refused.code, 'LimitReached');
  assert.equal(refused.retryAfterMs, 1000);
  await third.ended;
  assert.equal(server.stats.server.connectionsRefused, 1);
  await first.call(Opcode.Disconnect);
  await first.ended;
  let status: number;
  do {
    const next = await WireClient.connect(server);
    context.after(() => next.close());
    ({ status } = await next.greet('next'));
  } while (status !== 0);
  assert.equal(server.stats.server.connections, 3);
});

test('Idle sessions end after sessionIdleMs, silent connections after ten seconds, and none with something in flight', async (context) => {
  const time = new ManualTime();
  const disk = new HeldDisk();
  const server = await openServer(context, { sessionIdleMs: 60_000 }, { clock: time, ticker: time, io: disk.io });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  const busy = await openClient(context, server);
  const shared = await busy.openTable(SEATS);
  const silent = await WireClient.connect(server);
  await client.call(Opcode.ListTables);
  time.pass(10_001);
  await silent.ended;
  while (server.stats.server.sessions > 2) await turn();
  disk.hold();
  const write = busy.append(shared, seat(1));
  await disk.waiting();
  time.pass(60_001);
  await client.ended;
  assert.equal(server.stats.server.idled, 2);
  disk.release();
  assert.equal((await write).status, 0);
  assert.equal(table.handle === shared.handle, false);
});

test('A client that reads nothing is paused, holds up nobody, and gets every answer when it reads again', async (context) => {
  const server = await openServer(context);
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, { ...seat(1), note: new Uint8Array(60_000).fill(7) });
  client.socket.pause();
  const answers = Array.from({ length: 1000 }, () => client.seek(table, 1));
  while (server.stats.server.pauses === 0) assert.equal((await other.call(Opcode.ListTables)).status, 0);
  client.socket.resume();
  for (const answer of await Promise.all(answers)) assert.equal(answer.payload.length > 60_000, true);
});

test('A client that reads nothing for sessionIdleMs is dropped', async (context) => {
  const time = new ManualTime();
  const server = await openServer(context, { sessionIdleMs: 60_000 }, { clock: time, ticker: time, io: new NodeIo() });
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, { ...seat(1), note: new Uint8Array(60_000) });
  client.socket.pause();
  for (let count = 0; count < 1000; count += 1) void client.seek(table, 1);
  while (server.stats.server.pauses === 0) await other.call(Opcode.ListTables);
  time.pass(60_001);
  assert.equal(server.stats.server.dropped, 1);
  while (server.stats.server.sessions > 0) await turn();
});

test('What one session opened is gone with it, and a table is opened by name', async (context) => {
  const { session, wire } = await openSession(context, 1);
  session.received(frames([Opcode.OpenTable, (writer) => encodeOpenTableRequest(writer, 'seats')]));
  assert.equal(wire.answers().at(-1)?.status, 0);
  session.finished();
  assert.equal(wire.hasEnded, true);
  const count = wire.writes.length;
  session.received(frames(seek(1)));
  assert.equal(wire.writes.length, count);
});

test('A client that has said all it has to say still gets its answers, and its locks are free at once', async (context) => {
  const disk = new HeldDisk();
  const server = await openServer(context, {}, { io: disk.io });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, seat(1));
  await client.lock(table, 1);
  disk.hold();
  const answer = client.append(table, seat(2));
  await disk.waiting();
  client.socket.end();
  while (server.stats.locks > 0) await turn();
  disk.release();
  assert.equal((await answer).status, 0);
  await client.ended;
});

test('A cursor that is left longer than streamIdleMs is SnapshotExpired, and makes room for another', async (context) => {
  const time = new ManualTime();
  const server = await openServer(context, { streamIdleMs: 1000, maxCursors: 1 }, { clock: time, ticker: time });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, seat(1));
  await client.append(table, seat(2));
  const scan = () => client.call(Opcode.Scan, (writer) => encodeScanRequest(writer, table.handle, 1));
  const next = (cursor: number) => client.call(Opcode.ScanNext, (writer) => encodeCursorRequest(writer, cursor));
  const first = (await scan()).read(decodePageAnswer);
  assert.equal((await scan()).code, 'LimitReached');
  time.nowMs += 1001;
  assert.equal((await next(first.cursor)).code, 'SnapshotExpired');
  assert.equal((await next(first.cursor)).code, 'InvalidCursor');
  await scan();
  time.nowMs += 1001;
  const last = (await scan()).read(decodePageAnswer);
  assert.equal((await next(last.cursor)).read(decodePageAnswer).done, true);
});

test('A lock ends with its lease, and what its holder writes then is refused', async (context) => {
  const time = new ManualTime();
  const server = await openServer(context, {}, { clock: time, ticker: time });
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  const shared = await other.openTable(SEATS);
  await client.append(table, seat(1));
  const lock = (await client.lock(table, 1, 1000)).read(decodeLockAnswer);
  assert.equal((await other.lock(shared, 1)).retryAfterMs, 1000);
  time.nowMs += 1000;
  const next = (await other.lock(shared, 1)).read(decodeLockAnswer);
  assert.equal((await client.replace(table, { rowId: 1, ...lock, ifVersion: 0 }, seat(1))).code, 'NotLocked');
  assert.equal((await other.unlock(shared, 1, next)).status, 0);
  await client.lock(table, 1);
  assert.equal((await client.replace(table, { rowId: 1, ...lock, ifVersion: 0 }, seat(1))).code, 'StaleToken');
});
