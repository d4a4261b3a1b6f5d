/**
 * An ordered index: entries (key, row id), ascending by key and then by row id, in a B+tree over flat pages. `OrderedPage` owns the layout
 * of a node and `OrderedReader` that of the header page. What holds between two calls:
 *
 * 1. The header page has its kind, 1 to `KEY_WORDS_MAX` words a key, and a height of 1 to `HEIGHT_MAX`.
 * 2. Every node carries its level; the root node's is height - 1, a child's is one less than its parent's, a leaf's is 0.
 * 3. A node has 1 to capacity entries; only a root node that is a leaf may have none, and a root node that is none has 2 at least.
 * 4. All entries together, leaf after leaf, are strictly ascending; row ids are 1 to `ROW_ID_MAX`.
 * 5. A separator but a node's first is greater than every entry left of it and not greater than any entry of its child.
 * 6. An inner entry counts the entries below its child, and the header those of the tree.
 * 7. Every node is reached once.
 *
 * A full page splits in the middle; a page at the right edge of the tree keeps at least 7/8 of its entries, all of them when the new entry
 * comes last, so that ascending keys leave full pages. A page that a removal leaves less than a quarter full is merged with a neighbour of
 * the same parent if both then fill 3/4 of a page at most, so that it takes many changes until the next split; an empty one always goes.
 * Entries are not evened out between neighbours: what is gained is some memory, what is lost is that a removal writes two pages at most on
 * each level.
 */
import { assert } from '@k-lani/base';
import { NONE } from '../memory/none.ts';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import { OrderedCursor } from './ordered-cursor.ts';
import { assertOrderedInvariants } from './ordered-invariants.ts';
import { KEY_WORDS_MAX, OrderedPage, ROW_ID_MAX, childAt, entryOffset, layoutOf, lowerBound, type PageLayout } from './ordered-page.ts';
import { HEIGHT_MAX, HEIGHT_WORD, KEY_WORDS_WORD, KIND_WORD, ORDERED_KIND, OrderedReader, SIZE_WORD, TREE_WORD } from './ordered-reader.ts';

