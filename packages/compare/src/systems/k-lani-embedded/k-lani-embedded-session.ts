import { join } from 'node:path';
import { ROOMS, SEATS, type ShopTable } from '@k-lani/bench';
import { type EmbeddedDatabase, type EmbeddedTable, openDatabase } from '@k-lani/engine';
import type { TableSchema, TermOf } from '@k-lani/protocol';
import { share } from '@k-lani/threads';
import type { Goods, UnitRow, UnitTerm } from '../goods.ts';
import { packageVersion } from '../installed-packages.ts';
import type { OpenGoods, Session } from '../system.ts';
import { openKLaniHotRows } from './hot-rows.ts';
import { openKLaniItems } from './k-lani-items.ts';

export function openKLaniEmbedded(directory: string): Session {
  return {
    version: packageVersion('@k-lani/engine'),
    openGoods: async (goods, run) => openGoods(await openDatabase(join(directory, run)), goods),
    openItems: async (run) => openKLaniItems(await openDatabase(join(directory, run)), true),
    openPlainItems: async (run) => openKLaniItems(await openDatabase(join(directory, run)), false),
    openHotRows: async (run) => openKLaniHotRows(await openDatabase(join(directory, run))),
    hotThread: async (run) => {
      const database = await openDatabase(join(directory, run));
      return {
        module: new URL('hot-rows.ts', import.meta.url).href,
        data: share(database),
        close: () => database.close(),
      };
    },
    readers: async (run) => {
      const path = join(directory, run);
      const database = await openDatabase(path);
      return {
        module: new URL('k-lani-items.ts', import.meta.url).href,
        shared: database.share(),
        path,
        copied: (copy) => copy,
        close: () => database.close(),
      };
    },
    close: async () => {},
  };
}

async function openGoods(database: EmbeddedDatabase, { name }: Goods): Promise<OpenGoods> {
  const schema: TableSchema = name === 'concert' ? SEATS : ROOMS;
  const table = await database.table(schema);
  return {
    tables: [shopTable(table)],
    appendAll: async (rows) => {
      const { changes } = await database.batch((batch) => {
        for (const row of rows) batch.append(table, row);
      });
      return changes.map(({ rowId }) => rowId);
    },
    scan: async function* () {
      for (const { rowId, row } of table.scan()) yield { rowId, row: row as UnitRow };
    },
    close: () => database.close(),
  };
}

/** Rows and terms of goods are those of the two schemas. */
function shopTable(table: EmbeddedTable<TableSchema>): ShopTable<UnitRow, UnitTerm> {
  return {
    queryIntersect: async (terms, options) => table.queryIntersect(terms as readonly TermOf<TableSchema>[], options),
    tryLock: async (rowId) => {
      const lock = await table.tryLock(rowId);
      if (lock === undefined) return undefined;
      return {
        seek: async () => (await lock.seek()) as { row: UnitRow } | undefined,
        replace: (row) => lock.replace(row),
        unlock: () => lock.unlock(),
      };
    },
    claim: ({ where, set }) => table.claim({ where: where as readonly TermOf<TableSchema>[], set }),
  };
}
