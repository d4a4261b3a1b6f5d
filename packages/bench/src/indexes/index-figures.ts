/**
 * `npm run bench:indexes -- [--rows 10000000]`: what queries cost in a table of so many rows, against a tenth and a hundredth of it, where the
 * answer is as large. Ends with 1 when one takes more times as long than its bound allows: then its cost grows with the table.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '@k-lani/engine';
import { medianOf } from '../figures/figure.ts';
import { describeHost, filesystemOf } from '../report/host.ts';
import { QUERY_KINDS, type QueryKind, type StockTable } from './queries.ts';
import { numberOf, ROWS_MIN, ROWS_UNIT, STOCK, stockRow } from './stock.ts';

const ROWS = 10_000_000;
/** The tables: a hundredth, a tenth and the whole. */
const PARTS = [100, 10, 1];
const BATCH_ROWS = 10_000;
const UPDATES_TIMES = 3;

/** What is measured. */
export interface IndexOptions {
  /** Rows of each table, rising: multiples of `ROWS_UNIT`, at least `ROWS_MIN`. */
  readonly rows: readonly number[];
  /** How often each query is asked of each table. */
  readonly samples: number;
}

/** What a kind of query cost in each table, the smallest first. */
export interface IndexFigure {
  readonly name: string;
  readonly answer: number | string;
  /** The size of the answer in each table. */
  readonly answers: readonly number[];
  /** Microseconds, the middle one of the samples. */
  readonly micros: readonly number[];
  /** Microseconds of the very first, which finds nothing remembered. */
  readonly firstMicros: readonly number[];
  readonly boundTimes: number;
}

/** A table's memory. */
export interface IndexMemory {
  readonly rows: number;
  readonly derivedBytes: number;
  readonly indexes: readonly { readonly field: string; readonly sizeBytes: number }[];
}

/** Measures in an empty `directory`. */
export async function indexFigures(
  directory: string,
  { rows, samples }: IndexOptions,
): Promise<{ figures: IndexFigure[]; memory: IndexMemory[] }> {
  await using opened = new AsyncDisposableStack();
  const stocks: StockTable[] = [];
  for (const count of rows) {
    const database = opened.use(await openDatabase(join(directory, String(count)), { durability: 'os', checkpointBytes: 0 }));
    stocks.push({ rows: count, database, table: await database.table(STOCK) });
  }
  for (const stock of stocks) await fill(stock);
  const figures = QUERY_KINDS.map((kind) => measure(kind, stocks, samples));
  figures.push(await measureUpdates(stocks, samples));
  return { figures, memory: stocks.map(memoryOf) };
}

async function fill({ database, table, rows }: StockTable): Promise<void> {
  for (let first = 0; first < rows; first += BATCH_ROWS) {
    await database.batch((batch) => {
      for (let place = first; place < first + BATCH_ROWS; place += 1) batch.append(table, stockRow(place, rows));
    });
  }
}

/** Asks the tables in turns, so that what else the machine does falls on all of them. */
function measure(kind: QueryKind, stocks: readonly StockTable[], samples: number): IndexFigure {
  const times = stocks.map(() => new Float64Array(samples));
  const answers = stocks.map(() => 0);
  const firstMicros = stocks.map(() => 0);
  for (let sample = -samples; sample < samples; sample += 1) {
    for (const [place, stock] of stocks.entries()) {
      const startedMs = performance.now();
      answers[place] = kind.run(stock, sample + samples);
      const micros = (performance.now() - startedMs) * 1000;
      if (sample === -samples) firstMicros[place] = micros;
      if (sample >= 0) (times[place] as Float64Array)[sample] = micros;
    }
  }
  const { name, answer, boundTimes } = kind;
  return { name, answer, answers, firstMicros, boundTimes, micros: times.map((each) => medianOf(each.toSorted())) };
}