/**
 * Keys with their row ids, in order. Keys are `keyWords` words, the most significant first; a range includes both its bounds, and is empty
 * when `low` is greater than `high`. All state is in the pages of the store. One object may change an index; any number may read it while
 * it does not change.
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
  readonly #reader: OrderedReader;
  readonly #inner: PageLayout;
  readonly #node: OrderedPage;
  readonly #sibling: OrderedPage;
  readonly #parent: OrderedPage;
  /** The nodes from the root to where a change begins, by level, and which child of each is the next. */
  readonly #path = new Uint32Array(HEIGHT_MAX);
  readonly #pathIndex = new Uint32Array(HEIGHT_MAX);
  /** The entry to insert, in the layout of its level. */
  readonly #entry: Uint32Array;
  /** Pages taken for a split that is about to begin. */
  readonly #reserved: number[] = [];

  /** Attaches to the index that `create()` or `bulkLoad()` made with this root page. */
  constructor(store: PageStore, rootPage: number) {
    this.#store = store;
    this.#reader = new OrderedReader(store, rootPage);
    this.rootPage = rootPage;
    this.keyWords = this.#reader.keyWords;
    this.#inner = layoutOf(this.keyWords, 1);
    this.#node = new OrderedPage(store, this.keyWords);
    this.#sibling = new OrderedPage(store, this.keyWords);
    this.#parent = new OrderedPage(store, this.keyWords);
    this.#entry = new Uint32Array(this.keyWords + 3);
  }

  /**
   * Makes an empty index of two pages.
   *
   * @param keyWords 1 to `KEY_WORDS_MAX`
   * @throws {KLaniError} LimitReached when the store is full; nothing has changed then
   */
  static create(store: PageStore, keyWords: number): OrderedIndex {
    assert(Number.isInteger(keyWords) && keyWords >= 1 && keyWords <= KEY_WORDS_MAX, 'OrderedIndex.create(): keyWords is out of range');
    const rootPage = store.allocate();
    let tree: number;
    try {
      tree = store.allocate();
    } catch (error) {
      store.release(rootPage);
      throw error;
    }
    const words = store.words(rootPage);
    const offset = pageOffset(rootPage);
    words[offset + KIND_WORD] = ORDERED_KIND;
    words[offset + KEY_WORDS_WORD] = keyWords;
    words[offset + TREE_WORD] = tree;
    words[offset + HEIGHT_WORD] = 1;
    return new OrderedIndex(store, rootPage);
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
      index.#descendRight();
      for (let rowId = next(key); rowId !== NONE; rowId = next(key)) index.#append(key, rowId);
    } catch (error) {
      index.release();
      throw error;
    }
    return index;
  }

  /** Entries in the index. */
  get size(): number {
    return this.#reader.size;
  }

  /**
   * Adds an entry that is not there.
   *
   * @throws {KLaniError} LimitReached when the store is full; nothing has changed then
   */
  add(key: Uint32Array, rowId: number): void {
    this.#setEntry(key, rowId);
    this.#descend(rowId);
    const index = this.#node.lowerBound(this.#entry);
    assert(index === this.#node.count || !this.#node.isEqual(index, this.#entry), 'OrderedIndex.add(): the entry is there already');
    this.#addAt(index);
  }

  /** Takes an entry out. Returns whether it was there. */
  remove(key: Uint32Array, rowId: number): boolean {
    this.#setEntry(key, rowId);
    this.#descend(rowId);
    const leaf = this.#node;
    const index = leaf.lowerBound(this.#entry);
    if (index === leaf.count || !leaf.isEqual(index, this.#entry)) return false;
    leaf.remove(index);
    const isSparse = leaf.count < leaf.capacity >> 2;
    this.#addToCounts(-1);
    if (isSparse) this.#mergeUpwards();
    return true;
  }

  /** How many entries have a key from `low` to `high`: exact, at the cost of two searches. */
  count(low: Uint32Array, high: Uint32Array): number {
    return this.#reader.count(low, high);
  }

  /** The same as `count()`, which is exact: what a planner asks of every kind of index. */
  estimate(low: Uint32Array, high: Uint32Array): number {
    return this.#reader.count(low, high);
  }

  /** The row id of the first entry with a key from `low` to `high`, or `NONE`. */
  first(low: Uint32Array, high: Uint32Array): number {
    return this.#reader.first(low, high);
  }

  /** A cursor for ranges of this index, to be kept and begun again and again. */
  cursor(): OrderedCursor {
    return new OrderedCursor(this.#store, this.rootPage);
  }

  /** Gives all pages back. No object over this index may be used afterwards. */
  release(): void {
    this.#releaseNode(this.#reader.tree, this.#reader.height - 1);
    this.#store.release(this.rootPage);
  }

  /** Checks the invariants that this file lists, over all pages: for tests. */
  assertInvariants(): void {
    assertOrderedInvariants(this.#store, this.rootPage);
  }

  /** Records the path to the leaf that holds `#entry`, whose row id is `rowId`, or would, and opens the leaf in `#node`. */
  #descend(rowId: number): void {
    const inner = this.#inner;
    let page = this.#reader.tree;
    this.#entry[this.keyWords] = rowId + 1;
    for (let level = this.#reader.height - 1; level > 0; level -= 1) {
      const words = this.#store.words(page);
      const start = pageOffset(page);
      const index = lowerBound(words, start, inner, this.#entry) - 1;
      this.#path[level] = page;
      this.#pathIndex[level] = index;
      page = childAt(words, entryOffset(start, inner, index), inner);
    }
    this.#entry[this.keyWords] = rowId;
    this.#path[0] = page;
    this.#node.open(page, 0);
  }

  /** Records the path to the last leaf, and opens it in `#node`. */
  #descendRight(): void {
    let page = this.#reader.tree;
    for (let level = this.#reader.height - 1; level > 0; level -= 1) {
      this.#node.open(page, level);
      const index = this.#node.count - 1;
      this.#path[level] = page;
      this.#pathIndex[level] = index;
      page = this.#node.childAt(index);
    }
    this.#path[0] = page;
    this.#node.open(page, 0);
  }

  /** Adds an entry that must be greater than all others to the last leaf, which is at the end of the path. */
  #append(key: Uint32Array, rowId: number): void {
    this.#setEntry(key, rowId);
    const { count, isFull } = this.#node;
    assert(count === 0 || this.#node.isLess(count - 1, this.#entry), 'OrderedIndex.bulkLoad(): the entries are not in order');
    this.#addAt(count);
    if (isFull) this.#descendRight();
  }

  /** Puts `#entry` at `index` of the leaf at the end of the path, which is open. */
  #addAt(index: number): void {
    if (this.#node.isFull) {
      this.#reservePages();
      this.#addToCounts(1);
      this.#splitUpwards(index);
    } else {
      this.#node.insert(index, this.#entry);
      this.#addToCounts(1);
    }
  }

  /** Adds to what the path's inner nodes and the header count. */
  #addToCounts(difference: number): void {
    for (let level = this.#reader.height - 1; level > 0; level -= 1) {
      this.#parent.open(wordAt(this.#path, level), level);
      this.#parent.addBelow(wordAt(this.#pathIndex, level), difference);
    }
    this.#setHeaderWord(SIZE_WORD, this.#reader.size + difference);
  }

  /** Takes the pages that splitting the path will need before anything changes, so that a full store leaves the index as it was. */
  #reservePages(): void {
    const { height } = this.#reader;
    let level = 0;
    for (; level < height; level += 1) {
      this.#node.open(wordAt(this.#path, level), level);
      if (!this.#node.isFull) break;
    }
    const needed = level === height ? level + 1 : level;
    try {
      while (this.#reserved.length < needed) this.#reserved.push(this.#store.allocate());
    } catch (error) {
      for (const page of this.#reserved.splice(0)) this.#store.release(page);
      throw error;
    }
  }

  #takeReserved(): number {
    const page = this.#reserved.pop();
    assert(page !== undefined, 'OrderedIndex: a split needs more pages than were reserved');
    return page;
  }

  /** Inserts `#entry` at `leafIndex` of the path's full leaf, which splits, and so on up to the first node with room. */
  #splitUpwards(leafIndex: number): void {
    const { height } = this.#reader;
    let index = leafIndex;
    for (let level = 0; level < height; level += 1) {
      this.#node.open(wordAt(this.#path, level), level);
      if (!this.#node.isFull) {
        this.#node.insert(index, this.#entry);
        return;
      }
      this.#split(level, index);
      index = wordAt(this.#pathIndex, level + 1) + 1;
    }
    this.#growRoot();
  }

  /** Splits the open node of the path, inserts `#entry` at `index` of it, and leaves the new page's own entry in `#entry`. */
  #split(level: number, index: number): void {
    const right = this.#sibling;
    const page = this.#takeReserved();
    const at = this.#splitPoint(level, index);
    right.openNew(page, level);
    this.#node.moveEntries(at, right);
    if (index < at) this.#node.insert(index, this.#entry);
    else right.insert(index - at, this.#entry);
    const below = right.size;
    right.copyEntry(0, this.#entry);
    this.#entry[this.keyWords + 1] = page;
    this.#entry[this.keyWords + 2] = below;
    if (level + 1 === this.#reader.height) return;
    this.#parent.open(wordAt(this.#path, level + 1), level + 1);
    this.#parent.addBelow(wordAt(this.#pathIndex, level + 1), -below);
  }

  /** How many entries of the open node of the path stay left of the split. */
  #splitPoint(level: number, index: number): number {
    const { count } = this.#node;
    return this.#isAtRightEdge(level) ? Math.max(index, count - (count >> 3)) : count >> 1;
  }

  #isAtRightEdge(level: number): boolean {
    for (let above = this.#reader.height - 1; above > level; above -= 1) {
      this.#parent.open(wordAt(this.#path, above), above);
      if (wordAt(this.#pathIndex, above) + 1 < this.#parent.count) return false;
    }
    return true;
  }

  /** Puts a new root node above the old one and the page that `#entry` is of. */
  #growRoot(): void {
    const { height, size, tree } = this.#reader;
    assert(height < HEIGHT_MAX, 'OrderedIndex: the tree is too high');
    const below = wordAt(this.#entry, this.keyWords + 2);
    const page = this.#takeReserved();
    this.#node.openNew(page, height);
    this.#node.insert(0, this.#entry);
    this.#entry.fill(0);
    this.#entry[this.keyWords + 1] = tree;
    this.#entry[this.keyWords + 2] = size - below;
    this.#node.insert(0, this.#entry);
    this.#setHeaderWord(TREE_WORD, page);
    this.#setHeaderWord(HEIGHT_WORD, height + 1);
  }

  /** Merges the sparse leaf at the end of the path, and the nodes above it as far as they become sparse by that. */
  #mergeUpwards(): void {
    const { height } = this.#reader;
    for (let level = 0; level + 1 < height; level += 1) if (!this.#mergeNode(level)) break;
    this.#shrinkRoot();
  }

  /** Merges the path's node of `level` with a neighbour if it should be. Returns whether the node above lost a child. */
  #mergeNode(level: number): boolean {
    const page = wordAt(this.#path, level);
    this.#node.open(page, level);
    this.#parent.open(wordAt(this.#path, level + 1), level + 1);
    const { capacity, count } = this.#node;
    const quarter = capacity >> 2;
    if (count >= quarter) return false;
    const countMax = count === 0 ? capacity : capacity - quarter;
    const child = wordAt(this.#pathIndex, level + 1);
    if (child > 0 && this.#mergeChildren(level, child - 1, countMax)) return true;
    if (child + 1 < this.#parent.count && this.#mergeChildren(level, child, countMax)) return true;
    if (count > 0) return false;
    assert(this.#parent.count === 1, 'OrderedIndex: an empty node has not been merged');
    this.#store.release(page);
    this.#parent.remove(0);
    return true;
  }

  /** Merges the children `left` and `left` + 1 of the open parent, if both have `countMax` entries at most. Returns whether it did. */
  #mergeChildren(level: number, left: number, countMax: number): boolean {
    const page = this.#parent.childAt(left + 1);
    this.#node.open(this.#parent.childAt(left), level);
    this.#sibling.open(page, level);
    if (this.#node.count + this.#sibling.count > countMax) return false;
    if (level > 0 && this.#sibling.count > 0) {
      this.#parent.copyEntry(left + 1, this.#entry);
      this.#sibling.setSeparator(0, this.#entry);
    }
    this.#sibling.moveEntries(0, this.#node);
    this.#parent.addBelow(left, this.#parent.belowAt(left + 1));
    this.#parent.remove(left + 1);
    this.#store.release(page);
    return true;
  }

  /** Takes root nodes away that have only one child. */
  #shrinkRoot(): void {
    while (this.#reader.height > 1) {
      const { height, tree } = this.#reader;
      this.#node.open(tree, height - 1);
      if (this.#node.count > 1) return;
      this.#setHeaderWord(TREE_WORD, this.#node.childAt(0));
      this.#setHeaderWord(HEIGHT_WORD, height - 1);
      this.#store.release(tree);
    }
  }

  #releaseNode(page: number, level: number): void {
    if (level > 0) {
      const node = new OrderedPage(this.#store, this.keyWords);
      node.open(page, level);
      for (let child = 0; child < node.count; child += 1) this.#releaseNode(node.childAt(child), level - 1);
    }
    this.#store.release(page);
  }

  #setHeaderWord(word: number, value: number): void {
    this.#store.words(this.rootPage)[pageOffset(this.rootPage) + word] = value;
  }

  #setEntry(key: Uint32Array, rowId: number): void {
    const { keyWords } = this;
    assert(key.length >= keyWords, 'OrderedIndex: the key has fewer than keyWords words');
    assert(rowId >= 1 && rowId <= ROW_ID_MAX, 'OrderedIndex: the row id is out of range');
    for (let word = 0; word < keyWords; word += 1) this.#entry[word] = wordAt(key, word);
    this.#entry[keyWords] = rowId;
  }
}

function wordAt(words: Uint32Array, index: number): number {
  return words[index] as number;
}
