/** The other thread of `ring.fuzz.test.ts`: puts as fast as there is room, wakes the consumer only when it sleeps. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from './assert.ts';
import { SeededRandom } from './random.ts';
import { RingProducer } from './ring.ts';

const { memory, seed, count } = workerData as { memory: SharedArrayBuffer; seed: number; count: number };
const port = parentPort;
assert(port !== null, 'This module is the entry of a thread');

const producer = new RingProducer(memory);
const random = new SeededRandom(seed);
let done = 0;
let next: Uint8Array | undefined;

function fill(): void {
  while (done < count) {
    next ??= new Uint8Array(random.below(700)).fill(random.uint32() & 0xff);
    const isPut = producer.put(done, next, 0, next.length);
    if (producer.mustWake) port?.postMessage('bell');
    if (!isPut) return;
    next = undefined;
    done += 1;
  }
  port?.close();
}

port.on('message', fill);
fill();
