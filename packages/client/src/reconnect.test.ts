import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError, Opcode, defineTable, formatOperationId } from '@k-lani/protocol';
import { openClient } from './client.ts';
import { FakeServer } from './fake-server.fixture.ts';
import { type FakeSetup, SEATS, SEATS_2, TIMEOUT_MS, setUpFake } from './fake-setup.fixture.ts';
import { FakeTable } from './fake-table.fixture.ts';
import { ManualEnvironment } from './manual-environment.fixture.ts';

const BACK_OFF_MS_MAX = 1000;

/** Lets everything happen that is ready. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the client notice what happened to its link, and try again until it has a session or the time is up. */
async function reconnect({ time }: FakeSetup, durationMs = 20): Promise<void> {
  await turn();
  time.advance(durationMs);
  await turn();
}

/** The error that a call ends with, whenever it does. */
function errorOf(call: Promise<unknown>): Promise<KLaniError> {
  return call.then(
    () => assert.fail('the call was answered'),
    (error: unknown) => {
      assert.ok(error instanceof KLaniError);
      return error;
    },
  );
}

/** Cuts the link before the next answer of this command, after the server has carried it out or before. */
function cutAt(server: FakeServer, opcode: number, when: 'before' | 'after'): void {
  let isCut = false;
  server.handler = (request) => {
    if (isCut || request.opcode !== opcode) return false;
    isCut = true;
    if (when === 'after') {
      request.session.hold();
      request.session.execute(request);
    }
    request.session.cut(new Error('connection reset'));
    return true;
  };
}

test('A read whose connection breaks is asked again, with the handle of the new session', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  await seats.append({ rank: 5 });
  cutAt(server, Opcode.Seek, 'before');
  const read = seats.seek(1);
  await reconnect(setup);
  assert.equal((await read)?.row.rank, 5);
  assert.equal(server.sessions.length, 2);
});

for (const when of ['before', 'after'] as const) {
  test(`A write whose connection breaks ${when} it is carried out happens once, under its operation id`, async () => {
    const setup = await setUpFake();
    const { server, seats } = setup;
    cutAt(server, Opcode.Append, when);
    const row = { rank: 5, buyer: 'ada' };
    const write = seats.append(row);
    row.buyer = 'eve';
    await reconnect(setup);
    assert.deepEqual(await write, { rowId: 1, version: 1, lsn: 1 });
    assert.equal(server.table.rows.size, 1);
    assert.equal((await seats.seek(1))?.row.buyer, 'ada');
    const ids = server.of(Opcode.Append).map(({ payload }) => formatOperationId(payload, 4));
    assert.equal(ids.length, 2);
    assert.equal(ids[0], ids[1]);
  });
}

test('Requests that were in flight are asked again in their order, before those made since', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.handler = ({ opcode }) => opcode === Opcode.Append;
  const writes = [1, 2, 3].map((rank) => seats.append({ rank }));
  await turn();
  server.handler = () => false;
  server.session.cut(new Error('connection reset'));
  await turn();
  writes.push(seats.append({ rank: 4 }));
  await reconnect(setup);
  const rowIds = (await Promise.all(writes)).map(({ rowId }) => rowId);
  assert.deepEqual(rowIds, [1, 2, 3, 4]);
});

test('A write whose server does not come back ends as OutcomeUnknown, and can be asked about later', async () => {
  const setup = await setUpFake();
  const { server, seats, time } = setup;
  cutAt(server, Opcode.Append, 'after');
  const outcome = errorOf(seats.append({ rank: 5 }));
  await turn();
  server.isDown = true;
  for (let elapsedMs = 0; elapsedMs <= TIMEOUT_MS; elapsedMs += 50) await reconnect(setup, 50);
  const [request] = server.of(Opcode.Append);
  assert.ok(request);
  const { code, operationId } = await outcome;
  assert.deepEqual({ code, operationId }, { code: 'OutcomeUnknown', operationId: formatOperationId(request.payload, 4) });
  server.isDown = false;
  time.advance(BACK_OFF_MS_MAX);
  assert.equal((await seats.seek(1))?.row.rank, 5);
});

