/** Queries of the stock of `stock.ts`. Each has an answer of about the same size in any table. */
import type { EmbeddedDatabase, EmbeddedTable } from '@k-lani/engine';
import { SOLD_OUT_RANK, STOCK, largeEvent, numberOf, smallEvent, type StockTerm } from './stock.ts';

/** A table with its database, and how many rows it has. */
export interface StockTable {
  readonly rows: number;
  readonly database: EmbeddedDatabase;
  readonly table: EmbeddedTable<typeof STOCK>;
}

/** One kind of query. */
export interface QueryKind {
  readonly name: string;
  /** The size of the answer: row ids, or the rows counted, where that is the same in any table; else why not. */
  readonly answer: number | string;
  /** Carries out the query number `sample` and returns the size of its answer. */
  readonly run: (stock: StockTable, sample: number) => number;
  /** At most how many times as long it may take in a table of a hundred times the rows. */
  readonly boundTimes: number;
}

/** What memory that no cache holds may cost: what is looked at grows with the answer, the time of a look with the table. */
const CACHE_TIMES = 6;
const TIMES = 3;

const FREE = { field: 'is_booked', eq: 0 } as const;

/** Row ids that meet the terms. */
function ids(
  name: string,
  answer: number,
  limit: number,
  terms: (sample: number, rows: number) => StockTerm[],
  boundTimes = TIMES,
): QueryKind {
  return { name, answer, boundTimes, run: ({ table, rows }, sample) => table.queryIntersect(terms(sample, rows), { limit }).length };
}

/** How many rows meet the terms. */
function count(name: string, answer: number | string, terms: (sample: number, rows: number) => StockTerm[], boundTimes = TIMES): QueryKind {
  return { name, answer, boundTimes, run: ({ table, rows }, sample) => table.count(terms(sample, rows)) };
}

/** So many rows in the order of their price; another part of the table with each sample. */
function prices(sample: number, rows: number, size: number): StockTerm {
  const from = (sample * 7919) % (rows - size);
  return { field: 'price', gte: from, lt: from + size };
}

const HALF = 'half the table';

export const QUERY_KINDS: readonly QueryKind[] = [
  ids('unique value', 1, 64, (sample, rows) => [{ field: 'number', eq: numberOf((sample * 9973) % rows, rows) }]),
  ids('value of half the rows, a page', 64, 64, () => [FREE]),
  ids('value of 10 rows', 10, 0, (sample) => [{ field: 'event', eq: smallEvent(sample) }]),
  ids('value of 1,000 rows', 1000, 0, (sample) => [{ field: 'event', eq: largeEvent(sample) }]),
  ids('half and a ninth, a page', 64, 64, (sample) => [FREE, { field: 'rank', eq: sample % SOLD_OUT_RANK }]),
  ids('half and a tenth that is sold but for 10', 10, 64, () => [FREE, { field: 'rank', eq: SOLD_OUT_RANK }]),
  ids('half and 1,000 that are sold but for 10', 10, 64, (sample) => [FREE, { field: 'event', eq: largeEvent(sample) }]),
  ids('a tenth and 1,000', 0, 64, (sample) => [
    { field: 'rank', eq: SOLD_OUT_RANK },
    { field: 'event', eq: largeEvent(sample) },
  ]),
  ids('range of 1,000', 1000, 0, (sample, rows) => [prices(sample, rows, 1000)]),
  ids('range of half the table, a page in its order', 100, 100, (sample, rows) => [prices(sample, rows, rows / 2)]),
  {
    name: 'range of 1,000, and half',
    answer: 'about 400',
    boundTimes: CACHE_TIMES,
    run: ({ table, rows }, sample) => table.queryIntersect([FREE, prices(sample, rows, 1000)], { limit: 0 }).length,
  },
  ids(
    'range of all the table, and 1,000',
    1000,
    0,
    (sample, rows) => [
      { field: 'price', lt: rows },
      { field: 'event', eq: largeEvent(sample) },
    ],
    CACHE_TIMES,
  ),
  count('count of a value', HALF, () => [FREE]),
  count('count of a range', HALF, (sample, rows) => [prices(sample, rows, rows / 2)]),
  count('count of half and a ninth', 'a part of the table', (sample) => [FREE, { field: 'rank', eq: sample % SOLD_OUT_RANK }]),
  count('count of half and 1,000', 10, (sample) => [FREE, { field: 'event', eq: largeEvent(sample) }]),
];
