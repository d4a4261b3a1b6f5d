/**
 * An ordered index: entries (key, row id), ascending by key and then by row id, in a B+tree over flat pages. `OrderedPages` owns the layout
 * of a node and `OrderedHeader` that of the root page. What holds between two calls:
 *
 * 1. The header page has its kind, 1 to `KEY_WORDS_MAX` words a key, and a height of 1 to `HEIGHT_MAX`.
 * 2. Every node carries its level; the root node's is height - 1, a child's is one less than its parent's, a leaf's is 0.
 * 3. A node has 1 to capacity entries; only a root node that is a leaf may have none, and a root node that is none has 2 at least.
 * 4. All entries together, leaf after leaf, are strictly ascending; row ids are 1 to `ROW_ID_MAX`.
 * 5. A separator but a node's first is greater than every entry left of it and not greater than any entry of its child.
 * 6. An inner entry counts the entries below its child, and the header those of the tree.
 * 7. Every node is reached once.
 *
 * A full page splits in the middle; one at the right edge of the tree keeps at least 7/8 of its entries, and all of them when the new entry
 * comes last, so that ascending keys leave full pages. A page that a removal leaves less than a quarter full is merged with a neighbour
 * under the same parent if both together fill 3/4 of a page at most, so that many changes lie between a merge and the next split; an empty
 * page always goes. Neighbours are not evened out: it would save some memory and write one more page on each level.
 */
