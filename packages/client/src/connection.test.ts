import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError, Opcode, encodeCountAnswer, formatOperationId } from '@k-lani/protocol';
import { FAKE_HANDSHAKE, type FakeRequest, type FakeServer } from './fake-server.fixture.ts';
import { type FakeSetup, TIMEOUT_MS, setUpFake } from './fake-setup.fixture.ts';

const GRAIN_MS = 5;

/** Lets everything happen that is ready. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function expireCalls({ time }: FakeSetup): void {
  time.advance(TIMEOUT_MS + GRAIN_MS);
}

/** Lets the call that is in flight reach its deadline, while the server is heard of in between. */
async function expireOne({ time, seats }: FakeSetup): Promise<void> {
  time.advance(TIMEOUT_MS / 2);
  await seats.count();
  time.advance(TIMEOUT_MS / 2 + GRAIN_MS);
}

/** Keeps requests of one command for later, and counts no rows. */
function keep(server: FakeServer, opcode: number): FakeRequest[] {
  const kept: FakeRequest[] = [];
  server.handler = (request) => {
    if (request.opcode === opcode) kept.push(request);
    else if (request.opcode === Opcode.Count) request.session.answer(request, (writer) => encodeCountAnswer(writer, 0));
    else return false;
    return true;
  };
  return kept;
}

test('Calls of one tick leave in one write, and answers find their calls in whatever order they come', async () => {
  const { server, seats, client } = await setUpFake();
  await Promise.all([seats.append({ rank: 1, buyer: 'ada' }), seats.append({ rank: 2 })]);
  const writesBefore = server.writes;
  server.session.hold();
  const reads = [seats.seek(1), seats.seek(2), seats.seek(3)];
  await turn();
  assert.equal(server.writes, writesBefore + 1);
  server.session.release((count) => [...Array(count).keys()].toReversed());
  assert.deepEqual(await Promise.all(reads), [
    { rowId: 1, version: 1, lsn: 1, row: { rank: 1, price: 0, buyer: 'ada' } },
    { rowId: 2, version: 1, lsn: 2, row: { rank: 2, price: 0, buyer: null } },
    undefined,
  ]);
  await client.close();
});

test('Memory that the link or a call still has is not written again, and other memory is', async () => {
  const { server, seats } = await setUpFake();
  await seats.seek(1);
  const { written } = server;
  await seats.seek(2);
  assert.equal(server.written.byteOffset, written.byteOffset);
  server.unwrittenBytes = server.written.length;
  const held = [server.written, server.written.slice()] as const;
  await seats.seek(3);
  assert.deepEqual(...held);
  server.unwrittenBytes = 0;
  const counts = keep(server, Opcode.Count);
  const counting = seats.count();
  await turn();
  const sent = [server.written, server.written.slice()] as const;
  await seats.seek(4);
  assert.deepEqual(...sent);
  for (const request of counts) request.session.answer(request, (writer) => encodeCountAnswer(writer, 7));
  assert.equal(await counting, 7);
});

test('Calls that a chunk of answers wakes share one write', async () => {
  const { server, seats } = await setUpFake();
  server.session.hold();
  const callers = [1, 2, 3, 4].map(async (rowId) => {
    await seats.seek(rowId);
    await seats.seek(rowId);
  });
  await turn();
  const writesBefore = server.writes;
  server.session.release();
  await Promise.all(callers);
  assert.equal(server.writes, writesBefore + 1);
});

for (const pieceBytes of [1, 2, 3, 7, 16, 17, 60]) {
  test(`Answers are read when they arrive in pieces of ${pieceBytes} bytes`, async () => {
    const { seats } = await setUpFake((server) => {
      server.pieceBytes = pieceBytes;
    });
    const changes = await Promise.all([1, 2, 3].map((rank) => seats.append({ rank, buyer: 'ada' })));
    assert.deepEqual(
      changes.map(({ rowId }) => rowId),
      [1, 2, 3],
    );
    const found = await Promise.all([1, 2, 3].map((rowId) => seats.seek(rowId)));
    assert.deepEqual(
      found.map((row) => row?.row.rank),
      [1, 2, 3],
    );
  });
}

