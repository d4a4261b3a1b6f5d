import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError, SeededRandom } from '@k-lani/base';
import * as fc from 'fast-check';
import { NONE } from '../memory/none.ts';
import { PAGE_WORDS, PageStore, pageOffset } from '../memory/page-store.ts';
import { KEY_WORDS_MAX } from './ordered-header.ts';
import { OrderedIndex } from './ordered-index.ts';

/** Key words, then the row id. */
type Entry = readonly number[];
type KeySource = (random: SeededRandom, keyWords: number) => Uint32Array;

const EDGES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/** Kinds of keys that take different ways through the search of a page. */
const SOURCES: Readonly<Record<string, KeySource>> = {
  'spread over all words': (random, keyWords) => Uint32Array.from({ length: keyWords }, () => random.uint32()),
  'few, with many rows': (random, keyWords) => new Uint32Array(keyWords).fill(random.below(3), random.below(keyWords)),
  'different in the last word': (random, keyWords) => new Uint32Array(keyWords).fill(random.below(500), keyWords - 1),
  'of edge values': (random, keyWords) => Uint32Array.from({ length: keyWords }, () => EDGES[random.below(EDGES.length)] ?? 0),
};

/** A sorted array of entries: what an index is, plainly. */
class Model {
  readonly entries: Entry[] = [];
  readonly keyWords: number;

  constructor(keyWords: number) {
    this.keyWords = keyWords;
  }

  /** How many entries are less than (`key`, `rowId`). */
  rank(key: Uint32Array, rowId: number): number {
    const bound = [...key, rowId];
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.entries[middle] ?? [], bound) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(key: Uint32Array, rowId: number): boolean {
    return compare(this.entries[this.rank(key, rowId)] ?? [], [...key, rowId]) === 0;
  }

  rowIds(low: Uint32Array, high: Uint32Array): number[] {
    return this.entries.slice(this.rank(low, 0), this.rank(high, 0xffff_ffff)).map((entry) => entry.at(-1) ?? 0);
  }
}

