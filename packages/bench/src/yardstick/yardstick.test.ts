import assert from 'node:assert/strict';
import test from 'node:test';
import { defineTable } from 'k-lani-client';
import { echoFrameSizeBytes, runEchoLoop } from './echo-loop.ts';
import { forkEchoServer, openEchoServer } from './echo-server.ts';
import { runRawLoop } from './raw-loop.ts';

const ECHOED = {
  schema: defineTable({ table: 'seats', fields: { rank: { type: 'uint32', index: 'non_unique' }, buyer: { type: 'uint32' } } }),
  row: { rank: 1, buyer: 2 },
};

for (const shape of [
  { connections: 1, depth: 1, requests: 50 },
  { connections: 3, depth: 16, requests: 1000 },
  { connections: 20, depth: 1, requests: 101 },
]) {
  test(`The yardsticks get ${shape.requests} answers over ${shape.connections} connections at depth ${shape.depth}`, async () => {
    const server = await openEchoServer();
    try {
      const raw = await runRawLoop(server.url, { ...shape, frameSizeBytes: echoFrameSizeBytes(ECHOED) });
      const echo = await runEchoLoop(server.url, shape, ECHOED);
      for (const { requests, perSecond, roundTripsUs } of [raw, echo]) {
        assert.equal(requests, shape.requests);
        assert.ok(perSecond > 0);
        assert.equal(roundTripsUs.length, shape.depth === 1 ? shape.requests : 0);
        assert.ok(roundTripsUs.every((timeUs) => timeUs > 0));
      }
    } finally {
      await server.close();
    }
  });
}

test('The echo server runs in a process of its own and ends with it', async () => {
  const server = await forkEchoServer();
  const { requests } = await runRawLoop(server.url, { connections: 1, depth: 4, requests: 40, frameSizeBytes: 24 });
  assert.equal(requests, 40);
  await server.close();
  await assert.rejects(runRawLoop(server.url, { connections: 1, depth: 1, requests: 1, frameSizeBytes: 24 }), { code: 'ECONNREFUSED' });
});
