import { assert } from '@k-lani/base';
import type { PageStore } from '../memory/page-store.ts';
import { OrderedPage, ROW_ID_MAX, layoutOf } from './ordered-page.ts';
import { HEIGHT_MAX, OrderedReader } from './ordered-reader.ts';

/** What is known of a subtree after a visit. */
interface Visit {
  readonly store: PageStore;
  readonly keyWords: number;
  readonly pages: Set<number>;
  /** The last entry seen, or undefined before the first. */
  last: Uint32Array | undefined;
}

/**
 * Checks the numbered invariants of `OrderedIndex` over all pages of one index. For tests: it takes time and memory by the entry.
 *
 * @throws {AssertionError} that names the first invariant found broken
 */
export function assertOrderedInvariants(store: PageStore, rootPage: number): void {
  const { height, keyWords, size, tree } = new OrderedReader(store, rootPage);
  assert(height >= 1 && height < HEIGHT_MAX, `OrderedIndex invariant 1: height is ${height}`);
  const visit: Visit = { store, keyWords, pages: new Set([rootPage]), last: undefined };
  const root = new OrderedPage(store, keyWords);
  root.open(tree, height - 1);
  assert(height === 1 || root.count >= 2, `OrderedIndex invariant 3: the root node has ${root.count} children`);
  const entries = height === 1 && root.count === 0 ? 0 : countBelow(visit, tree, height - 1);
  assert(entries === size, `OrderedIndex invariant 6: the header counts ${size} of ${entries} entries`);
}

function countBelow(visit: Visit, page: number, level: number): number {
  assert(!visit.pages.has(page), `OrderedIndex invariant 7: page ${page} is reached twice`);
  visit.pages.add(page);
  const node = new OrderedPage(visit.store, visit.keyWords);
  node.open(page, level);
  assert(node.level === level, `OrderedIndex invariant 2: page ${page} is of level ${node.level}, must be ${level}`);
  const { capacity } = layoutOf(visit.keyWords, level);
  assert(node.count >= 1 && node.count <= capacity, `OrderedIndex invariant 3: page ${page} has ${node.count} of ${capacity} entries`);
  if (level === 0) {
    for (let index = 0; index < node.count; index += 1) visitEntry(visit, node, index);
    return node.count;
  }
  let entries = 0;
  for (let index = 0; index < node.count; index += 1) {
    const separator = new Uint32Array(visit.keyWords + 1);
    node.copyEntry(index, separator);
    const isAfterLeft = index === 0 || visit.last === undefined || compare(visit.last, separator) < 0;
    assert(isAfterLeft, `OrderedIndex invariant 5: separator ${index} of page ${page} is too small`);
    const first = firstEntryBelow(visit, node.childAt(index), level - 1);
    assert(index === 0 || compare(separator, first) <= 0, `OrderedIndex invariant 5: separator ${index} of page ${page} is too great`);
    const below = countBelow(visit, node.childAt(index), level - 1);
    assert(below === node.belowAt(index), `OrderedIndex invariant 6: page ${page} counts ${node.belowAt(index)} of ${below} entries`);
    entries += below;
  }
  return entries;
}

function visitEntry(visit: Visit, leaf: OrderedPage, index: number): void {
  const entry = new Uint32Array(visit.keyWords + 1);
  leaf.copyEntry(index, entry);
  const rowId = leaf.rowIdAt(index);
  assert(rowId >= 1 && rowId <= ROW_ID_MAX, `OrderedIndex invariant 4: ${rowId} is no row id`);
  assert(visit.last === undefined || compare(visit.last, entry) < 0, 'OrderedIndex invariant 4: the entries are not in order');
  visit.last = entry;
}

function firstEntryBelow(visit: Visit, top: number, topLevel: number): Uint32Array {
  const node = new OrderedPage(visit.store, visit.keyWords);
  let page = top;
  for (let level = topLevel; level > 0; level -= 1) {
    node.open(page, level);
    page = node.childAt(0);
  }
  node.open(page, 0);
  const entry = new Uint32Array(visit.keyWords + 1);
  node.copyEntry(0, entry);
  return entry;
}

function compare(left: Uint32Array, right: Uint32Array): number {
  for (const [index, word] of left.entries()) {
    const other = right[index] ?? 0;
    if (word !== other) return word - other;
  }
  return 0;
}