import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import type { PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { OrderedCursor } from './ordered-cursor.ts';
import { HEIGHT_MAX, OrderedHeader } from './ordered-header.ts';
import { assertOrderedInvariants } from './ordered-invariants.ts';
import { OrderedLookup } from './ordered-lookup.ts';
import { OrderedPages, ROW_ID_BEYOND } from './ordered-pages.ts';
import { OrderedPath } from './ordered-path.ts';

/**
 * Keys with their row ids, in order. A key is the first `keyWords` words of an array, the most significant first, and is not kept. A range
 * includes both its bounds, and is empty when `low` is greater than `high`. All state is in the pages of the store. One object may change an
 * index; any number may read it while it does not change. Nothing but the constructors, `cursor()` and the split of a page makes garbage.
 *
 * @example
 * const index = OrderedIndex.create(new PageStore(), 1);
 * index.add(Uint32Array.of(250), 7);
 * index.first(Uint32Array.of(200), Uint32Array.of(300)); // 7
 */
export class OrderedIndex {
  readonly rootPage: number;
  readonly keyWords: number;
  readonly #store: PageStore;
  readonly #header: OrderedHeader;
  readonly #leaf: OrderedPages;
  readonly #inner: OrderedPages;
  readonly #lookup: OrderedLookup;
  readonly #path: OrderedPath;
  readonly #end: OrderedPath;
  /** The entry to insert, in the layout of its level. */
  readonly #entry: Uint32Array;
  /** Pages taken for a split, by level. */
  readonly #reserved: number[] = [];

  /** Attaches to the index that `create()` or `bulkLoad()` made with this root page. */
  constructor(store: PageStore, rootPage: number) {
    this.#store = store;
    this.#header = new OrderedHeader(store, rootPage);
    this.rootPage = rootPage;
    this.keyWords = this.#header.keyWords;
    this.#leaf = new OrderedPages(store, this.keyWords, 'leaf');
    this.#inner = new OrderedPages(store, this.keyWords, 'inner');
    this.#lookup = new OrderedLookup(store, this.#header);
    this.#path = new OrderedPath(store, this.#header);
    this.#end = new OrderedPath(store, this.#header);
    this.#entry = new Uint32Array(this.keyWords + 3);
  }

  /**
   * Makes an empty index of two pages.
   *
   * @param keyWords 1 to `KEY_WORDS_MAX`
   * @throws {KLaniError} LimitReached when the store is full; nothing has changed then
   */
  static create(store: PageStore, keyWords: number): OrderedIndex {
    const tree = store.allocate();
    try {
      return new OrderedIndex(store, OrderedHeader.create(store, keyWords, tree).rootPage);
    } catch (error) {
      store.release(tree);
      throw error;
    }
  }

  /**
   * Makes an index of entries that come in order, with full pages.
   *
   * @param next writes the next key into `key`, which is used again, and returns its row id, or `NONE` after the last entry
   * @throws {KLaniError} LimitReached when the store is full, and whatever `next` throws; the pages are given back then
   */
  static bulkLoad(store: PageStore, keyWords: number, next: (key: Uint32Array) => number): OrderedIndex {
    const index = OrderedIndex.create(store, keyWords);
    const key = new Uint32Array(keyWords);
    try {
      index.#path.seekEnd();
      for (let rowId = next(key); rowId !== NONE; rowId = next(key)) index.#append(key, rowId);
    } catch (error) {
      index.release();
      throw error;
    }
    return index;
  }

  /** Entries in the index. */
  get size(): number {
    return this.#header.size;
  }

  /** Pages that the index takes, counted by reading its inner nodes. */
  get pageCount(): number {
    return 1 + this.#pageCountOf(this.#header.tree, this.#header.height - 1);
  }

  /**
   * Adds an entry that is not there.
   *
   * @throws {KLaniError} LimitReached when the store is full; nothing has changed then
   */
  add(key: Uint32Array, rowId: number): void {
    assertRowId(rowId);
    const isThere = this.#path.seek(key, rowId);
    assert(!isThere, 'OrderedIndex.add(): the entry is there already');
    this.#addHere(key, rowId);
  }

  /** Takes an entry out. Returns whether it was there. */
  remove(key: Uint32Array, rowId: number): boolean {
    assertRowId(rowId);
    const path = this.#path;
    if (!path.seek(key, rowId)) return false;
    this.#leaf.remove(path.page(0), path.index(0));
    this.#addToCounts(-1);
    if (path.leafSize - 1 < this.#leaf.capacity >> 2) this.#mergeUpwards();
    return true;
  }

  /** How many entries have a key from `low` to `high`: exact, at the cost of two searches. */
  count(low: Uint32Array, high: Uint32Array): number {
    this.#path.seek(low, 0);
    this.#end.seek(high, ROW_ID_BEYOND);
    return this.#path.countTo(this.#end);
  }

  /** The same as `count()`, which is cheap enough: what a planner asks of every kind of index. */
  estimate(low: Uint32Array, high: Uint32Array): number {
    return this.count(low, high);
  }

  /** The row id of the first entry with a key from `low` to `high`, or `NONE`. */
  first(low: Uint32Array, high: Uint32Array): number {
    return this.#lookup.first(low, high);
  }

  /** A cursor for ranges of this index, to be kept and begun again and again. */
  cursor(): OrderedCursor {
    return new OrderedCursor(this.#store, this.rootPage);
  }

  /** Gives all pages back. No object over this index may be used afterwards. */
  release(): void {
    this.#releaseNode(this.#header.tree, this.#header.height - 1);
    this.#store.release(this.rootPage);
  }

  /** Checks the invariants that this file lists, over all pages: for tests. */
  assertInvariants(): void {
    assertOrderedInvariants(this.#store, this.rootPage);
  }

  /** Adds an entry that must be greater than all others. The path is behind the last entry, before and after. */
  #append(key: Uint32Array, rowId: number): void {
    assertRowId(rowId);
    const path = this.#path;
    const size = path.leafSize;
    const isInOrder = size === 0 || this.#leaf.isLess(path.page(0), size - 1, key, rowId);
    assert(isInOrder, 'OrderedIndex.bulkLoad(): the entries are not in order');
    this.#addHere(key, rowId);
    if (size < this.#leaf.capacity) path.passInserted();
    else path.seekEnd();
  }

  /** Puts an entry at the place of the path. */
  #addHere(key: Uint32Array, rowId: number): void {
    const { keyWords } = this;
    for (let word = 0; word < keyWords; word += 1) this.#entry[word] = key[word] as number;
    this.#entry[keyWords] = rowId;
    if (this.#path.leafSize < this.#leaf.capacity) {
      this.#leaf.insert(this.#path.page(0), this.#path.index(0), this.#entry);
      this.#addToCounts(1);
    } else {
      this.#reservePages();
      this.#addToCounts(1);
      this.#splitUpwards();
    }
  }

  /** Adds to what the path's inner nodes and the header count. */
  #addToCounts(difference: number): void {
    const path = this.#path;
    for (let level = path.levels - 1; level > 0; level -= 1) this.#inner.addBelow(path.page(level), path.index(level), difference);
    this.#header.size += difference;
  }

  /** Takes the pages that splitting the path will need before anything changes, so that a full store leaves the index as it was. */
  #reservePages(): void {
    const { levels } = this.#path;
    try {
      for (let level = 0; level < levels; level += 1) {
        const pages = this.#pagesOf(level);
        if (pages.count(this.#path.page(level)) < pages.capacity) return;
        this.#reserved[level] = pages.allocate(level);
      }
      this.#reserved[levels] = this.#inner.allocate(levels);
    } catch (error) {
      for (const page of this.#reserved.splice(0)) this.#store.release(page);
      throw error;
    }
  }

  /** Inserts `#entry` into the path's leaf, which is full and splits, and so on up to the first node with room. */
  #splitUpwards(): void {
    const { levels } = this.#path;
    let index = this.#path.index(0);
    let level = 0;
    for (; level < levels && level < this.#reserved.length; level += 1) {
      this.#split(level, index);
      index = this.#path.index(level + 1) + 1;
    }
    if (level === levels) this.#growRoot();
    else this.#inner.insert(this.#path.page(level), index, this.#entry);
    this.#reserved.length = 0;
  }

  /** Splits the path's node of `level`, inserts `#entry` at `index` of it, and leaves the new page's own entry in `#entry`. */
  #split(level: number, index: number): void {
    const pages = this.#pagesOf(level);
    const left = this.#path.page(level);
    const right = this.#takeReserved(level);
    const at = this.#splitPoint(level, index);
    pages.moveEntries(left, at, right);
    if (index < at) pages.insert(left, index, this.#entry);
    else pages.insert(right, index - at, this.#entry);
    const below = pages.size(right);
    pages.copyEntry(right, 0, this.#entry);
    this.#entry[this.keyWords + 1] = right;
    this.#entry[this.keyWords + 2] = below;
    if (level + 1 < this.#path.levels) this.#inner.addBelow(this.#path.page(level + 1), this.#path.index(level + 1), -below);
  }

  /** How many entries of the path's full node of `level` stay left of the split. */
  #splitPoint(level: number, index: number): number {
    const { capacity } = this.#pagesOf(level);
    return this.#isAtRightEdge(level) ? Math.max(index, capacity - (capacity >> 3)) : capacity >> 1;
  }

  #isAtRightEdge(level: number): boolean {
    const path = this.#path;
    for (let above = path.levels - 1; above > level; above -= 1) {
      if (path.index(above) + 1 < this.#inner.count(path.page(above))) return false;
    }
    return true;
  }

  /** Puts a new root node above the old one and the page that `#entry` is of. */
  #growRoot(): void {
    const { height, size, tree } = this.#header;
    assert(height < HEIGHT_MAX, 'OrderedIndex: the tree is too high');
    const below = this.#entry[this.keyWords + 2] as number;
    const root = this.#takeReserved(height);
    this.#inner.insert(root, 0, this.#entry);
    this.#entry.fill(0);
    this.#entry[this.keyWords + 1] = tree;
    this.#entry[this.keyWords + 2] = size - below;
    this.#inner.insert(root, 0, this.#entry);
    this.#header.tree = root;
    this.#header.height = height + 1;
  }

  #takeReserved(level: number): number {
    const page = this.#reserved[level];
    assert(page !== undefined, 'OrderedIndex: a split needs a page that was not reserved');
    return page;
  }

  /** Merges the sparse leaf at the end of the path, and the nodes above it as far as they become sparse by that. */
  #mergeUpwards(): void {
    const { levels } = this.#path;
    for (let level = 0; level + 1 < levels; level += 1) if (!this.#mergeNode(level)) break;
    this.#shrinkRoot();
  }

  /** Merges the path's node of `level` with a neighbour if it should be. Returns whether the node above lost a child. */
  #mergeNode(level: number): boolean {
    const pages = this.#pagesOf(level);
    const { capacity } = pages;
    const page = this.#path.page(level);
    const count = pages.count(page);
    const quarter = capacity >> 2;
    if (count >= quarter) return false;
    const parent = this.#path.page(level + 1);
    const child = this.#path.index(level + 1);
    const countMax = count === 0 ? capacity : capacity - quarter;
    if (child > 0 && this.#mergeChildren(level, child - 1, countMax)) return true;
    if (child + 1 < this.#inner.count(parent) && this.#mergeChildren(level, child, countMax)) return true;
    if (count > 0) return false;
    assert(this.#inner.count(parent) === 1, 'OrderedIndex: an empty node has not been merged');
    this.#inner.remove(parent, 0);
    this.#store.release(page);
    return true;
  }

  /** Merges the children `left` and `left` + 1, nodes of `level`, if both have `countMax` entries at most. Returns whether it did. */
  #mergeChildren(level: number, left: number, countMax: number): boolean {
    const pages = this.#pagesOf(level);
    const parent = this.#path.page(level + 1);
    const target = this.#inner.childAt(parent, left);
    const source = this.#inner.childAt(parent, left + 1);
    if (pages.count(target) + pages.count(source) > countMax) return false;
    if (level > 0 && pages.count(source) > 0) {
      this.#inner.copyEntry(parent, left + 1, this.#entry);
      pages.setEntry(source, 0, this.#entry);
    }
    pages.moveEntries(source, 0, target);
    this.#inner.addBelow(parent, left, this.#inner.belowAt(parent, left + 1));
    this.#inner.remove(parent, left + 1);
    this.#store.release(source);
    return true;
  }

  /** Takes root nodes away that have only one child. */
  #shrinkRoot(): void {
    while (this.#header.height > 1) {
      const { height, tree } = this.#header;
      if (this.#inner.count(tree) > 1) return;
      this.#header.tree = this.#inner.childAt(tree, 0);
      this.#header.height = height - 1;
      this.#store.release(tree);
    }
  }

  #pageCountOf(page: number, level: number): number {
    if (level === 0) return 1;
    const children = this.#inner.count(page);
    if (level === 1) return 1 + children;
    let count = 1;
    for (let child = 0; child < children; child += 1) count += this.#pageCountOf(this.#inner.childAt(page, child), level - 1);
    return count;
  }

  #releaseNode(page: number, level: number): void {
    if (level > 0)
      for (let child = 0; child < this.#inner.count(page); child += 1) this.#releaseNode(this.#inner.childAt(page, child), level - 1);
    this.#store.release(page);
  }

  #pagesOf(level: number): OrderedPages {
    return level === 0 ? this.#leaf : this.#inner;
  }
}

function assertRowId(rowId: number): void {
  assert(rowId >= 1 && rowId <= ROW_ID_MAX, 'OrderedIndex: the row id is out of range');
}
