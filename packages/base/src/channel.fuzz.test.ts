/** Many connections over one small channel, with any order of writes, pauses and ends, against what was written. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Attendant } from './attendant.ts';
import { Channel, createChannel } from './channel.ts';
import { type ChannelConnection, type ConnectionUser } from './channel-connection.ts';
import { SeededRandom } from './random.ts';

const RUNS = 8;
const STEPS = 600;
const CONNECTIONS_MAX = 12;
const WRITE_BYTES_MAX = 200_000;

/** One side of a connection: writes a stream whose bytes say their place, and checks that of the other side. */
class Side implements ConnectionUser {
  readonly connection: ChannelConnection;
  sentBytes = 0;
  receivedBytes = 0;
  mayWrite = true;
  isEnded = false;
  isPaused = false;
  isFinished = false;
  isClosed = false;
  problem: string | undefined;

  constructor(connection: ChannelConnection) {
    this.connection = connection;
    connection.attach(this);
  }

  write(sizeBytes: number): void {
    const start = this.sentBytes;
    const bytes = Uint8Array.from({ length: sizeBytes }, (_, index) => (start + index) % 251);
    this.sentBytes += sizeBytes;
    this.mayWrite = this.connection.write(bytes, sizeBytes);
    bytes.fill(255);
  }

  received(chunk: Uint8Array): void {
    if (this.isPaused || this.isFinished || this.isClosed) this.problem ??= 'received when it must not';
    const start = this.receivedBytes;
    if (chunk.some((byte, index) => byte !== (start + index) % 251)) this.problem ??= `other bytes than were sent after ${start}`;
    this.receivedBytes += chunk.length;
  }

  drained(): void {
    if (this.mayWrite) this.problem ??= 'drained, and nothing was kept';
    this.mayWrite = true;
  }

  finished(): void {
    if (this.isFinished || this.isClosed) this.problem ??= 'finished twice, or after its end';
    this.isFinished = true;
  }

  closed(): void {
    if (this.isClosed) this.problem ??= 'closed twice';
    this.isClosed = true;
  }
}

function step(random: SeededRandom, side: Side): void {
  const what = random.below(100);
  if (what < 60) {
    if (side.mayWrite && !side.isEnded && !side.connection.isOver)
      side.write(1 + random.below(random.below(4) === 0 ? WRITE_BYTES_MAX : 300));
  } else if (what < 75) {
    side.isPaused = true;
    side.connection.pause();
  } else if (what < 92) {
    side.isPaused = false;
    side.connection.resume();
  } else if (what < 97) {
    side.isEnded ||= !side.connection.isOver;
    side.connection.end();
  } else side.connection.destroy();
}

async function run(seed: number, context: TestContext): Promise<void> {
  const random = new SeededRandom(seed);
  const [one, other] = createChannel(256 * 1024);
  const sides: Side[] = [];
  let isEnding = false;
  const pairs: { here: Side; there?: Side }[] = [];
  const turns = { endOfTurn: queueMicrotask, onGone: () => undefined };
  const onOpen = (connection: ChannelConnection, hello: Uint8Array): void => {
    const there = new Side(connection);
    sides.push(there);
    if (isEnding) connection.end();
    const pair = pairs[new DataView(hello.buffer).getUint32(0)];
    assert.ok(pair !== undefined && pair.there === undefined, `seed ${seed}: a connection opens once`);
    pair.there = there;
  };
  const channels = [
    new Channel(one, { ...turns, attendant: new Attendant(setImmediate), onOpen }),
    new Channel(other, { ...turns, attendant: new Attendant(setImmediate), onOpen }),
  ] as const;
  context.after(() => channels.forEach((channel) => channel.close()));
  for (let count = 0; count < STEPS; count += 1) {
    const open = sides.filter(({ isClosed }) => !isClosed);
    if (open.length === 0 || (open.length < 2 * CONNECTIONS_MAX && random.below(10) === 0)) {
      const hello = new Uint8Array(4);
      new DataView(hello.buffer).setUint32(0, pairs.length);
      const here = new Side(channels[random.below(2) === 0 ? 0 : 1].open(hello));
      sides.push(here);
      pairs.push({ here });
    } else step(random, open[random.below(open.length)] as Side);
    if (random.below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  isEnding = true;
  for (const side of sides) {
    side.isPaused = false;
    side.connection.resume();
    side.connection.end();
  }
  for (let turn = 0; turn < 10_000 && sides.some((side) => !side.isFinished && !side.isClosed); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const [index, { here, there }] of pairs.entries()) {
    const where = `seed ${seed}, connection ${index}`;
    assert.ok(there !== undefined || here.isClosed, `${where} never arrived`);
    for (const [side, otherSide] of [
      [here, there],
      [there, here],
    ] as const) {
      assert.equal(side?.problem, undefined, where);
      if (side?.isFinished === true && otherSide !== undefined)
        assert.equal(side.receivedBytes, otherSide.sentBytes, `${where}: all of it`);
      assert.ok(side === undefined || side.isFinished || side.isClosed, `${where} does not hang`);
    }
  }
  for (const channel of channels) channel.close();
  assert.ok(
    sides.every(({ isClosed }) => isClosed),
    `seed ${seed}: everything is over after the end`,
  );
}

test('Whatever the order of writes, pauses and ends, every stream arrives whole, in order, and ends as it was ended', async (context) => {
  for (let seed = 1; seed <= RUNS; seed += 1) await run(seed, context);
});
