import { type Connection, createConnection, type SqlError } from 'mariadb';
import { Pool } from '../sql/pool.ts';
import type { Place, Way } from '../system.ts';

const USER = 'root';
const DATABASE = 'compare';

/** The error of a statement with NOWAIT that finds a row locked. */
const LOCK_WAIT_TIMEOUT = 1205;

/** Connections of one table. */
export interface MariaConnections {
  readonly pool: Pool<Connection>;
  /** Runs one prepared statement; gives its rows as lists. */
  readonly run: (statement: string, values: readonly unknown[]) => Promise<unknown[][]>;
  readonly close: () => Promise<void>;
}

export async function openMariaConnections(place: Place, way: Way): Promise<MariaConnections> {
  const connections = await Promise.all(Array.from({ length: way.connections }, () => connectMaria(place, DATABASE)));
  const pool = new Pool(connections);
  return {
    pool,
    run: (statement, values) => pool.use((connection) => connection.execute<unknown[][]>(statement, [...values])),
    close: async () => {
      await Promise.all(connections.map((connection) => connection.end()));
    },
  };
}

export function isLockNotAvailable(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && (error as SqlError).errno === LOCK_WAIT_TIMEOUT;
}

/** Makes the database that tables are in; gives the version of the server. */
export async function makeDatabase(place: Place): Promise<string> {
  const connection = await connectMaria(place, undefined);
  await connection.query(`CREATE DATABASE IF NOT EXISTS ${DATABASE}`);
  const [[version] = []] = await connection.query<string[][]>('SELECT version()');
  await connection.end();
  return version ?? 'unknown';
}

export async function probeMariaDb(place: Place): Promise<void> {
  const connection = await connectMaria(place, undefined);
  await connection.end();
}

async function connectMaria({ host, port }: Place, database: string | undefined): Promise<Connection> {
  const connection = await createConnection({
    host,
    port,
    user: USER,
    ...(database === undefined ? {} : { database }),
    rowsAsArray: true,
    prepareCacheLength: 1024,
    connectTimeout: 2000,
  });
  // What fails because of it says so.
  connection.on('error', () => {});
  return connection;
}
