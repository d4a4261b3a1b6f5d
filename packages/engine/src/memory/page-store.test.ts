import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PAGE_SIZE_BYTES, PAGE_WORDS, PageStore, pageOffset } from './page-store.ts';

const CHUNK_SIZE_BYTES = 256 * PAGE_SIZE_BYTES;

function fill(store: PageStore, page: number, word: number): void {
  store.words(page).fill(word, pageOffset(page), pageOffset(page) + PAGE_WORDS);
}

function wordsOf(store: PageStore, page: number): Uint32Array {
  return store.words(page).slice(pageOffset(page), pageOffset(page) + PAGE_WORDS);
}

test('PageStore.allocate() returns zeroed pages, also those that were used before (invariant 1)', () => {
  const store = new PageStore();
  const page = store.allocate();
  fill(store, page, 0xffff_ffff);
  store.release(page);
  assert.equal(store.allocate(), page);
  assert.deepEqual(wordsOf(store, page), new Uint32Array(PAGE_WORDS));
});

test('PageStore.allocate() refuses a page above the limit, and goes on when one was released', () => {
  const store = new PageStore(4);
  const pages = [store.allocate(), store.allocate(), store.allocate()];
  assert.deepEqual(pages, [1, 2, 3]);
  assert.throws(() => store.allocate(), {
    code: 'LimitReached',
    message: 'Cannot hold derived state: 5 pages of 4096 bytes, must be <= 4',
  });
  assert.equal(store.pageCount, 3);
  store.release(2);
  assert.equal(store.allocate(), 2);
});

test('PageStore.release() asserts that the page is in use and not the store’s own', () => {
  const store = new PageStore();
  const page = store.allocate();
  store.release(page);
  assert.throws(() => store.release(page), AssertionError);
  assert.throws(() => store.release(page + 1), AssertionError);
  assert.throws(() => store.release(0), AssertionError);
  for (let count = 0; count < 300; count += 1) store.allocate();
  assert.throws(() => store.release(256), AssertionError);
});

test('PageStore grows by chunks of 1 MiB, counts them in sizeBytes, and passes over the first page of each', () => {
  const store = new PageStore();
  const pages = Array.from({ length: 600 }, () => store.allocate());
  assert.equal(new Set(pages).size, 600);
  assert.ok(pages.every((page) => page % 256 !== 0));
  assert.equal(store.sizeBytes, 3 * CHUNK_SIZE_BYTES);
  assert.equal(store.pageCount, 600);
  assert.equal(store.chunks.length, 3);
  assert.throws(() => store.words(3 * 256), AssertionError);
});

test('PageStore.float64() is the memory of words()', () => {
  const store = new PageStore();
  const page = store.allocate();
  store.float64(page)[pageOffset(page) / 2] = 1;
  assert.deepEqual(wordsOf(store, page).subarray(0, 2), Uint32Array.of(0, 0x3ff0_0000));
});

test('PageStore.attach() sees the pages and the counts of the other object, and changes nothing (invariant 2)', () => {
  const store = new PageStore(1000);
  const pages = Array.from({ length: 300 }, () => store.allocate());
  for (const page of pages.slice(0, 50)) store.release(page);
  store.rootPage = 60;
  fill(store, 200, 7);
  const attached = PageStore.attach({ chunk: (index) => store.buffers[index] });
  assert.equal(attached.pageCount, 250);
  assert.equal(attached.pagesMax, 1000);
  assert.equal(attached.sizeBytes, store.sizeBytes);
  assert.equal(attached.rootPage, 60);
  assert.deepEqual(wordsOf(attached, 200), wordsOf(store, 200));
  assert.throws(() => attached.allocate(), AssertionError);
  assert.throws(() => attached.release(200), AssertionError);
  assert.equal(store.pageCount, 250);
});

test('PageStore.refresh() brings pages within reach that were taken after attaching', () => {
  const store = new PageStore();
  const attached = PageStore.attach({ chunk: (index) => store.buffers[index] });
  const pages = Array.from({ length: 1000 }, () => store.allocate());
  const last = pages.at(-1) ?? 0;
  fill(store, last, 7);
  assert.throws(() => attached.words(last), AssertionError);
  attached.refresh();
  assert.deepEqual(wordsOf(attached, last), wordsOf(store, last));
  assert.equal(attached.sizeBytes, store.sizeBytes);
});

test('PageStore.load() makes a store what the one was whose memory it is given', () => {
  const store = new PageStore();
  const pages = Array.from({ length: 300 }, () => store.allocate());
  for (const page of pages) fill(store, page, page);
  const loaded = new PageStore(1000);
  loaded.load(store.buffers);
  assert.equal(loaded.pagesMax, 1000);
  for (const page of pages) assert.deepEqual(wordsOf(loaded, page), wordsOf(store, page));
  assert.equal(loaded.allocate(), store.allocate());
  assert.throws(() => new PageStore(100).load(store.buffers), { code: 'LimitReached' });
});

test('PageStore.copyFrom() makes a smaller store and a larger one equal to another', () => {
  const source = new PageStore();
  const pages = Array.from({ length: 300 }, () => source.allocate());
  for (const page of pages) fill(source, page, page);
  for (const page of pages.slice(100, 120)) source.release(page);
  for (const pageCount of [0, 900]) {
    const copy = new PageStore();
    for (let count = 0; count < pageCount; count += 1) fill(copy, copy.allocate(), 9);
    const [known] = copy.chunks;
    copy.copyFrom(source);
    assert.equal(copy.chunks[0], known);
    assert.equal(copy.pageCount, 280);
    for (const page of pages.slice(0, 100)) assert.deepEqual(wordsOf(copy, page), wordsOf(source, page));
    const taken = Array.from({ length: 700 }, () => copy.allocate());
    assert.deepEqual(new Set(taken.slice(0, 20)), new Set(pages.slice(100, 120)));
    for (const page of taken) assert.ok(wordsOf(copy, page).every((word) => word === 0));
  }
});

test('PageStore.copyFrom() refuses a store of more pages than its own limit, and keeps the limit', () => {
  const source = new PageStore();
  for (let count = 0; count < 10; count += 1) source.allocate();
  const small = new PageStore(8);
  assert.throws(() => small.copyFrom(source), { code: 'LimitReached' });
  assert.equal(small.pageCount, 0);
  const larger = new PageStore(12);
  larger.copyFrom(source);
  assert.equal(larger.pagesMax, 12);
  assert.equal(larger.allocate(), 11);
  assert.throws(() => larger.allocate(), { code: 'LimitReached' });
});
