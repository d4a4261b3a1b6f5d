import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Attendant } from './attendant.ts';
import { Channel, createChannel } from './channel.ts';
import { type ChannelConnection, CONNECTION_WINDOW_BYTES, type ConnectionUser } from './channel-connection.ts';

const RING_SIZE_BYTES = 256 * 1024;

/** A user that writes down what happens, and resolves who waits for it. */
class Witness implements ConnectionUser {
  readonly events: string[] = [];
  bytes: number[] = [];
  receivedBytes = 0;
  /** Nothing is written down of what is received. */
  isBrief = false;
  readonly #waiting: { event: string; resolve: () => void }[] = [];

  received(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    if (!this.isBrief) this.bytes.push(...chunk);
    this.#happened('received');
  }

  drained(): void {
    this.#happened('drained');
  }

  finished(): void {
    this.#happened('finished');
  }

  closed(): void {
    this.#happened('closed');
  }

  /** Resolves when `event` has happened, at once when it has before. */
  async saw(event: string): Promise<void> {
    if (this.events.includes(event)) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push({ event, resolve });
    });
  }

  #happened(event: string): void {
    if (event !== 'received' || !this.isBrief) this.events.push(event);
    for (const { event: awaited, resolve } of this.#waiting) if (awaited === event) resolve();
  }
}

interface Pair {
  readonly near: Channel;
  readonly far: Channel;
  /** Opens a connection at the near side; resolves when it is open at the far one. */
  readonly open: (
    hello?: Uint8Array,
  ) => Promise<{ here: ChannelConnection; there: ChannelConnection; hello: Uint8Array; near: Witness; far: Witness }>;
  gone: string[];
}

