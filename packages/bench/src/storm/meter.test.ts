import assert from 'node:assert/strict';
import test from 'node:test';
import { WINDOW_US } from '../report/raw-log.ts';
import { Meter } from './meter.ts';

test('Meter gives every sample back, by windows and kinds, in the order of time', () => {
  const meter = new Meter(0);
  const count = 150_000;
  for (let sample = 0; sample < count; sample += 1) meter.finish(sample % 3 === 0 ? 'claim' : 'refused', meter.start());
  const windows = meter.windows();
  let claims = 0;
  let refused = 0;
  let lastUs = -1;
  for (const { timeUs, latenciesUs } of windows) {
    assert.equal(timeUs % WINDOW_US, 0);
    assert.ok(timeUs > lastUs);
    lastUs = timeUs;
    claims += latenciesUs.get('claim')?.length ?? 0;
    refused += latenciesUs.get('refused')?.length ?? 0;
  }
  assert.deepEqual([claims, refused], [count / 3, (count / 3) * 2]);
  assert.ok(lastUs <= meter.nowUs());
});

test('Meter counts a request as in flight until its answer came or it was given up, and does not measure what was given up', () => {
  const meter = new Meter(1);
  const first = meter.start();
  meter.start();
  assert.equal(meter.inFlight, 2);
  meter.finish('query', first);
  meter.abandon();
  assert.equal(meter.inFlight, 0);
  assert.deepEqual(
    meter.windows().flatMap(({ latenciesUs }) => [...latenciesUs].map(([kind, list]) => [kind, list.length])),
    [['query', 1]],
  );
});

test('Meter measures a latency in whole microseconds', () => {
  const meter = new Meter(1);
  meter.finish('reread', meter.start() - 12.3456);
  const [window] = meter.windows();
  const [latencyUs = 0] = window?.latenciesUs.get('reread') ?? [];
  assert.ok(Number.isInteger(latencyUs) && latencyUs >= 12_345 && latencyUs < 100_000);
});
