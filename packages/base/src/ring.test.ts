import assert from 'node:assert/strict';
import test from 'node:test';
import { createRing, RingConsumer, RingProducer } from './ring.ts';

const NOTHING = new Uint8Array(0);

function ringOf(sizeBytes: number): { producer: RingProducer; consumer: RingConsumer } {
  const memory = createRing(sizeBytes);
  return { producer: new RingProducer(memory), consumer: new RingConsumer(memory) };
}

function taken(consumer: RingConsumer): [number, number[]][] {
  const messages: [number, number[]][] = [];
  consumer.take((tag, bytes, start, end) => messages.push([tag, [...bytes.subarray(start, end)]]));
  return messages;
}

test('RingConsumer.take() gives messages whole, in their order, with their tags', () => {
  const { producer, consumer } = ringOf(256);
  assert.equal(producer.put(7, new Uint8Array([9, 1, 2, 3, 9]), 1, 4), true);
  assert.equal(producer.put(-1, NOTHING, 0, 0), true);
  assert.deepEqual(taken(consumer), [
    [7, [1, 2, 3]],
    [-1, []],
  ]);
  assert.deepEqual(taken(consumer), []);
});

test('RingProducer.put() refuses what has no room, whole, and is told once when there is room (rule 2)', () => {
  const { producer, consumer } = ringOf(64);
  assert.equal(producer.put(1, new Uint8Array(24), 0, 24), true);
  assert.equal(consumer.owesRoom, false);
  assert.equal(producer.put(2, new Uint8Array(24), 0, 24), true);
  assert.equal(producer.put(3, NOTHING, 0, 0), false);
  assert.deepEqual(
    taken(consumer).map(([tag]) => tag),
    [1, 2],
  );
  assert.equal(consumer.owesRoom, true);
  assert.equal(consumer.owesRoom, false);
  assert.equal(producer.put(3, NOTHING, 0, 0), true);
});

test('RingProducer.put() takes the longest payload wherever the ring stands, once it is empty', () => {
  const { producer, consumer } = ringOf(128);
  for (let step = 0; step < 40; step += 1) {
    const longest = Uint8Array.from({ length: producer.payloadBytesMax }, (_, index) => index + step);
    assert.equal(producer.put(step, NOTHING, 0, 0), true);
    taken(consumer);
    assert.equal(producer.put(step, longest, 0, longest.length), true, `at step ${step}`);
    assert.deepEqual(taken(consumer), [[step, [...longest]]]);
  }
  assert.throws(() => producer.put(0, new Uint8Array(128), 0, 128), /longer than payloadBytesMax/);
});

test('RingProducer.mustWake is true once, and only when the consumer sleeps (rule 4)', () => {
  const { producer, consumer } = ringOf(64);
  producer.put(1, NOTHING, 0, 0);
  assert.equal(producer.mustWake, false);
  assert.equal(consumer.sleep(), false, 'there is something to take');
  assert.equal(producer.mustWake, false);
  taken(consumer);
  assert.equal(consumer.sleep(), true);
  producer.put(2, NOTHING, 0, 0);
  assert.equal(producer.mustWake, true);
  assert.equal(producer.mustWake, false);
  consumer.sleep();
  consumer.awake();
  assert.equal(producer.mustWake, false);
});

test('RingConsumer.take() leaves what is put meanwhile to the next call', () => {
  const { producer, consumer } = ringOf(64);
  producer.put(1, NOTHING, 0, 0);
  let count = 0;
  const again = (): void => {
    count += 1;
    producer.put(2, NOTHING, 0, 0);
  };
  assert.equal(consumer.take(again), 1);
  assert.equal(consumer.take(again), 1);
  assert.equal(count, 2);
});

test('createRing() refuses a size that is no power of two from 64 to 2^30', () => {
  for (const sizeBytes of [0, 32, 100, 1.5, 2 ** 31]) assert.throws(() => createRing(sizeBytes), new RegExp(`size is ${sizeBytes} bytes`));
});