function compare(left: Entry, right: Entry): number {
  for (let index = 0; index < right.length; index += 1) {
    const difference = (left[index] ?? Infinity) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

class Run {
  readonly random: SeededRandom;
  readonly model: Model;
  readonly source: KeySource;
  readonly store = new PageStore();
  readonly index: OrderedIndex;

  constructor(seed: number, keyWords: number, source: KeySource) {
    this.random = new SeededRandom(seed);
    this.model = new Model(keyWords);
    this.source = source;
    this.index = OrderedIndex.create(this.store, keyWords);
  }

  key(): Uint32Array {
    const { entries, keyWords } = this.model;
    const isKnown = entries.length > 0 && this.random.below(2) === 0;
    const known = entries[this.random.below(entries.length)] ?? [];
    return isKnown ? Uint32Array.from(known.slice(0, keyWords)) : this.source(this.random, keyWords);
  }

  add(): void {
    const key = this.source(this.random, this.model.keyWords);
    const rowId = 1 + this.random.below(0xffff_fffe);
    if (this.model.has(key, rowId)) return;
    this.index.add(key, rowId);
    this.model.entries.splice(this.model.rank(key, rowId), 0, [...key, rowId]);
  }

  remove(): void {
    const { entries, keyWords } = this.model;
    const entry = entries[this.random.below(entries.length)];
    if (entry === undefined) return;
    const key = Uint32Array.from(entry.slice(0, keyWords));
    const rowId = entry.at(-1) ?? 0;
    assert.equal(this.index.remove(key, rowId), true);
    assert.equal(this.index.remove(key, rowId), false);
    entries.splice(this.model.rank(key, rowId), 1);
  }

  /** Adds more than it removes up to `size` entries and then turns round, so that pages split and merge. */
  change(steps: number, size: number): void {
    let grows = true;
    for (let step = 0; step < steps; step += 1) {
      if (this.model.entries.length >= size) grows = false;
      if (this.model.entries.length <= size / 10) grows = true;
      if (this.random.below(8) < (grows ? 7 : 1)) this.add();
      else this.remove();
    }
  }

  check(index: OrderedIndex = this.index): void {
    const [low, high] = [this.key(), this.key()];
    const expected = this.model.rowIds(low, high);
    assert.equal(index.size, this.model.entries.length);
    assert.equal(index.count(low, high), expected.length);
    assert.equal(index.estimate(low, high), expected.length);
    assert.equal(index.first(low, high), expected[0] ?? NONE);
    assert.equal(index.first(low, low), this.model.rowIds(low, low)[0] ?? NONE);
    const fraction = this.random.below(3) === 0 ? 0 : this.random.below(1000) / 1000;
    const cursor = index.cursor();
    cursor.begin(low, high, fraction);
    const found = Array.from({ length: expected.length }, () => cursor.next());
    const start = Math.floor(expected.length * fraction);
    assert.deepEqual(found, [...expected.slice(start), ...expected.slice(0, start)]);
    assert.equal(cursor.next(), NONE);
  }

  /** A copy of the store holds the same index, and goes its own way. */
  checkCopy(): void {
    const copy = new PageStore();
    copy.copyFrom(this.store);
    const copied = new OrderedIndex(copy, this.index.rootPage);
    this.check(copied);
    for (const entry of this.model.entries) copied.remove(Uint32Array.from(entry.slice(0, -1)), entry.at(-1) ?? 0);
    assert.equal(copied.size, 0);
    assert.equal(copy.pageCount, 2);
    this.check();
  }

  empty(): void {
    while (this.model.entries.length > 0) this.remove();
    assert.equal(this.store.pageCount, 2);
    this.index.assertInvariants();
  }

  /** Overwrites words of the index's pages, but not its width. */
  damage(words: number): void {
    const pages = this.store.pageCount;
    for (let count = 0; count < words; count += 1) {
      const page = 1 + this.random.below(pages);
      const word = this.random.below(3) === 0 ? this.random.below(8) : this.random.below(PAGE_WORDS);
      if (page === this.index.rootPage && word < 2) continue;
      this.store.words(page)[pageOffset(page) + word] = this.random.below(2) === 0 ? this.random.uint32() : this.random.below(pages + 2);
    }
  }

  /** Reads as a reader does whose side was taken away; what it gets may be anything. */
  readAll(): void {
    const cursor = this.index.cursor();
    for (let read = 0; read < 50; read += 1) {
      const [low, high] = [this.key(), this.key()];
      try {
        this.index.first(low, high);
        this.index.count(low, high);
        cursor.begin(low, high, this.random.below(10) / 10);
        for (let count = 0; count < 100; count += 1) cursor.next();
      } catch (error) {
        assert.ok(error instanceof AssertionError, String(error));
      }
    }
  }
}

/** Enough entries for many pages, and with the widest keys for many levels. */
function sizeFor(keyWords: number): number {
  return keyWords > 40 ? 600 : Math.min(3000, Math.ceil(40_000 / keyWords));
}

function run(seed: number, keyWords: number, source: KeySource): void {
  const one = new Run(seed, keyWords, source);
  for (let round = 0; round < 8; round += 1) {
    one.change(1000, sizeFor(keyWords));
    one.index.assertInvariants();
    for (let check = 0; check < 10; check += 1) one.check();
  }
  one.checkCopy();
  one.empty();
}

for (const [name, source] of Object.entries(SOURCES)) {
  test(`OrderedIndex equals a sorted array with keys ${name}`, () => {
    for (const keyWords of [1, 2, 65])
      fc.assert(
        fc.property(fc.nat(), (seed) => run(seed, keyWords, source)),
        { numRuns: 1 },
      );
    const widths = fc.integer({ min: 1, max: KEY_WORDS_MAX });
    fc.assert(
      fc.property(fc.nat(), widths, (seed, keyWords) => run(seed, keyWords, source)),
      { numRuns: 3 },
    );
  });
}

test('OrderedIndex takes keys of every width', () => {
  const source = SOURCES['spread over all words'];
  assert.ok(source !== undefined);
  for (let keyWords = 1; keyWords <= KEY_WORDS_MAX; keyWords += 1) {
    const one = new Run(keyWords, keyWords, source);
    one.change(700, 300);
    one.index.assertInvariants();
    for (let check = 0; check < 5; check += 1) one.check();
    one.empty();
  }
});

test('OrderedIndex ends each call of a reader whose words change under it', () => {
  const property = fc.property(fc.nat(), fc.constantFrom(1, 2, 30, 65), (seed, keyWords) => {
    const one = new Run(seed, keyWords, (random, words) => Uint32Array.from({ length: words }, () => random.uint32()));
    one.change(1500, 5000);
    for (const words of [1, 10, 1000]) {
      one.damage(words);
      one.readAll();
    }
  });
  fc.assert(property, { numRuns: 20 });
});
