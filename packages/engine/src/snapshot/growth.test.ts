/** What queries cost, in pages of the store that they look up: it grows with the answer, not with the table. The clock of it is `bench:indexes`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NONE } from '../memory/none.ts';
import { PageStore } from '../memory/page-store.ts';
import { TableSide } from './table-side.ts';
import { Intersection } from '../index/intersection.ts';
import { TermList } from '../index/term.ts';

const ROWS = [20_000, 640_000] as const;
/** So many times as many look-ups in the larger table, whose trees are higher; and one for each row id: it may be on a page of its own. */
const TIMES_MAX = 2;

const BOOKED = 0;
const EVENT = 1;
const RANK = 2;
const PRICE = 3;
const NUMBER = 4;
const KINDS = ['non_unique', 'non_unique', 'non_unique', 'ordered', 'unique'] as const;

/** The rank of a tenth of the rows, of which ten, at the end, are not booked. */
const SOLD_OUT_RANK = 9;
const FREE = 10;
const EVENT_ROWS = 200;
const EVENTS = 10;

class CountingStore extends PageStore {
  lookUps = 0;

  override words(page: number): Uint32Array {
    this.lookUps += 1;
    return super.words(page);
  }
}

/** A condition: one value of a field, or those from `low` to `high`. */
interface Condition {
  readonly field: number;
  readonly low: number;
  readonly high?: number;
}

class Table {
  readonly rows: number;
  readonly #store = new CountingStore();
  readonly #side = TableSide.create(this.#store);
  readonly #keys: Uint32Array[] = KINDS.map(() => new Uint32Array(1));
  readonly #walk = new Intersection((rowId, { fieldIndex, low, high }) => {
    const value = this.#values(rowId)[fieldIndex] ?? 0;
    this.#store.lookUps += 1;
    return value >= (low[0] ?? 0) && value <= (high[0] ?? 0);
  });

  constructor(rows: number) {
    this.rows = rows;
    for (const [fieldIndex, kind] of KINDS.entries()) {
      this.#side.addIndex(this.#store, { fieldIndex, kind, keyWords: 1, defaultKey: new Uint32Array(1) });
    }
    for (let rowId = 1; rowId <= rows; rowId += 1) {
      for (const [field, value] of this.#values(rowId).entries()) {
        (this.#keys[field] as Uint32Array)[0] = value;
        this.#side.index(field).add(this.#keys[field] as Uint32Array, rowId);
      }
      this.#side.locations.set(rowId, rowId);
    }
  }

  /** Pages looked up by a query of at most `limit` row ids, and how many it found; asked a second time, as a crowd asks. */
  query(conditions: readonly Condition[], limit: number): { lookUps: number; answer: number } {
    const terms = termsOf(conditions);
    const once = (): number => {
      const first = this.#side.firstMatch(terms, this.#walk);
      if (first === NONE) return 0;
      this.#walk.begin(this.#side, terms, undefined, 1, first);
      let count = 0;
      while (count < limit && this.#walk.next() !== NONE) count += 1;
      return count;
    };
    return this.#measure(once);
  }

  count(conditions: readonly Condition[]): { lookUps: number; answer: number } {
    const terms = termsOf(conditions);
    return this.#measure(() => this.#side.countMatches(terms, this.#walk));
  }

  /** Pages looked up when one row changes in every index and back. */
  update(): { lookUps: number; answer: number } {
    const before = this.#values(17);
    const after = [1 - (before[BOOKED] ?? 0), 100_001, 3, 77, this.rows + 1];
    const change = (from: readonly number[], to: readonly number[]): void => {
      for (const [field, value] of from.entries()) {
        const index = this.#side.index(field);
        index.remove(Uint32Array.of(value), 17);
        index.add(Uint32Array.of(to[field] ?? 0), 17);
      }
    };
    const { lookUps } = this.#measure(() => {
      change(before, after);
      change(after, before);
      return 0;
    });
    return { lookUps, answer: 1 };
  }

  #measure(run: () => number): { lookUps: number; answer: number } {
    run();
    const before = this.#store.lookUps;
    const answer = run();
    return { lookUps: this.#store.lookUps - before, answer };
  }

  #values(rowId: number): number[] {
    const { rows } = this;
    const price = (rowId * 7919) % rows;
    const number = (rowId * 104_729) % rows;
    const place = rowId % (rows / EVENT_ROWS);
    if (place < EVENTS) return [rowId <= rows - (rows / EVENT_ROWS) * FREE ? 1 : 0, 1000 + place, rowId % 9, price, number];
    const event = rowId % 3 === 0 ? 1 : 100_000 + (rowId % 5000);
    if (rowId % 10 !== 9) return [rowId & 1, event, rowId % 9, price, number];
    return [rowId > rows - FREE * 10 ? 0 : 1, event, SOLD_OUT_RANK, price, number];
  }
}

