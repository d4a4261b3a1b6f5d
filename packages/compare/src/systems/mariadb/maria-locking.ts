import type { Connection } from 'mariadb';
import { isLockNotAvailable, type MariaConnections } from './maria-connections.ts';

/** A row that this transaction has locked. */
export interface LockedRow {
  /** The row as it is under the lock. */
  readonly values: readonly unknown[];
  /** Changes the row and commits: the lock ends. */
  write(statement: string, values: readonly unknown[]): Promise<void>;
  /** Ends the lock without a change; nothing happens when it is over already. */
  release(): Promise<void>;
}

/**
 * Begins a transaction and locks one row in it, on a connection that is the transaction's alone. The connector sends a statement without
 * waiting for the one before, so beginning and locking are one round trip, and so are writing and committing.
 *
 * @param statement SELECT … FOR UPDATE with SKIP LOCKED or NOWAIT
 * @returns `undefined` when another transaction has it, or there is no such row
 */
export async function lockRow({ pool }: MariaConnections, statement: string, values: readonly unknown[]): Promise<LockedRow | undefined> {
  const connection = await pool.borrow();
  try {
    const row = await begin(connection, statement, values);
    if (row !== undefined) return lockedRow(connection, row, () => pool.giveBack(connection));
    await connection.rollback();
  } catch (error) {
    pool.giveBack(connection);
    throw error;
  }
  pool.giveBack(connection);
  return undefined;
}

async function begin(connection: Connection, statement: string, values: readonly unknown[]): Promise<unknown[] | undefined> {
  try {
    const [, rows] = await Promise.all([connection.beginTransaction(), connection.execute<unknown[][]>(statement, [...values])]);
    return rows[0];
  } catch (error) {
    if (isLockNotAvailable(error)) return undefined;
    throw error;
  }
}

function lockedRow(connection: Connection, row: readonly unknown[], giveBack: () => void): LockedRow {
  let isOver = false;
  const end = (): void => {
    isOver = true;
    giveBack();
  };
  return {
    values: row,
    write: async (statement, values) => {
      try {
        // A commit that is sent before the write failed would commit the nothing that was written: the write's error says so.
        await Promise.all([connection.execute(statement, [...values]), connection.commit()]);
      } finally {
        end();
      }
    },
    release: async () => {
      if (!isOver) await connection.rollback().finally(end);
    },
  };
}
