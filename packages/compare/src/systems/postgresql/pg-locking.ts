import type { Client } from 'pg';
import { isLockNotAvailable, type PgConnections, type Prepared, runOn } from './pg-connections.ts';

/** A row that this transaction has locked. */
export interface LockedRow {
  /** The row as it is under the lock. */
  readonly values: readonly unknown[];
  /** Changes the row and commits: the lock ends. */
  write(statement: Prepared, values: readonly unknown[]): Promise<void>;
  /** Ends the lock without a change; nothing happens when it is over already. */
  release(): Promise<void>;
}

/**
 * Begins a transaction and locks one row in it, on a connection that is the transaction's alone.
 *
 * @param statement SELECT … FOR UPDATE with SKIP LOCKED or NOWAIT
 * @returns `undefined` when another transaction has it
 */
export async function lockRow(connections: PgConnections, statement: Prepared, values: readonly unknown[]): Promise<LockedRow | undefined> {
  const { pool, isPipelined } = connections;
  const client = await pool.borrow();
  try {
    const row = await begin(client, isPipelined, statement, values);
    if (row !== undefined) return lockedRow(connections, client, row);
  } catch (error) {
    pool.giveBack(client);
    throw error;
  }
  await client.query('ROLLBACK').finally(() => pool.giveBack(client));
  return undefined;
}

async function begin(
  client: Client,
  isPipelined: boolean,
  statement: Prepared,
  values: readonly unknown[],
): Promise<unknown[] | undefined> {
  try {
    const begun = client.query('BEGIN');
    if (!isPipelined) await begun;
    const [, rows] = await Promise.all([begun, runOn(client, statement, values)]);
    return rows[0];
  } catch (error) {
    if (isLockNotAvailable(error)) return undefined;
    throw error;
  }
}

function lockedRow({ pool, isPipelined }: PgConnections, client: Client, row: readonly unknown[]): LockedRow {
  let isOver = false;
  const end = (): void => {
    isOver = true;
    pool.giveBack(client);
  };
  return {
    values: row,
    write: async (statement, values) => {
      try {
        const written = runOn(client, statement, values);
        if (!isPipelined) await written;
        await Promise.all([written, client.query('COMMIT')]);
      } finally {
        end();
      }
    },
    release: async () => {
      if (!isOver) await client.query('ROLLBACK').finally(end);
    },
  };
}
