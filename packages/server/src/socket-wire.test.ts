import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { SocketWire } from './socket-wire.ts';

/** A wire over a real connection, what it tells its user, and the other end. */
async function openWire(context: TestContext, readsIntoOwnMemory: boolean) {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const accepted = once(server, 'connection');
  const other = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = (await accepted) as [Socket];
  const wire = new SocketWire(socket, { readsIntoOwnMemory });
  const events = { received: '', drained: 0, finished: 0, closed: 0 };
  const waiting = new Set<() => void>();
  const happened = (): void => waiting.forEach((check) => check());
  wire.attach({
    received: (chunk) => {
      events.received += new TextDecoder().decode(chunk);
      happened();
    },
    drained: () => {
      events.drained += 1;
      happened();
    },
    finished: () => {
      events.finished += 1;
      happened();
    },
    closed: () => {
      events.closed += 1;
      happened();
    },
  });
  /** Resolves when something has happened and the condition holds. */
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  context.after(() => {
    other.destroy();
    wire.destroy();
    server.close();
  });
  return { wire, other, events, until };
}

for (const readsIntoOwnMemory of [true, false]) {
  const way = readsIntoOwnMemory ? 'memory of its own' : 'the memory of streams';

  test(`A socket wire that reads into ${way} receives, pauses, resumes and writes`, async (context) => {
    const { wire, other, events, until } = await openWire(context, readsIntoOwnMemory);
    assert.match(wire.peer, /^127\.0\.0\.1:\d+$/);
    other.write('one ');
    await until(() => events.received === 'one ');
    const memory = new TextEncoder().encode('answer, and more');
    assert.equal(wire.write(memory, 6), true);
    memory.fill(0);
    const [echoed] = await once(other, 'data');
    assert.equal(String(echoed), 'answer');
    wire.pause();
    await new Promise((resolve) => other.write('two', resolve));
    await turns(5);
    assert.equal(events.received, 'one ');
    wire.resume();
    await until(() => events.received === 'one two');
  });

  test(`A socket wire that reads into ${way} keeps what the system does not take, and tells when it is gone`, async (context) => {
    const { wire, other, events, until } = await openWire(context, readsIntoOwnMemory);
    const sizeBytes = 32 * 1024 * 1024;
    other.pause();
    assert.equal(wire.write(new Uint8Array(sizeBytes), sizeBytes), false);
    assert.ok(wire.unsentBytes > 0);
    let receivedBytes = 0;
    other.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
    });
    const ended = once(other, 'end');
    other.resume();
    await until(() => events.drained === 1);
    assert.equal(wire.unsentBytes, 0);
    wire.end();
    await ended;
    assert.equal(receivedBytes, sizeBytes);
  });

  test(`A socket wire that reads into ${way} still writes after the other end has finished, and closes when both have`, async (context) => {
    const { wire, other, events, until } = await openWire(context, readsIntoOwnMemory);
    other.end('last');
    await until(() => events.finished === 1);
    assert.equal(events.received, 'last');
    wire.write(new TextEncoder().encode('bye'), 3);
    wire.end();
    const [answer] = await once(other, 'data');
    assert.equal(String(answer), 'bye');
    await until(() => events.closed === 1);
    assert.equal(wire.write(new Uint8Array(1), 1), true);
  });

  test(`A socket wire that reads into ${way} tells when the other end is gone, however it goes`, async (context) => {
    const { other, events, until } = await openWire(context, readsIntoOwnMemory);
    other.resetAndDestroy();
    await until(() => events.closed === 1);
  });
}

/** Lets the event loop go round. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
