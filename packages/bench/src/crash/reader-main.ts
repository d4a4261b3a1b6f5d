/**
 * A process that reads the tables of a server beside it without talking to it, until it is killed: `node reader-main.js DIRECTORY`. It prints a
 * line when it has begun, and one that says what is wrong, and ends, if it sees what was never so.
 */
import { openReader, type ReaderDatabase, type TableReader } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { COUNTERS, COUNTER_ROWS } from './churn.ts';

/** What is wrong with a snapshot of the counters; its versions together are returned in `sum`. */
function look(table: TableReader<typeof COUNTERS>): { readonly sum: number; readonly fault: string | undefined } {
  let sum = 0;
  let rows = 0;
  let fault: string | undefined;
  for (const { rowId, version, row } of table.scan()) {
    rows += 1;
    sum += version;
    if (row.count !== version - 1) fault = `row ${rowId} has count ${row.count} in version ${version}`;
  }
  const found = table.queryIntersect([{ field: 'count', gte: 0 }], { limit: 0 }).length;
  if (rows !== COUNTER_ROWS || found !== rows) fault = `${rows} rows are there, and ${found} in the index, must be ${COUNTER_ROWS}`;
  return { sum, fault };
}

function readOn(reader: ReaderDatabase, table: TableReader<typeof COUNTERS>): string {
  let sum = 0;
  for (;;) {
    try {
      const seen = look(table);
      if (seen.fault !== undefined) return `${seen.fault}, at ${reader.stats().lsn}`;
      if (seen.sum < sum) return `the versions of all rows went back from ${sum} to ${seen.sum}`;
      sum = seen.sum;
    } catch (error) {
      if (!(error instanceof KLaniError) || error.retry !== 'safe') return String(error);
    }
  }
}

const reader = await openReader(process.argv[2] ?? '');
const table = await reader.table(COUNTERS);
process.stdout.write('reads\n', () => {
  process.stdout.write(`${readOn(reader, table)}\n`, () => process.exit(1));
});
