import type { Batch, Client } from 'k-lani-client';
import type { Shop, ShopTable } from './shop.ts';

/** A table of the client, as far as a storm needs it. */
interface ScannedTable<Row, Term> extends ShopTable<Row, Term> {
  scan(): AsyncIterable<{ readonly rowId: number; readonly row: Row }>;
}

/** A connection of the client as a shop. Closing the shop closes the client. */
export function clientShop<Row, Term>(
  client: Client,
  table: ScannedTable<Row, Term>,
  append: (batch: Batch, row: Row) => void,
): Shop<Row, Term> {
  return {
    table,
    durability: client.server.durability,
    serverVersion: client.server.serverVersion,
    appendAll: async (rows) => {
      const { changes } = await client.batch((batch) => {
        for (const row of rows) append(batch, row);
      });
      return changes.map(({ rowId }) => rowId);
    },
    scan: () => table.scan(),
    operationStatus: (operationId) => client.operationStatus(operationId),
    close: () => client.close(),
  };
}
