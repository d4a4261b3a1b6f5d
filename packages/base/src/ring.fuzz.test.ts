/** A ring against a plain list of messages, in one thread with any order of steps and in two threads at full speed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { SeededRandom } from './random.ts';
import { createRing, RingConsumer, RingProducer } from './ring.ts';

const RUNS = 200;
const STEPS = 300;

test('A ring gives every message that it took, whole and in order, and refuses one only when it is full', () => {
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const random = new SeededRandom(seed);
    const sizeBytes = 64 << random.below(6);
    const memory = createRing(sizeBytes);
    const producer = new RingProducer(memory);
    const consumer = new RingConsumer(memory);
    const inside: { tag: number; payload: Uint8Array }[] = [];
    let insideBytes = 0;
    for (let step = 0; step < STEPS; step += 1) {
      if (random.below(3) > 0) {
        const payload = new Uint8Array(random.below(producer.payloadBytesMax + 1));
        random.fill(payload);
        const needBytes = 8 + ((payload.length + 7) & -8);
        const isTaken = producer.put(step, payload, 0, payload.length);
        // A filler takes less than the message that did not fit before it.
        if (insideBytes === 0 || insideBytes + 2 * needBytes <= sizeBytes / 2)
          assert.ok(isTaken, `seed ${seed}, step ${step}: there was room`);
        if (isTaken) {
          inside.push({ tag: step, payload });
          insideBytes += needBytes;
        } else if (inside.length === 0) assert.fail(`seed ${seed}, step ${step}: an empty ring takes every message`);
      } else {
        consumer.take((tag, bytes, start, end) => {
          const expected = inside.shift();
          assert.deepEqual({ tag, payload: bytes.slice(start, end) }, expected, `seed ${seed}, step ${step}`);
        });
        assert.equal(inside.length, 0, `seed ${seed}, step ${step}: all that was put is taken`);
        insideBytes = 0;
      }
    }
  }
});

test('Two threads pass 300,000 messages of random sizes through a small ring; neither sleeps for ever', { timeout: 60_000 }, async () => {
  const memory = createRing(4096);
  const consumer = new RingConsumer(memory);
  const worker = new Worker(new URL('ring-producer.fixture.ts', import.meta.url), { workerData: { memory, seed: 4711, count: 300_000 } });
  const port: Pick<Worker, 'postMessage'> = worker;
  const ended = once(worker, 'exit');
  const random = new SeededRandom(4711);
  let count = 0;
  let wrong = 0;
  let sleeps = 0;
  const look = (): void => {
    for (;;) {
      consumer.awake();
      consumer.take((tag, bytes, start, end) => {
        const sizeBytes = random.below(700);
        const fill = random.uint32() & 0xff;
        const isRight =
          tag === count && end - start === sizeBytes && (sizeBytes === 0 || (bytes[start] === fill && bytes[end - 1] === fill));
        if (!isRight) wrong += 1;
        count += 1;
      });
      if (consumer.owesRoom) port.postMessage('room');
      if (consumer.sleep()) break;
    }
    sleeps += 1;
  };
  worker.on('message', look);
  look();
  const [code] = (await ended) as [number];
  look();
  assert.deepEqual({ code, wrong, count }, { code: 0, wrong: 0, count: 300_000 });
  assert.ok(sleeps > 1, 'the consumer slept and was woken');
});
