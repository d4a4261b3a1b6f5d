import assert from 'node:assert/strict';
import test from 'node:test';
import { Opcode, defineTable } from '@k-lani/protocol';
import { type Client, openClient } from './client.ts';
import { FakeServer } from './fake-server.ts';
import { FakeTable } from './fake-table.ts';
import { ManualEnvironment } from './manual-environment.ts';
import type { RemoteTable } from './table.ts';

const SEATS = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    buyer: { type: 'fixed_string', length: 16, required: false },
  },
});

interface Setup {
  readonly server: FakeServer;
  readonly time: ManualEnvironment;
  readonly client: Client;
  readonly seats: RemoteTable<typeof SEATS>;
}

async function setUp(change: (server: FakeServer) => void = () => {}): Promise<Setup> {
  const server = new FakeServer(new FakeTable(SEATS));
  change(server);
  const time = new ManualEnvironment();
  const client = await openClient(server, 'fake:', { environment: time, timeoutMs: 1000 });
  const opened = await client.openTable('seats');
  return { server, time, client, seats: opened as unknown as RemoteTable<typeof SEATS> };
}

/** Lets all that is ready happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('calls of one tick leave in one write and are answered whatever the order of the answers', async () => {
  const { server, seats, client } = await setUp();
  await Promise.all([seats.append({ rank: 1, buyer: 'ada' }), seats.append({ rank: 2 })]);
  const writes = server.writes;
  server.session.hold();
  const reads = [seats.seek(1), seats.seek(2), seats.seek(3)];
  await turn();
  assert.equal(server.writes, writes + 1);
  server.session.release((count) => [...Array.from({ length: count }).keys()].toReversed());
  const rows = await Promise.all(reads);
  assert.deepEqual(rows, [
    { rowId: 1, version: 1, lsn: 1, row: { rank: 1, buyer: 'ada' } },
    { rowId: 2, version: 1, lsn: 2, row: { rank: 2, buyer: null } },
    undefined,
  ]);
  await client.close();
});
