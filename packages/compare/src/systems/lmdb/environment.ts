import { open, type RootDatabase } from 'lmdb';

/** Opens the environment in a directory, and makes it where there is none. Every commit is synced. */
export function openEnvironment(directory: string): RootDatabase {
  return open({
    path: directory,
    noSync: false,
    noMetaSync: false,
    overlappingSync: true,
    separateFlushed: false,
    noMemInit: true,
    pageSize: 4096,
  });
}

/**
 * Runs one transaction: alone and at once, or together with the others of this turn. What it gives is durable. Answers come in a later turn
 * of the loop: callers that go on at once would leave no turn to anybody else.
 */
export function transact<Result>(root: RootDatabase, isBatched: boolean, work: () => Result): Promise<Result> {
  return isBatched ? root.transaction(work) : new Promise((resolve) => void setImmediate(resolve, root.transactionSync(work)));
}