test('No more requests are in flight than the server allows; the others follow in their order', async () => {
  const { server, seats } = await setUpFake((fake) => {
    fake.handshake = { ...FAKE_HANDSHAKE, maxInFlight: 4 };
  });
  server.session.hold();
  const changes = Array.from({ length: 20 }, (_, rank) => seats.append({ rank }));
  await turn();
  assert.ok(server.of(Opcode.Append).length <= 4);
  server.session.release();
  const rowIds = (await Promise.all(changes)).map(({ rowId }) => rowId);
  assert.deepEqual(
    rowIds,
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('A call beyond the limit of pending calls is Overloaded at once, and the others are not affected', async () => {
  const { server, seats } = await setUpFake(() => {}, { pendingCallsMax: 3 });
  server.session.hold();
  const reads = [seats.seek(1), seats.seek(2), seats.seek(3)];
  await assert.rejects(seats.seek(4), { code: 'Overloaded', retry: 'safe' });
  await turn();
  server.session.release();
  await Promise.all(reads);
  await seats.seek(4);
});

test('Calls wait while the link is congested, and go on when it has drained', async () => {
  const { server, seats } = await setUpFake();
  server.unwrittenBytes = 2 ** 21;
  await seats.seek(1);
  const waiting = seats.seek(2);
  await turn();
  assert.equal(server.of(Opcode.Seek).length, 1);
  server.unwrittenBytes = 0;
  server.session.drain();
  await waiting;
});

test('A frame larger than the server takes is refused before it is sent', async () => {
  const { server, seats, client } = await setUpFake((fake) => {
    fake.handshake = { ...FAKE_HANDSHAKE, maxFrameBytes: 1024 };
  });
  const rowIds = Array.from({ length: 300 }, (_, index) => index);
  await assert.rejects(seats.fetch(rowIds), { code: 'FrameTooLarge', message: /1208 bytes, must be <= 1008/ });
  assert.equal(server.of(Opcode.Fetch).length, 0);
  await client.close();
});

test('What the codec refuses ends the call and leaves nothing behind in the write', async () => {
  const { server, seats } = await setUpFake();
  const writesBefore = server.writes;
  const good = seats.append({ rank: 1 });
  const bad = seats.append({ rank: -1 });
  const alsoGood = seats.append({ rank: 2 });
  await assert.rejects(bad, { code: 'FieldOutOfRange' });
  assert.deepEqual([(await good).rowId, (await alsoGood).rowId], [1, 2]);
  assert.equal(server.writes, writesBefore + 1);
});

test('The frame carries the time-out of the call', async () => {
  const { server, seats } = await setUpFake();
  await seats.seek(1);
  await seats.seek(1, { timeoutMs: 250 });
  assert.deepEqual(
    server.of(Opcode.Seek).map(({ waitMs }) => waitMs),
    [TIMEOUT_MS, 250],
  );
  await assert.rejects(seats.seek(1, { timeoutMs: 0 }), { code: 'InvalidArgument' });
  await assert.rejects(seats.seek(1, { timeoutMs: Number.NaN }), { code: 'InvalidArgument' });
});

test("A read without an answer ends as TimedOut, and an answer that comes late is no other call's", async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  await seats.append({ rank: 5 });
  const kept = keep(server, Opcode.Seek);
  const read = seats.seek(1);
  await expireOne(setup);
  await assert.rejects(read, { code: 'TimedOut' });
  const next = seats.seek(2);
  await turn();
  for (const request of kept) request.session.execute(request);
  assert.equal(await next, undefined);
  assert.equal(server.sessions.length, 1);
});

test('A server that answers others but still owes an answer long after its call has ended is given up', async () => {
  const setup = await setUpFake();
  const { server, seats, time } = setup;
  const kept = keep(server, Opcode.Seek);
  const read = seats.seek(1);
  await expireOne(setup);
  await assert.rejects(read, { code: 'TimedOut' });
  assert.equal(kept.length, 1);
  await expireOne(setup);
  await turn();
  time.advance(20);
  assert.equal(await seats.count(), 0);
  assert.equal(server.sessions.length, 2);
});

test('A write without an answer ends as OutcomeUnknown, with the operation id that the server saw', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.handler = ({ opcode }) => opcode === Opcode.Append;
  const write = seats.append({ rank: 5 });
  await turn();
  expireCalls(setup);
  const [request] = server.of(Opcode.Append);
  assert.ok(request);
  await assert.rejects(write, { code: 'OutcomeUnknown', retry: 'unknown', operationId: formatOperationId(request.payload, 4) });
});

test('A deadline ends only the calls that are due', async () => {
  const { server, seats, time } = await setUpFake();
  server.session.hold();
  const later = seats.seek(1);
  const soon = seats.seek(2, { timeoutMs: 100 });
  await turn();
  time.advance(100 + GRAIN_MS);
  await assert.rejects(soon, { code: 'TimedOut' });
  server.session.release();
  assert.equal(await later, undefined);
});

test('A call that got no place in flight before its deadline had no effect, and says so', async () => {
  const setup = await setUpFake((fake) => {
    fake.handshake = { ...FAKE_HANDSHAKE, maxInFlight: 2 };
  });
  const { server, seats } = setup;
  server.session.hold();
  const [sent, waiting] = [seats.append({ rank: 1 }), seats.append({ rank: 2 })];
  await turn();
  assert.equal(server.of(Opcode.Append).length, 1);
  expireCalls(setup);
  await assert.rejects(sent, { code: 'OutcomeUnknown' });
  await assert.rejects(waiting, { code: 'Overloaded', retry: 'safe', operationId: undefined });
});

test('A signal ends a call that was not sent without effect, and a write that was sent with its operation id', async () => {
  const { server, seats } = await setUpFake((fake) => {
    fake.handshake = { ...FAKE_HANDSHAKE, maxInFlight: 2 };
  });
  server.session.hold();
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const [sent, waiting] = [seats.append({ rank: 1 }, options), seats.append({ rank: 2 }, options)];
  await turn();
  controller.abort(new Error('no longer wanted'));
  const [request] = server.of(Opcode.Append);
  assert.ok(request);
  const operationId = formatOperationId(request.payload, 4);
  await assert.rejects(sent, { code: 'Aborted', operationId, message: /may have happened/ });
  await assert.rejects(waiting, { code: 'Aborted', operationId: undefined });
  await assert.rejects(seats.seek(1, options), { code: 'Aborted' });
  server.session.release();
  await turn();
  assert.equal(server.of(Opcode.Append).length, 1);
});

test('A signal that fires after the answer changes nothing, and keeps nothing of the call', async () => {
  const { seats } = await setUpFake();
  const controller = new AbortController();
  const change = await seats.append({ rank: 1 }, { signal: controller.signal });
  controller.abort();
  assert.equal(change.rowId, 1);
});

test('A lock that is granted after the caller has left is given back', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  await seats.append({ rank: 1 });
  const kept = keep(server, Opcode.Lock);
  const lock = seats.tryLock(1);
  await expireOne(setup);
  await assert.rejects(lock, { code: 'TimedOut' });
  for (const request of kept) request.session.execute(request);
  assert.equal(server.table.locks.size, 1);
  await turn();
  assert.equal(server.table.locks.size, 0);
});

