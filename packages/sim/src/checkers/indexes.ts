/** Indexes equal a full scan: every query of a snapshot finds exactly the rows of that snapshot that meet its terms, and counts them. */
import type { Checker } from '../record/evidence.ts';
import { meets } from '../record/model.ts';

export const indexes: Checker = {
  name: 'indexes',
  check({ snapshots }, report) {
    let checks = 0;
    for (const { order, tables } of snapshots) {
      for (const { table, rows, queries } of tables) {
        for (const { terms, rowIds, count } of queries) {
          checks += 1;
          const expected = rows.filter(({ row }) => meets(row, terms)).map(({ rowId }) => rowId);
          const found = rowIds.toSorted((a, b) => a - b);
          const what = `table ${table}, ${JSON.stringify(terms)}, by event ${order}`;
          if (found.join() !== expected.join()) report(`${what}: the index gives rows ${found.join()}, a scan ${expected.join()}`);
          if (count !== expected.length) report(`${what}: the index counts ${count} rows, a scan ${expected.length}`);
        }
      }
    }
    return checks;
  },
};