/** Both sides of a channel, in one thread. */
function pair(context: TestContext): Pair {
  const [one, other] = createChannel(RING_SIZE_BYTES);
  const gone: string[] = [];
  let opened: ((connection: ChannelConnection, hello: Uint8Array) => void) | undefined;
  const endOfTurn = queueMicrotask;
  const near = new Channel(one, {
    endOfTurn,
    attendant: new Attendant(setImmediate),
    onOpen: (connection) => connection.destroy(),
    onGone: () => gone.push('near'),
  });
  const far = new Channel(other, {
    endOfTurn,
    attendant: new Attendant(setImmediate),
    onOpen: (connection, hello) => opened?.(connection, hello),
    onGone: () => gone.push('far'),
  });
  context.after(() => {
    near.close();
    far.close();
  });
  return {
    near,
    far,
    gone,
    open: (hello = new Uint8Array(0)) =>
      new Promise((resolve) => {
        const witnesses = { near: new Witness(), far: new Witness() };
        opened = (there, told) => {
          there.attach(witnesses.far);
          resolve({ here, there, hello: told, ...witnesses });
        };
        const here = near.open(hello);
        here.attach(witnesses.near);
      }),
  };
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('A connection carries its hello, bytes in both directions, and the end of each', async (context) => {
  const { open, near: channel, far: other } = pair(context);
  const { here, there, hello, near, far } = await open(Uint8Array.of(1, 2, 3));
  assert.deepEqual([...hello], [1, 2, 3]);
  assert.equal(here.write(Uint8Array.of(4, 5, 6, 7), 3), true);
  here.end();
  await far.saw('finished');
  assert.deepEqual(far.bytes, [4, 5, 6]);
  assert.equal(there.write(Uint8Array.of(8), 1), true);
  there.end();
  await near.saw('finished');
  assert.deepEqual(near.bytes, [8]);
  assert.deepEqual(far.events, ['received', 'finished']);
  here.destroy();
  assert.ok(!near.events.includes('closed'), 'closed follows, never during the call');
  await Promise.all([near.saw('closed'), far.saw('closed')]);
  assert.deepEqual([channel.connectionCount, other.connectionCount], [0, 0]);
});

test('A connection that is destroyed gives its number back, and nothing of it reaches the next one', async (context) => {
  const { open } = pair(context);
  const first = await open();
  for (let index = 0; index < 100; index += 1) first.here.write(new Uint8Array(100), 100);
  first.there.destroy();
  first.here.destroy();
  await Promise.all([first.near.saw('closed'), first.far.saw('closed')]);
  const second = await open();
  assert.equal(second.here.id, first.here.id);
  second.there.write(Uint8Array.of(9), 1);
  await second.near.saw('received');
  assert.deepEqual(second.near.bytes, [9]);
  assert.deepEqual(second.far.events, []);
});

test('A reader that is paused is sent one window, and the writer is told when the rest has gone', async (context) => {
  const { open } = pair(context);
  const { here, there, near, far } = await open();
  far.isBrief = true;
  there.pause();
  const sizeBytes = CONNECTION_WINDOW_BYTES + 1000;
  assert.equal(here.write(new Uint8Array(sizeBytes), sizeBytes), false);
  await turns();
  assert.deepEqual(
    { unsent: here.unsentBytes, received: far.receivedBytes, events: near.events },
    { unsent: 1000, received: 0, events: [] },
  );
  there.resume();
  await near.saw('drained');
  await turns();
  assert.deepEqual({ unsent: here.unsentBytes, received: far.receivedBytes }, { unsent: 0, received: sizeBytes });
});

test('What is kept is a copy: its memory is the writer’s again', async (context) => {
  const { open } = pair(context);
  const { here, there, far } = await open();
  far.isBrief = true;
  there.pause();
  const bytes = new Uint8Array(CONNECTION_WINDOW_BYTES).fill(1);
  here.write(bytes, bytes.length);
  bytes.fill(7);
  assert.equal(here.write(bytes, 2), false);
  bytes.fill(9);
  here.end();
  await turns();
  far.isBrief = false;
  there.resume();
  await far.saw('finished');
  assert.deepEqual(far.bytes.slice(-3), [1, 7, 7]);
});

test('Connections that find the ring full go in their order, and every byte arrives', async (context) => {
  const { open } = pair(context);
  const connections = [await open()];
  for (let index = 0; index < 7; index += 1) connections.push(await open());
  const sizeBytes = 3 * CONNECTION_WINDOW_BYTES;
  for (const { here, far } of connections) {
    far.isBrief = true;
    assert.equal(here.write(new Uint8Array(sizeBytes), sizeBytes), false);
    here.end();
  }
  await Promise.all(connections.map(({ far }) => far.saw('finished')));
  assert.deepEqual(
    connections.map(({ far }) => far.receivedBytes),
    connections.map(() => sizeBytes),
  );
});

test('touch() shows the other side that this one is alive', async (context) => {
  const { open } = pair(context);
  const { here, far } = await open();
  here.touch();
  await far.saw('received');
  assert.deepEqual(far.bytes, []);
});

test('A side that closes ends all connections of both, after what was sent, and tells the other', async (context) => {
  const { open, near: channel, gone } = pair(context);
  const one = await open();
  const two = await open();
  one.here.write(Uint8Array.of(5), 1);
  channel.close();
  await Promise.all([one.far.saw('closed'), two.far.saw('closed'), one.near.saw('closed'), two.near.saw('closed')]);
  assert.deepEqual(one.far.bytes, [5]);
  assert.deepEqual(gone, ['far']);
  assert.equal(one.there.write(Uint8Array.of(1), 1), true, 'nobody is left to take it');
});

test('When the other thread dies, however it does, every connection is over and this side is told', { timeout: 20_000 }, async () => {
  for (const death of ['terminated', 'throws', 'exits']) {
    const [mine, theirs] = createChannel();
    const witness = new Witness();
    const isGone = new Promise<string>((resolve) => {
      const attendant = new Attendant(setImmediate);
      const options = { endOfTurn: queueMicrotask, attendant, onOpen: () => undefined, onGone: () => resolve('gone') };
      const channel = new Channel(mine, options);
      channel.open(new TextEncoder().encode(death)).attach(witness);
    });
    const worker = new Worker(new URL('channel-death.fixture.ts', import.meta.url), { workerData: theirs, transferList: [theirs.port] });
    worker.on('error', (error) => assert.match(String(error), /meant to die/));
    const exited = once(worker, 'exit').catch(() => undefined);
    if (death === 'terminated') {
      await witness.saw('received');
      await worker.terminate();
    }
    assert.equal(await isGone, 'gone', death);
    await witness.saw('closed');
    assert.deepEqual(witness.bytes, [42], `${death}: what it sent before has arrived`);
    await exited;
  }
});
