import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ListenOptions, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { connect } from './connect.ts';
import { FakeServer, type FakeSession } from './fake-server.fixture.ts';
import { SEATS } from './fake-setup.fixture.ts';
import { FakeTable } from './fake-table.fixture.ts';
import { tcpTransport } from './tcp-transport.ts';

interface Listening {
  readonly server: FakeServer;
  readonly port: number;
  /** Ends all connections, as a server that dies does. */
  readonly cutAll: () => void;
}

/** The fake server behind a real socket. */
async function listen(context: TestContext, options: ListenOptions): Promise<Listening> {
  const server = new FakeServer(new FakeTable(SEATS));
  const listener = createServer();
  const cuts = new Set<() => void>();
  listener.on('connection', (socket) => {
    const session = server.connect('', {
      onOpen: () => {},
      onData: (bytes) => void socket.write(bytes.slice()),
      onDrain: () => {},
      onClose: () => socket.destroy(),
    }) as FakeSession;
    cuts.add(() => socket.resetAndDestroy());
    socket.on('data', (chunk: Buffer) => session.write(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => session.cut(undefined));
  });
  listener.listen(options);
  await once(listener, 'listening');
  const cutAll = (): void => {
    for (const cut of cuts) cut();
    cuts.clear();
  };
  context.after(() => {
    cutAll();
    listener.close();
  });
  const address = listener.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0, cutAll };
}

test('connect() works over TCP, and comes back when the connection is reset', async (context) => {
  const { server, port, cutAll } = await listen(context, { port: 0, host: '127.0.0.1' });
  await using client = await connect(`tcp://127.0.0.1:${port}`);
  const seats = await client.table(SEATS);
  const changes = await Promise.all(Array.from({ length: 500 }, (_, rank) => seats.append({ rank })));
  assert.equal(new Set(changes.map(({ rowId }) => rowId)).size, 500);
  const reads = Promise.all(changes.map(({ rowId }) => seats.seek(rowId)));
  cutAll();
  assert.deepEqual(
    (await reads).map((found) => found?.row.rank),
    Array.from({ length: 500 }, (_, rank) => rank),
  );
  assert.equal(server.sessions.length, 2);
});

test('connect() works over a Unix socket', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'k-lani-client-'));
  context.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'socket');
  await listen(context, { path });
  await using client = await connect(`unix:${path}`);
  const seats = await client.table(SEATS);
  assert.equal((await seats.append({ rank: 1 })).rowId, 1);
  await using other = await connect(`unix://${path}`);
  assert.equal((await other.openTable('seats')).name, 'seats');
});

test('connect() tells that nobody answers, with the reason of the system', async (context) => {
  const { port } = await listen(context, { port: 0, host: '127.0.0.1' });
  await assert.rejects(connect('unix:/nobody/is/here'), { code: 'ConnectionLost', message: /ENOENT/ });
  await assert.rejects(connect(`tcp://127.0.0.1:${port === 1 ? 2 : 1}`), { code: 'ConnectionLost', message: /ECONNREFUSED/ });
});

for (const url of ['', 'http://127.0.0.1:1', 'tcp://127.0.0.1', 'tcp://127.0.0.1:0', 'tcp://:7700', 'unix:', 'tcp://a b:1']) {
  test(`connect() refuses the address "${url}"`, async () => {
    await assert.rejects(connect(url), { code: 'InvalidArgument', message: /must be tcp/ });
  });
}

test('A link keeps what the server does not take, tells how much that is, and when it was taken', async (context) => {
  const sent = new Uint8Array(32 * 1024 * 1024).map((_, index) => index % 251);
  const listener = createServer({ pauseOnConnect: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(typeof address === 'object' && address !== null);
  const opened = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<unknown>();
  const accepted = once(listener, 'connection');
  const link = tcpTransport.connect(`tcp://127.0.0.1:${address.port}`, {
    onOpen: opened.resolve,
    onDrain: drained.resolve,
    onClose: closed.resolve,
    onData: () => {},
  });
  const [socket] = (await accepted) as [Socket];
  context.after(() => {
    socket.destroy();
    listener.close();
  });
  await opened.promise;
  link.write(sent.subarray(0, 1_000_000));
  link.write(sent.subarray(1_000_000));
  assert.ok(link.unwrittenBytes > 0);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await drained.promise;
  assert.equal(link.unwrittenBytes, 0);
  const ended = once(socket, 'end');
  link.destroy();
  assert.equal(await closed.promise, undefined);
  link.write(sent);
  await ended;
  assert.ok(Buffer.concat(chunks).equals(sent));
});

/** A caller that is wrapped in so many functions. */
async function wrapped(depth: number): Promise<void> {
  if (depth > 0) await wrapped(depth - 1);
}

test('A turn ends once, after the callers that it wakes have gone on, for a client that is alone and for several', async () => {
  const ends: boolean[] = [];
  let woken = false;
  let end: () => void = () => {};
  const clients = [1, 2, 3].map(() => () => {
    ends.push(woken);
    end();
  });
  const turns = [...Array(20).fill(0), ...Array.from({ length: 20 }, (_, turn) => turn % 3), ...Array(20).fill(1)];
  for (const client of turns) {
    const ended = Promise.withResolvers<void>();
    woken = false;
    end = ended.resolve;
    tcpTransport.endOfTurn(clients[client] ?? assert.fail());
    void wrapped(3).then(() => (woken = true));
    await ended.promise;
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ends, Array(turns.length).fill(true));
});
