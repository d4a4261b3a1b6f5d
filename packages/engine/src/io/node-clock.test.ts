import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { NodeClock } from './node-clock.ts';

test('NodeClock.monotonicMs() never goes back, and wallMs() is the present', () => {
  const clock = new NodeClock();
  let last = clock.monotonicMs();
  for (let read = 0; read < 10_000; read += 1) {
    const now = clock.monotonicMs();
    assert.ok(now >= last);
    last = now;
  }
  assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1000);
});

test('NodeClock.monotonicMs() has one origin in all threads', async () => {
  const clock = new NodeClock();
  const url = JSON.stringify(new URL('node-clock.ts', import.meta.url).href);
  const code = `import { NodeClock } from ${url}; import { parentPort } from 'node:worker_threads'; parentPort.postMessage(new NodeClock().monotonicMs());`;
  const before = clock.monotonicMs();
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const [there]: unknown[] = await once(worker, 'message');
  const after = clock.monotonicMs();
  assert.ok(typeof there === 'number' && there > before - 1 && there < after + 1, `${before} <= ${String(there)} <= ${after}`);
  await worker.terminate();
});

test('NodeClock.defer() runs after what is ready now', async () => {
  const order: string[] = [];
  const deferred = new Promise<void>((resolve) => {
    new NodeClock().defer(() => {
      order.push('deferred');
      resolve();
    });
  });
  process.nextTick(() => order.push('tick'));
  queueMicrotask(() => order.push('microtask'));
  await deferred;
  assert.deepEqual(order.toSorted(), ['deferred', 'microtask', 'tick']);
  assert.equal(order.at(-1), 'deferred');
});
