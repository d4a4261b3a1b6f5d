/** What the engine costs in a process: memory and opening time of a million seats, point reads, intersections. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openDatabase, type EmbeddedTable } from '@k-lani/engine';
import { SeededRandom } from '@k-lani/base';
import { SEATS } from '../concert.ts';
import { medianOf, type Figure } from './figure.ts';
import { RARE_RANK, type LoadReport } from './load-seats.ts';

const MIB = 1024 * 1024;
const SAMPLES = 2000;
const READS_PER_SAMPLE = 100;
const WARM_UP_SAMPLES = 500;
const QUERY_SAMPLES = 2000;
const QUERY_LIMIT = 64;

type Seats = EmbeddedTable<typeof SEATS>;

/** Measures with `rows` seats in an empty `directory`. The process that wrote them is killed before they are read. */
export async function embeddedFigures(directory: string, rows: number): Promise<Figure[]> {
  const load = await loadAndKill(directory, rows);
  const startedMs = performance.now();
  await using database = await openDatabase(directory);
  const openSeconds = (performance.now() - startedMs) / 1000;
  const table = await database.table(SEATS);
  const scale = `${rows.toLocaleString('en')} rows`;
  return [
    {
      name: 'JavaScript heap growth',
      value: load.heapGrowthBytes / MIB,
      unit: 'MiB',
      bound: 32,
      direction: 'atMost',
      detail: `${scale}, written at ${Math.round(load.rowsPerSecond).toLocaleString('en')} rows/s`,
    },
    {
      name: 'memory beyond the records, both indexes',
      value: load.derivedBytes / rows,
      unit: 'bytes/row',
      bound: 40,
      direction: 'atMost',
      detail: `${scale}, both sides and the window of operation ids`,
    },
    { name: 'open after SIGKILL', value: openSeconds, unit: 's', bound: 3, direction: 'atMost', detail: scale },
    {
      name: 'embedded point read, all fields decoded',
      value: pointReadNs(table, rows),
      unit: 'ns median',
      bound: 500,
      direction: 'atMost',
      detail: `random ids, means of ${READS_PER_SAMPLE} reads`,
    },
    {
      name: 'two-index intersection, first 64 of 0.1 %',
      value: intersectionUs(table),
      unit: 'µs median',
      bound: 10,
      direction: 'atMost',
      detail: `${scale}, row ids as an array`,
    },
  ];
}

async function loadAndKill(directory: string, rows: number): Promise<LoadReport> {
  const child = fork(new URL('./load-seats.ts', import.meta.url), [directory, String(rows)], { execArgv: ['--expose-gc'] });
  const exited = once(child, 'exit');
  const report = await Promise.race([
    once(child, 'message').then(([message]) => message as LoadReport),
    exited.then(([code]) => Promise.reject(new Error(`Cannot load seats: the process exited with ${String(code)}`))),
  ]);
  child.kill('SIGKILL');
  await exited;
  return report;
}

function pointReadNs(table: Seats, rows: number): number {
  const random = new SeededRandom(1);
  const ids = Uint32Array.from({ length: SAMPLES * READS_PER_SAMPLE }, () => 1 + random.below(rows));
  const means = new Float64Array(SAMPLES);
  let next = 0;
  for (let sample = -WARM_UP_SAMPLES; sample < SAMPLES; sample += 1) {
    if (next + READS_PER_SAMPLE > ids.length || sample === 0) next = 0;
    const startedMs = performance.now();
    for (let read = 0; read < READS_PER_SAMPLE; read += 1) {
      const rowId = ids[next] ?? 1;
      next += 1;
      if (table.seek(rowId)?.row.seat_no !== rowId - 1) throw new Error(`Cannot read row ${rowId}`);
    }
    if (sample >= 0) means[sample] = ((performance.now() - startedMs) / READS_PER_SAMPLE) * 1e6;
  }
  return medianOf(means.toSorted());
}

function intersectionUs(table: Seats): number {
  const terms = [
    { field: 'rank', eq: RARE_RANK },
    { field: 'is_booked', eq: 0 },
  ] as const;
  const times = new Float64Array(QUERY_SAMPLES);
  for (let sample = -QUERY_SAMPLES; sample < QUERY_SAMPLES; sample += 1) {
    const startedMs = performance.now();
    const found = table.queryIntersect(terms, { limit: QUERY_LIMIT, spread: sample + QUERY_SAMPLES + 1 });
    if (sample >= 0) times[sample] = (performance.now() - startedMs) * 1000;
    if (found.length === 0) throw new Error('Cannot find the rare rank');
  }
  return medianOf(times.toSorted());
}
