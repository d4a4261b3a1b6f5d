import { Client } from 'pg';
import { Pool } from '../sql/pool.ts';
import type { Place, Way } from '../system.ts';

export const USER = 'compare';
const DATABASE = 'postgres';

/** The state that a statement ends with when NOWAIT finds a row locked. */
const LOCK_NOT_AVAILABLE = '55P03';

/** A statement that the server parses and plans once for each connection. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
}

/** Connections of one table. */
export interface PgConnections {
  readonly pool: Pool<Client>;
  /** Whether statements may be sent before those before them are answered. */
  readonly isPipelined: boolean;
  /** Runs one prepared statement outside of transactions, also while others are; gives its rows as lists. */
  readonly run: (statement: Prepared, values: readonly unknown[]) => Promise<unknown[][]>;
  /** Runs one on a connection that nobody has borrowed for a transaction. */
  readonly runAlone: (statement: Prepared, values: readonly unknown[]) => Promise<unknown[][]>;
  readonly close: () => Promise<void>;
}

/** Opens connections. Ways whose name ends with "pipelined" send statements without waiting for the ones before. */
export async function openPgConnections(place: Place, way: Way): Promise<PgConnections> {
  const isPipelined = way.name.endsWith('pipelined');
  const clients = await Promise.all(Array.from({ length: way.connections }, () => connectPg(place, isPipelined)));
  const pool = new Pool(clients);
  const runAlone: PgConnections['runAlone'] = (statement, values) => pool.use((client) => runOn(client, statement, values));
  return {
    pool,
    isPipelined,
    runAlone,
    run: isPipelined ? (statement, values) => runOn(pool.next, statement, values) : runAlone,
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/** Runs a prepared statement; gives its rows as lists. */
export async function runOn(client: Client, { name, text }: Prepared, values: readonly unknown[]): Promise<unknown[][]> {
  const { rows } = await client.query<unknown[]>({ name, text, values: [...values], rowMode: 'array' });
  return rows;
}

export function isLockNotAvailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
}

export async function connectPg({ host, port }: Place, pipeline: boolean): Promise<Client> {
  const client = new Client({ host, port, user: USER, database: DATABASE, pipeline });
  // What fails because of it says so.
  client.on('error', () => {});
  await client.connect();
  return client;
}

export async function probePostgreSql(place: Place): Promise<void> {
  const client = await connectPg(place, false);
  await client.end();
}