test('A refusal keeps its code, message and retry-after; an unknown number is told as such', async () => {
  const { server, seats } = await setUpFake();
  server.handler = (request) => {
    if (request.opcode !== Opcode.Seek) return false;
    const error = new KLaniError('Overloaded', 'the queue is full', { retryAfterMs: 40 });
    if (request.waitMs === TIMEOUT_MS) request.session.answer(request, () => {}, error);
    else request.session.answer(request, () => {}, Object.assign(error, { number: 999 }));
    return true;
  };
  await assert.rejects(seats.seek(1), { code: 'Overloaded', message: 'the queue is full', retryAfterMs: 40 });
  await assert.rejects(seats.seek(1, { timeoutMs: 7 }), { code: 'Protocol', message: /999.*the queue is full/ });
});

test('close() waits for the calls that were made, refuses others, and says good-bye', async () => {
  const { server, seats, client, time } = await setUpFake();
  server.session.hold();
  const read = seats.seek(1);
  await turn();
  const closed = client.close();
  await assert.rejects(seats.seek(2), { code: 'Closed' });
  assert.equal(server.of(Opcode.Disconnect).length, 0);
  server.session.release();
  assert.equal(await read, undefined);
  await closed;
  assert.equal(server.of(Opcode.Disconnect).length, 1);
  assert.equal(time.timers, 0);
  await client.close();
});

test('close() ends although the server does not answer any more', async () => {
  const setup = await setUpFake();
  const { server, seats, client } = setup;
  server.handler = () => true;
  const read = seats.seek(1);
  const closed = client.close();
  await turn();
  expireCalls(setup);
  await assert.rejects(read, { code: 'TimedOut' });
  await turn();
  expireCalls(setup);
  await closed;
});