test('Calls made while the server is away wait for it; at their deadline they end as ConnectionLost, without effect', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.isDown = true;
  server.session.cut(new Error('connection reset'));
  await turn();
  const outcomes = [errorOf(seats.seek(1, { timeoutMs: 100 })), errorOf(seats.append({ rank: 1 }, { timeoutMs: 100 }))];
  const patient = seats.append({ rank: 2 });
  await reconnect(setup, 110);
  for (const { code, retry, operationId } of await Promise.all(outcomes)) {
    assert.deepEqual({ code, retry, operationId }, { code: 'ConnectionLost', retry: 'safe', operationId: undefined });
  }
  server.isDown = false;
  await reconnect(setup, 200);
  assert.equal((await patient).rowId, 1);
});

test('A server that falls silent is given up, and its requests are asked again elsewhere', async () => {
  const setup = await setUpFake();
  const { server, seats, time } = setup;
  server.handler = ({ session, opcode }) => session.number === 1 && opcode === Opcode.Seek;
  const impatient = seats.seek(1);
  await turn();
  time.advance(TIMEOUT_MS / 2);
  const patient = seats.seek(2);
  await turn();
  time.advance(TIMEOUT_MS / 2 + 5);
  await assert.rejects(impatient, { code: 'TimedOut' });
  await reconnect(setup);
  assert.equal(await patient, undefined);
  assert.equal(server.sessions.length, 2);
});

test('A lock ends with its session: what is called later is NotLocked without asking, and unlock() has nothing to do', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  await seats.append({ rank: 5 });
  const lock = await seats.tryLock(1);
  assert.ok(lock);
  server.session.cut(new Error('connection reset'));
  await reconnect(setup);
  await assert.rejects(lock.replaceAndUnlock({ rank: 6 }), { code: 'NotLocked' });
  await assert.rejects(lock.seek(), { code: 'NotLocked' });
  await lock.unlock();
  assert.equal(server.of(Opcode.Replace).length + server.of(Opcode.Unlock).length + server.of(Opcode.Seek).length, 0);
  assert.ok(await seats.tryLock(1));
});

test('A write under a lock whose answer was lost gets its first answer; one that never happened is told so', async () => {
  for (const when of ['after', 'before'] as const) {
    const setup = await setUpFake();
    const { server, seats } = setup;
    await seats.append({ rank: 5 });
    const lock = await seats.tryLock(1);
    assert.ok(lock);
    cutAt(server, Opcode.Replace, when);
    const outcome = lock.replaceAndUnlock({ rank: 6 }).then(
      ({ version }) => version,
      (error: KLaniError) => error.code,
    );
    await reconnect(setup);
    assert.equal(await outcome, when === 'after' ? 2 : 'NotLocked');
    assert.equal((await seats.seek(1))?.row.rank, when === 'after' ? 6 : 5);
  }
});

test('An unlock whose connection breaks is done', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  await seats.append({ rank: 5 });
  const lock = await seats.tryLock(1);
  assert.ok(lock);
  cutAt(server, Opcode.Unlock, 'before');
  const unlocked = lock.unlock();
  await reconnect(setup);
  await unlocked;
  assert.equal(server.of(Opcode.Unlock).length, 1);
});

test('The tables of a client are open again before its calls, and one that is gone tells so', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.table.schema = defineTable({ table: 'other', fields: { rank: { type: 'uint32' } } });
  server.session.cut(new Error('connection reset'));
  await turn();
  const outcome = errorOf(seats.seek(1));
  await reconnect(setup);
  assert.equal((await outcome).code, 'UnknownTable');
  await assert.rejects(seats.seek(2), { code: 'UnknownTable' });
});

