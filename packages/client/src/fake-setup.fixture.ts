import { defineTable } from '@k-lani/protocol';
import { type Client, type ClientOptions, openClient } from './client.ts';
import { FakeServer } from './fake-server.fixture.ts';
import { FakeTable } from './fake-table.fixture.ts';
import { ManualEnvironment } from './manual-environment.fixture.ts';
import type { RemoteTable } from './table.ts';

/** The table that a {@link FakeServer} has unless a test gives it another. */
export const SEATS = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    price: { type: 'uint32', index: 'ordered', default: 0 },
    buyer: { type: 'fixed_string', length: 16, required: false },
  },
});

/** The next version of {@link SEATS}. */
export const SEATS_2 = defineTable({
  table: 'seats',
  version: 2,
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    price: { type: 'uint32', index: 'ordered', default: 0 },
    buyer: { type: 'fixed_string', length: 16, required: false },
    gate: { type: 'uint8', default: 9 },
  },
});

/** The time-out of the calls of a {@link FakeSetup}. */
export const TIMEOUT_MS = 1000;

/** A client of a fake server, with time that stands still. */
export interface FakeSetup {
  readonly server: FakeServer;
  readonly time: ManualEnvironment;
  readonly client: Client;
  readonly seats: RemoteTable<typeof SEATS>;
}

/** @param change is called before the client connects */
export async function setUpFake(change: (server: FakeServer) => void = () => {}, options: ClientOptions = {}): Promise<FakeSetup> {
  const server = new FakeServer(new FakeTable(SEATS));
  change(server);
  const time = new ManualEnvironment();
  const client = await openClient(server, 'fake:', { environment: time, timeoutMs: TIMEOUT_MS, ...options });
  return { server, time, client, seats: await client.table(SEATS) };
}