/** Claims of one row by its number that change its keys in two indexes, one after the other. */
async function measureUpdates(stocks: readonly StockTable[], samples: number): Promise<IndexFigure> {
  const times = stocks.map(() => new Float64Array(samples));
  const firstMicros = stocks.map(() => 0);
  for (let sample = -samples; sample < samples; sample += 1) {
    for (const [place, { table, rows }] of stocks.entries()) {
      const startedMs = performance.now();
      const number = numberOf(((sample + samples) * 7919 * 10 + 50) % rows, rows);
      const set = { is_booked: sample & 1, event: 1 + ((sample + samples) % 1000) };
      const result = await table.claim({ where: [{ field: 'number', eq: number }], set });
      if (result.outcome !== 'claimed') throw new Error(`Cannot update row with number ${number}`);
      const micros = (performance.now() - startedMs) * 1000;
      if (sample === -samples) firstMicros[place] = micros;
      if (sample >= 0) (times[place] as Float64Array)[sample] = micros;
    }
  }
  const micros = times.map((each) => medianOf(each.toSorted()));
  return {
    name: 'update of two indexed fields, not synced',
    answer: 1,
    answers: stocks.map(() => 1),
    micros,
    firstMicros,
    boundTimes: UPDATES_TIMES,
  };
}

function memoryOf({ database, rows }: StockTable): IndexMemory {
  const { derivedBytes, tables } = database.stats();
  return { rows, derivedBytes, indexes: tables[0]?.indexes ?? [] };
}

/** How many times as long the query takes in the largest table. */
export function timesOf({ micros }: IndexFigure): number {
  return (micros.at(-1) ?? Number.NaN) / (micros[0] ?? Number.NaN);
}

/** The figures as lines of text, in columns. */
export function formatIndexFigures(figures: readonly IndexFigure[], rows: readonly number[]): string {
  const sizes = rows.map((count) => count.toLocaleString('en'));
  const cells = (values: readonly (string | number)[]): string => values.map((value) => String(value).padStart(12)).join('');
  const head = `${'        microseconds, the middle one'.padEnd(56)}${'answer'.padStart(20)}${cells(sizes)}${cells(['times', 'bound', 'first ask'])}`;
  const lines = figures.map((figure) => {
    const { name, answer, micros, firstMicros, boundTimes } = figure;
    const times = timesOf(figure);
    const mark = times <= boundTimes ? 'kept  ' : 'MISSED';
    const first = (firstMicros.at(-1) ?? Number.NaN).toFixed(0);
    return `${mark}  ${name.padEnd(48)}${String(answer).padStart(20)}${cells(micros.map((value) => value.toFixed(1)))}${cells([times.toFixed(2), boundTimes, first])}`;
  });
  return [head, ...lines].join('\n');
}

/** What the indexes of each table take, as lines of text. */
export function formatIndexMemory(memory: readonly IndexMemory[]): string {
  return memory
    .map(({ rows, derivedBytes, indexes }) => {
      const parts = indexes.map(({ field, sizeBytes }) => `${field} ${(sizeBytes / rows).toFixed(1)}`).join(', ');
      return `${rows.toLocaleString('en').padStart(12)} rows: ${(derivedBytes / rows).toFixed(1)} bytes a row in both sides; in one, by index: ${parts}`;
    })
    .join('\n');
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { rows: { type: 'string', default: String(ROWS) }, samples: { type: 'string', default: '400' } },
  });
  const options = { rows: PARTS.map((part) => Number(values.rows) / part), samples: Number(values.samples) };
  if (!options.rows.every((count) => Number.isInteger(count / ROWS_UNIT) && count >= ROWS_MIN)) {
    const rule = `must be a multiple of ${ROWS_UNIT * 100}, at least ${ROWS_MIN * 100}`;
    throw new Error(`Cannot measure: --rows is ${values.rows}, ${rule}`);
  }
  if (!Number.isInteger(options.samples) || options.samples < 1) {
    throw new Error(`Cannot measure: --samples is ${values.samples}, must be a whole number, at least 1`);
  }
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-indexes-'));
  try {
    const host = { ...describeHost(), node: process.version, filesystem: filesystemOf(directory), durability: 'os' };
    process.stdout.write(`${JSON.stringify(host)}\n`);
    const { figures, memory } = await indexFigures(directory, options);
    process.stdout.write(`${formatIndexFigures(figures, options.rows)}\n${formatIndexMemory(memory)}\n`);
    process.exitCode = figures.every((figure) => timesOf(figure) <= figure.boundTimes) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
