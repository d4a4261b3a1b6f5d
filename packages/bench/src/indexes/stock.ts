/**
 * Rows whose indexes are of every kind, and queries whose answers are as large in a large table as in a small one.
 *
 * Of every thousandth of the table, some rows belong to events of 1,000 rows each, all but the last ten of each booked; some to events of
 * ten rows; those of the rank that is sold out are booked, but for ten at the end; of all others half are booked, and their events are
 * skewed as in Zipf's law. `number` is unique and `price` ordered, each with every number below the row count once, in an order of its own.
 */
import { defineTable, type RowOf, type TermOf } from '@k-lani/protocol';

export const STOCK = defineTable({
  table: 'stock',
  fields: {
    number: { type: 'uint32', index: 'unique' },
    event: { type: 'uint32', index: 'non_unique' },
    rank: { type: 'uint32', index: 'non_unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    price: { type: 'uint32', index: 'ordered' },
  },
});

export type Stock = RowOf<typeof STOCK>;
export type StockTerm = TermOf<typeof STOCK>;

/** Row counts of tables are multiples of this, so that they divide as the events need it. */
export const ROWS_UNIT = 10_000;
/** The smallest table. */
export const ROWS_MIN = 50_000;

/** Events of 1,000 rows, and as many of ten. */
const LARGE_EVENTS = 20;
const LARGE_EVENT_ROWS = 1000;
const SMALL_EVENT_ROWS = 10;
const FREE_OF_LARGE_EVENT = 10;
const FIRST_LARGE_EVENT = 1_000_000;
const FIRST_SMALL_EVENT = 2_000_000;
const ZIPF_EVENTS = 100_000;

const RANKS = 9;
/** The rank of a tenth of the rows, all booked but for ten. */
export const SOLD_OUT_RANK = RANKS;
const LAST_ROWS = 1000;

/** Primes that no row count has as a factor. */
const NUMBER_FACTOR = 15_485_863;
const PRICE_FACTOR = 7_368_787;

/** Which of the events of 1,000 rows `index` is. */
export function largeEvent(index: number): number {
  return FIRST_LARGE_EVENT + (index % LARGE_EVENTS);
}

/** Which of the events of ten rows `index` is. */
export function smallEvent(index: number): number {
  return FIRST_SMALL_EVENT + (index % LARGE_EVENTS);
}

/** The unique number of the row that stands at `place`, from 0. */
export function numberOf(place: number, rows: number): number {
  return (place * NUMBER_FACTOR) % rows;
}

/** The row at `place`, from 0, of a table of `rows`, a multiple of {@link ROWS_UNIT}. */
export function stockRow(place: number, rows: number): Stock {
  const row = { number: numberOf(place, rows), price: (place * PRICE_FACTOR) % rows };
  const large = place % (rows / LARGE_EVENT_ROWS);
  if (large < LARGE_EVENTS) {
    const isFree = place / rows >= 1 - FREE_OF_LARGE_EVENT / LARGE_EVENT_ROWS;
    return { ...row, event: largeEvent(large), rank: place % RANKS, is_booked: isFree ? 0 : 1 };
  }
  const small = (place % (rows / SMALL_EVENT_ROWS)) - LARGE_EVENTS;
  const event = small < LARGE_EVENTS ? smallEvent(small) : zipf(place);
  if (place % 10 !== 9) return { ...row, event, rank: place % RANKS, is_booked: random(place) & 1 };
  const isFree = place >= rows - LAST_ROWS && place % 100 === 99;
  return { ...row, event, rank: SOLD_OUT_RANK, is_booked: isFree ? 0 : 1 };
}

/** An event from 1 to `ZIPF_EVENTS`, the first ones far more often than the last. */
function zipf(place: number): number {
  return Math.floor(ZIPF_EVENTS ** (random(place + 0x4000_0000) / 2 ** 32));
}

/** A number below 2^32 that looks drawn by chance (the finalizer of MurmurHash3, by Appleby). */
function random(place: number): number {
  const first = Math.imul(place ^ (place >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return (second ^ (second >>> 16)) >>> 0;
}
