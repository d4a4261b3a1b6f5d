import assert from 'node:assert/strict';
import test from 'node:test';
import { AssertionError } from '@k-lani/base';
import { PageStore } from './page-store.ts';
import { SPANS_MAX, SpanDirectory } from './span-directory.ts';

test('SpanDirectory keeps a page for every span, and needs pages of its own only above span 1,000', () => {
  const store = new PageStore();
  const rootPage = store.allocate();
  const directory = new SpanDirectory(store, rootPage);
  assert.equal(directory.get(0), 0);
  assert.equal(directory.get(SPANS_MAX - 1), 0);
  for (let span = 0; span < 1000; span += 1) directory.set(span, span + 1);
  assert.equal(store.pageCount, 1);
  for (let span = 1000; span < SPANS_MAX; span += 1) directory.set(span, span + 1);
  assert.equal(store.pageCount, 9);
  const attached = new SpanDirectory(store, rootPage);
  for (let span = 0; span < SPANS_MAX; span += 1) assert.equal(attached.get(span), span + 1);
  directory.release();
  assert.equal(store.pageCount, 1);
  for (let span = 0; span < SPANS_MAX; span += 1) assert.equal(attached.get(span), 0);
});

test('SpanDirectory.set() asserts that there is such a span', () => {
  const store = new PageStore();
  const directory = new SpanDirectory(store, store.allocate());
  assert.throws(() => directory.set(SPANS_MAX, 1), AssertionError);
  assert.throws(() => directory.set(-1, 1), AssertionError);
});
