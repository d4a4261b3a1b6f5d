/** What `tryLock()` of a table is where a system has no locks of rows. @throws Error always */
export async function noRowLocks(rowId: number): Promise<never> {
  throw new Error(`Cannot lock row ${rowId}: the system has no row locks`);
}
