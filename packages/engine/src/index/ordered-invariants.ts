import { assert } from '@k-lani/base';
import type { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { HEIGHT_MAX, OrderedHeader } from './ordered-header.ts';
import { OrderedPages } from './ordered-pages.ts';

interface Visit {
  readonly keyWords: number;
  readonly leaf: OrderedPages;
  readonly inner: OrderedPages;
  readonly visited: Set<number>;
  /** The last entry seen, or undefined before the first. */
  last: Uint32Array | undefined;
}

/**
 * Checks the numbered invariants of `OrderedIndex` over all pages of one index. For tests: it takes time and memory by the entry.
 *
 * @throws {AssertionError} that names the first invariant found broken
 */
export function assertOrderedInvariants(store: PageStore, rootPage: number): void {
  const { height, keyWords, size, tree } = new OrderedHeader(store, rootPage);
  assert(height >= 1 && height < HEIGHT_MAX, `OrderedIndex invariant 1: the height is ${height}`);
  const leaf = new OrderedPages(store, keyWords, 'leaf');
  const inner = new OrderedPages(store, keyWords, 'inner');
  const visit: Visit = { keyWords, leaf, inner, visited: new Set([rootPage, tree]), last: undefined };
  assert(height === 1 || inner.count(tree) >= 2, 'OrderedIndex invariant 3: the root node has less than two children');
  const entries = height === 1 && leaf.count(tree) === 0 ? 0 : visitNode(visit, tree, height - 1);
  assert(entries === size, `OrderedIndex invariant 6: the header counts ${size} of ${entries} entries`);
}

/** Returns how many entries are below the node. */
function visitNode(visit: Visit, page: number, level: number): number {
  visit.visited.add(page);
  const pages = level === 0 ? visit.leaf : visit.inner;
  assert(pages.level(page) === level, `OrderedIndex invariant 2: page ${page} is of level ${pages.level(page)}, must be ${level}`);
  const count = pages.count(page);
  assert(count >= 1, `OrderedIndex invariant 3: page ${page} has no entries`);
  let entries = 0;
  for (let index = 0; index < count; index += 1)
    entries += level === 0 ? visitEntry(visit, page, index) : visitChild(visit, page, index, level);
  return entries;
}

function visitEntry(visit: Visit, page: number, index: number): number {
  const entry = entryOf(visit, visit.leaf, page, index);
  const rowId = visit.leaf.rowIdAt(page, index);
  assert(rowId >= 1 && rowId <= ROW_ID_MAX, `OrderedIndex invariant 4: ${rowId} is no row id`);
  assert(visit.last === undefined || compare(visit.last, entry) < 0, `OrderedIndex invariant 4: page ${page} is not in order at ${index}`);
  visit.last = entry;
  return 1;
}

function visitChild(visit: Visit, page: number, index: number, level: number): number {
  const child = visit.inner.childAt(page, index);
  assert(!visit.visited.has(child), `OrderedIndex invariant 7: page ${child} is reached twice`);
  const separator = entryOf(visit, visit.inner, page, index);
  const isSeparated = index === 0 || visit.last === undefined || compare(visit.last, separator) < 0;
  assert(isSeparated, `OrderedIndex invariant 5: separator ${index} of page ${page} is not greater than what is left of it`);
  const isFirst = index === 0 || compare(separator, firstEntryBelow(visit, child, level - 1)) <= 0;
  assert(isFirst, `OrderedIndex invariant 5: separator ${index} of page ${page} is greater than an entry of its child`);
  const below = visitNode(visit, child, level - 1);
  const counted = visit.inner.belowAt(page, index);
  assert(counted === below, `OrderedIndex invariant 6: page ${page} counts ${counted} of ${below} entries of child ${index}`);
  return below;
}

function firstEntryBelow(visit: Visit, top: number, topLevel: number): Uint32Array {
  let page = top;
  for (let level = topLevel; level > 0; level -= 1) page = visit.inner.childAt(page, 0);
  return entryOf(visit, visit.leaf, page, 0);
}

function entryOf(visit: Visit, pages: OrderedPages, page: number, index: number): Uint32Array {
  const entry = new Uint32Array(visit.keyWords + 1);
  pages.copyEntry(page, index, entry);
  return entry;
}

function compare(left: Uint32Array, right: Uint32Array): number {
  for (const [index, word] of left.entries()) {
    const other = right[index] ?? 0;
    if (word !== other) return word - other;
  }
  return 0;
}
