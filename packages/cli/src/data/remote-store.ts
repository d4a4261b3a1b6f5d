/** A database behind a running server. */
import { connect } from 'k-lani-client';
import type { Store } from './store.ts';

/**
 * Connects to a server.
 *
 * @throws {KLaniError} `ConnectionLost` when there is none at the address
 */
export async function openRemoteStore(
  url: string,
  { actor, timeoutMs }: { readonly actor: string; readonly timeoutMs: number },
): Promise<Store> {
  const client = await connect(url, { name: actor, timeoutMs });
  return {
    place: url,
    openTable: async (name) => {
      const table = await client.openTable(name);
      return { table, appendAll: (rows) => client.batch((batch) => rows.forEach((row) => batch.append(table, row))) };
    },
    createTable: (schema) => client.table(schema),
    alterTable: (schema) => client.alterTable(schema),
    listTables: () => client.listTables(),
    stats: () => client.stats(),
    operationStatus: (operationId) => client.operationStatus(operationId),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