test('A table that is another one after a reconnect is refused', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.table.schema = defineTable({ table: 'seats', fields: { rank: { type: 'uint8' } } });
  server.session.cut(new Error('connection reset'));
  await reconnect(setup);
  await assert.rejects(seats.seek(1), { code: 'SchemaMismatch', message: /rank/ });
});

test('An altered table is opened again and the request repeated once, in the new form', async () => {
  const { server, seats } = await setUpFake();
  await seats.append({ rank: 1, buyer: 'ada' });
  server.table.schema = SEATS_2;
  server.table.rows.clear();
  const [change] = await Promise.all([seats.append({ rank: 2, buyer: 'bob' }), seats.seek(1), seats.seek(2)]);
  assert.equal(change.rowId, 1);
  assert.deepEqual((await seats.seek(1))?.row, { rank: 2, price: 0, buyer: 'bob', gate: 9 });
  assert.equal(server.of(Opcode.CloseTable).length, server.of(Opcode.OpenTable).length);
  assert.equal(seats.schema.version, 2);
});

test('A request that is refused twice for an altered table ends with SchemaChanged', async () => {
  const { server, seats } = await setUpFake();
  server.handler = (request) => {
    if (request.opcode !== Opcode.Seek) return false;
    request.session.answer(request, () => {}, new KLaniError('SchemaChanged', 'altered all the time'));
    return true;
  };
  await assert.rejects(seats.seek(1), { code: 'SchemaChanged' });
  assert.equal(server.of(Opcode.Seek).length, 2);
});

test('A row that was sent before a table was altered is not sent in another form under the same operation id', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  cutAt(server, Opcode.Append, 'after');
  const outcome = errorOf(seats.append({ rank: 1 }));
  await turn();
  server.table.schema = SEATS_2;
  await reconnect(setup);
  assert.equal((await outcome).code, 'OutcomeUnknown');
});

test('The first attempt to connect fails at once when nobody answers', async () => {
  const server = new FakeServer(new FakeTable(SEATS));
  server.isDown = true;
  const time = new ManualEnvironment();
  await assert.rejects(openClient(server, 'fake:', { environment: time }), { code: 'ConnectionLost', message: /connection refused/ });
  assert.equal(time.timers, 0);
});

test('The first attempt to connect ends with its signal, with its time-out, and with what the server refuses', async () => {
  const time = new ManualEnvironment();
  const server = new FakeServer(new FakeTable(SEATS));
  server.handler = () => true;
  await assert.rejects(openClient(server, 'fake:', { environment: time, signal: AbortSignal.abort() }), { code: 'Aborted' });
  const controller = new AbortController();
  const aborted = openClient(server, 'fake:', { environment: time, signal: controller.signal });
  await turn();
  controller.abort();
  await assert.rejects(aborted, { code: 'Aborted' });
  const silent = openClient(server, 'fake:', { environment: time, timeoutMs: 50 });
  await turn();
  time.advance(60);
  await assert.rejects(silent, (error) => error instanceof KLaniError && ['TimedOut', 'ConnectionLost'].includes(error.code));
  server.handler = (request) => {
    request.session.answer(request, () => {}, new KLaniError('VersionUnsupported', 'too old'));
    return true;
  };
  await assert.rejects(openClient(server, 'fake:', { environment: time }), { code: 'VersionUnsupported' });
  await turn();
  assert.equal(time.timers, 0);
});

test('A server that refuses the handshake after a restart ends what waits, and is tried again', async () => {
  const setup = await setUpFake();
  const { server, seats } = setup;
  server.handler = (request) => {
    if (request.opcode !== Opcode.Handshake) return false;
    request.session.answer(request, () => {}, new KLaniError('AuthFailed', 'who are you'));
    return true;
  };
  server.session.cut(new Error('connection reset'));
  await turn();
  const outcome = errorOf(seats.seek(1));
  await reconnect(setup);
  assert.equal((await outcome).code, 'AuthFailed');
  server.handler = () => false;
  await reconnect(setup, 100);
  assert.equal(await seats.seek(1), undefined);
});
