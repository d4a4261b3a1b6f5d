/**
 * A process that fills a database with seats and then waits to be killed: `load-seats.ts DIRECTORY ROWS`. It tells its parent what the rows
 * cost in memory.
 */
import { openDatabase, type EmbeddedDatabase } from '@k-lani/engine';
import { SEATS } from '../concert.ts';

/** What the rows cost. */
export interface LoadReport {
  readonly heapGrowthBytes: number;
  /** Memory beyond the records themselves. */
  readonly derivedBytes: number;
  readonly rowsPerSecond: number;
}

const BATCH_ROWS = 10_000;
/** Every thousandth seat is of this rank: a term that matches 0.1 %. */
export const RARE_RANK = 10;
const COMMON_RANKS = 10;

/** Fills an empty database with `rows` seats. */
export async function loadSeats(database: EmbeddedDatabase, rows: number): Promise<void> {
  const table = await database.table(SEATS);
  for (let first = 0; first < rows; first += BATCH_ROWS) {
    await database.batch((batch) => {
      for (let seat = first; seat < Math.min(rows, first + BATCH_ROWS); seat += 1) {
        batch.append(table, { rank: seat % 1000 === 0 ? RARE_RANK : seat % COMMON_RANKS, seat_no: seat, is_booked: 0, buyer: 0 });
      }
    });
  }
}

function usedHeapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

if (import.meta.main) {
  const [, , directory = '', rows = '0'] = process.argv;
  const database = await openDatabase(directory);
  await database.table(SEATS);
  const heapBefore = usedHeapBytes();
  const startedMs = performance.now();
  await loadSeats(database, Number(rows));
  const seconds = (performance.now() - startedMs) / 1000;
  const report: LoadReport = {
    heapGrowthBytes: usedHeapBytes() - heapBefore,
    derivedBytes: database.stats().derivedBytes,
    rowsPerSecond: Number(rows) / seconds,
  };
  process.send?.(report);
}
