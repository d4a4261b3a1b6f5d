import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { ByteWriter, FRAME_FLAG_ANSWER, KLaniError, beginFrame, endFrame } from '@k-lani/protocol';
import { TIMEOUT_MS, type FakeSetup, setUpFake } from './fake-setup.fixture.ts';
import type { FakeRequest } from './fake-server.fixture.ts';

const SEED = 20_261;
const RUNS = 300;

/** Lets everything happen that is ready. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise is still open after all that is ready has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(() => false);
  return Promise.race([settled, turn().then(() => true)]);
}

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  random.fill(bytes);
  return bytes;
}

/** An answer that is right in its header and random in everything else. */
function randomAnswer(random: SeededRandom, { opcode, id }: FakeRequest): Uint8Array {
  const writer = new ByteWriter();
  const status = random.below(3) === 0 ? random.below(200) : 0;
  const start = beginFrame(writer, opcode, FRAME_FLAG_ANSWER, status, id, random.below(1000));
  writer.append(randomBytes(random, random.below(80)));
  endFrame(writer, start);
  return writer.bytes.slice(0, writer.length);
}

/** A server that answers one request in a way that no server should, and may then go on as if nothing had happened. */
function misbehave(random: SeededRandom, { server }: FakeSetup): void {
  let isDone = false;
  server.handler = (request) => {
    if (isDone || random.below(3) > 0) return false;
    isDone = true;
    const { session } = request;
    switch (random.below(6)) {
      case 0:
        session.send(randomBytes(random, 1 + random.below(200)));
        break;
      case 1:
        session.send(randomAnswer(random, request));
        break;
      case 2:
        session.answer({ ...request, id: random.uint32() }, () => {});
        break;
      case 3:
        session.answer({ ...request, opcode: random.below(256) }, () => {});
        break;
      case 4:
        // Twice the same answer.
        session.execute(request);
        return false;
      default:
        session.hold();
        session.execute(request);
        session.release();
        session.cut(undefined);
    }
    return true;
  };
}

test(`Whatever a server sends, each call ends with a value or a coded error, and the client goes on (seed ${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  for (let run = 0; run < RUNS; run += 1) {
    const setup = await setUpFake((server) => {
      server.pieceBytes = random.below(2) === 0 ? Infinity : 1 + random.below(40);
    });
    const { seats, server, time, client } = setup;
    await seats.append({ rank: 1 });
    misbehave(random, setup);
    const calls: Promise<unknown>[] = [
      seats.append({ rank: 2, buyer: 'ada' }),
      seats.seek(1),
      seats.seek(77),
      seats.tryLock(1),
      seats.fetch([1, 2]),
      seats.queryIntersect([{ field: 'rank', eq: 1 }]),
      seats.history(1),
      seats.claim({ where: [{ field: 'rank', eq: 1 }], set: { buyer: 'ada' } }, { returnRows: true }),
      client.batch((batch) => batch.append(seats, { rank: 3 })),
      client.stats(),
      client.listTables(),
    ];
    const outcomes = Promise.allSettled(calls);
    await turn();
    server.handler = () => false;
    for (let elapsedMs = 0; elapsedMs < 2 * TIMEOUT_MS; elapsedMs += 100) {
      time.advance(100);
      await turn();
    }
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof KLaniError, String(outcome.reason));
    }
    assert.equal((await seats.seek(1))?.row.rank, 1);
    await client.close();
    assert.equal(time.timers, 0);
  }
});

test(`Bytes at random times, and links that end at random times, never lose or repeat a write (seed ${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  for (let run = 0; run < RUNS / 10; run += 1) {
    const setup = await setUpFake((server) => {
      server.pieceBytes = 1 + random.below(60);
    });
    const { seats, server, time } = setup;
    server.handler = (request) => {
      const chance = random.below(100);
      if (chance > 2) return false;
      if (chance === 1) request.session.execute(request);
      request.session.cut(new Error('connection reset'));
      return true;
    };
    const ranks = Array.from({ length: 40 }, (_, rank) => rank);
    const writes = Promise.all(ranks.map((rank) => seats.append({ rank }, { timeoutMs: 60_000 })));
    while (await isPending(writes)) time.advance(20);
    const rowIds = (await writes).map(({ rowId }) => rowId);
    assert.equal(new Set(rowIds).size, ranks.length);
    assert.equal(server.table.rows.size, ranks.length);
    server.handler = () => false;
    for (const [rank, rowId] of rowIds.entries()) assert.equal((await seats.seek(rowId))?.row.rank, rank);
  }
});