function termsOf(conditions: readonly Condition[]): TermList {
  const list = new TermList();
  for (const { field, low, high } of conditions) {
    const term = list.add();
    term.fieldIndex = field;
    term.keyWords = 1;
    term.isEqual = high === undefined;
    term.low[0] = low;
    term.high[0] = high ?? low;
  }
  return list;
}

const tables = ROWS.map((rows) => new Table(rows));
const free = { field: BOOKED, low: 0 };
const event = { field: EVENT, low: 1003 };

/** What is asked of a table of so many rows. The answers are of the same size. */
const QUERIES: Readonly<Record<string, (table: Table) => { lookUps: number; answer: number }>> = {
  'a unique value': (table) => table.query([{ field: NUMBER, low: 17 }], 64),
  'a page of half the rows': (table) => table.query([free], 64),
  'a value of 200 rows': (table) => table.query([event], Infinity),
  'a page of half the rows and a ninth': (table) => table.query([free, { field: RANK, low: 4 }], 64),
  'a tenth of the rows, of which ten are free': (table) => table.query([free, { field: RANK, low: SOLD_OUT_RANK }], 64),
  '200 rows, of which ten are free': (table) => table.query([free, event], 64),
  'a third of the rows, and 200': (table) =>
    table.query(
      [
        { field: EVENT, low: 1 },
        { field: PRICE, low: 500, high: 699 },
      ],
      Infinity,
    ),
  'a range of 200 rows': (table) => table.query([{ field: PRICE, low: 500, high: 699 }], Infinity),
  'a page of a range of half the rows': (table) => table.query([{ field: PRICE, low: 100, high: table.rows / 2 }], 100),
  'a range of all rows, and 200': (table) => table.query([{ field: PRICE, low: 0, high: table.rows }, event], Infinity),
  'an update': (table) => table.update(),
  'a count of half the rows': (table) => table.count([free]),
  'a count of a range of half the rows': (table) => table.count([{ field: PRICE, low: 100, high: table.rows / 2 }]),
  'a count of a tenth of the rows, of which ten are free': (table) => table.count([free, { field: RANK, low: SOLD_OUT_RANK }]),
  'a count of half the rows and a ninth': (table) => table.count([free, { field: RANK, low: 4 }]),
  'a count of 200 rows, of which ten are free': (table) => table.count([free, event]),
};

for (const [name, ask] of Object.entries(QUERIES)) {
  test(`Indexes look up as many pages for ${name} in a table of ${ROWS[1] / ROWS[0]} times the rows`, () => {
    const [small, large] = tables.map(ask);
    assert.ok(small !== undefined && large !== undefined);
    const message = `${small.lookUps} look-ups for ${small.answer}, ${large.lookUps} for ${large.answer}`;
    assert.ok(small.answer > 0 && large.answer > 0, message);
    const lookUpsMax = small.lookUps * TIMES_MAX + (name.startsWith('a count') ? 0 : large.answer);
    assert.ok(large.lookUps <= lookUpsMax, message);
  });
}
