/**
 * The page that a side begins with, for those who attach to it: where the log ends that the side holds, and where each table's structures
 * begin. It is the `rootPage` of the side's store.
 *
 * | words of the root page | meaning                                                                                     |
 * | ---------------------- | ------------------------------------------------------------------------------------------- |
 * | 0                      | kind, "ROOT"                                                                                |
 * | 1                      | how often the list of tables was written                                                    |
 * | 2–3                    | position where the log ends that the side holds, a float64                                  |
 * | 4                      | words of the list                                                                           |
 * | 5                      | the first page of the list, 0 = none                                                        |
 * | 6                      | how many rows were changed since the root was made, modulo 2^32                             |
 * | 512–1023               | the rows that were changed last, of whatever table: change `n` in word 512 + `n` % 512      |
 *
 * A page of the list has in word 0 the next one, 0 = none, and then words of the list. The list has for each table, by rising id:
 *
 * | words | meaning                                                                                                    |
 * | ----- | ---------------------------------------------------------------------------------------------------------- |
 * | 1     | root page of its row locations                                                                             |
 * | 1     | how many versions its schema has had                                                                       |
 * | 1     | how many indexes it has                                                                                    |
 * | 2 each | position of a version's record in the log, the low word first, in the order in which the versions came     |
 * | 3 each | index: field, 1 if it is of the ordered kind, else 0, root page; by rising field                           |
 *
 * 1. It is part of the side, and changes as the side does: who reads it reads it in one stay, with the rest.
 * 2. Root pages never change. A position does, when compaction moves the record.
 */
import { assert } from '@k-lani/base';
import { PAGE_WORDS, pageOffset, type PageStore } from '../memory/page-store.ts';
import type { RecentChanges } from './first-matches.ts';
import type { TableRoots } from './table-side.ts';

const KIND = 0x544f4f52;
const KIND_WORD = 0;
const WRITES_WORD = 1;
const END_WORD = 2;
const LENGTH_WORD = 4;
const LIST_WORD = 5;
const CHANGES_WORD = 6;
const CHANGED_WORD = 512;
const CHANGED_ROWS = 512;

const NEXT_WORD = 0;
const WORDS_OF_PAGE = PAGE_WORDS - 1;
/** Longer than any list: a reader whose side was taken away may read any length. */
const LENGTH_MAX = 1 << 24;

/** A table as the list has it. */
export interface ListedTable {
  readonly roots: TableRoots;
  /** In the order in which the versions came. */
  readonly schemaPositions: readonly number[];
}

export class SideRoot implements RecentChanges {
  readonly #store: PageStore;
  readonly #page: number;

  /** Attaches to the root page of a store that has one. */
  constructor(store: PageStore) {
    this.#store = store;
    this.#page = store.rootPage;
    assert(this.#get(KIND_WORD) === KIND, 'SideRoot: the page is not the root of a side');
  }

  /** Makes the root page of a store that has none. @throws {KLaniError} LimitReached when the store is full */
  static create(store: PageStore): SideRoot {
    assert(store.rootPage === 0, 'SideRoot.create(): the store has a root page');
    const page = store.allocate();
    store.words(page)[pageOffset(page) + KIND_WORD] = KIND;
    store.rootPage = page;
    return new SideRoot(store);
  }

  /** Position where the log ends that the side holds. */
  get end(): number {
    return this.#store.float64(this.#page)[(pageOffset(this.#page) + END_WORD) >>> 1] as number;
  }

  set end(position: number) {
    this.#store.float64(this.#page)[(pageOffset(this.#page) + END_WORD) >>> 1] = position;
  }

  /** How often the list of tables was written: as long as it is the same, so is the list. */
  get writes(): number {
    return this.#get(WRITES_WORD);
  }

  /** Lists a row as changed. */
  changed(rowId: number): void {
    const words = this.#store.words(this.#page);
    const offset = pageOffset(this.#page);
    const number = words[offset + CHANGES_WORD] as number;
    words[offset + CHANGED_WORD + (number % CHANGED_ROWS)] = rowId;
    words[offset + CHANGES_WORD] = number + 1;
  }

  get changes(): number {
    return this.#get(CHANGES_WORD);
  }

  get listed(): number {
    return CHANGED_ROWS;
  }

  changedRow(number: number): number {
    return this.#get(CHANGED_WORD + ((number >>> 0) % CHANGED_ROWS));
  }

  /** The tables, by rising id. */
  read(): ListedTable[] {
    const words = this.#readWords();
    const tables: ListedTable[] = [];
    let at = 0;
    const take = (): number => {
      const word = words[at];
      assert(word !== undefined, 'SideRoot: the list is cut off');
      at += 1;
      return word;
    };
    while (at < words.length) {
      const locations = take();
      const versionCount = take();
      const indexCount = take();
      assert(at + versionCount * 2 + indexCount * 3 <= words.length, 'SideRoot: the list is cut off');
      const schemaPositions = Array.from({ length: versionCount }, () => take() + take() * 2 ** 32);
      const indexes = Array.from({ length: indexCount }, () => ({ fieldIndex: take(), isOrdered: take() === 1, rootPage: take() }));
      tables.push({ roots: { locations, indexes }, schemaPositions });
    }
    return tables;
  }

  /** Writes the tables anew, by rising id. @throws {KLaniError} LimitReached when the store is full */
  write(tables: readonly ListedTable[]): void {
    const words = tables.flatMap(({ roots, schemaPositions }) => [
      roots.locations,
      schemaPositions.length,
      roots.indexes.length,
      ...schemaPositions.flatMap((position) => [position >>> 0, Math.floor(position / 2 ** 32)]),
      ...roots.indexes.flatMap(({ fieldIndex, isOrdered, rootPage }) => [fieldIndex, isOrdered ? 1 : 0, rootPage]),
    ]);
    let page = this.#page;
    let link = LIST_WORD;
    for (let from = 0; from < words.length; from += WORDS_OF_PAGE) {
      page = this.#pageBehind(page, link);
      link = NEXT_WORD;
      this.#store.words(page).set(words.slice(from, from + WORDS_OF_PAGE), pageOffset(page) + 1);
    }
    this.#set(LENGTH_WORD, words.length);
    this.#set(WRITES_WORD, this.writes + 1);
  }

  #readWords(): Uint32Array {
    const length = this.#get(LENGTH_WORD);
    assert(length <= LENGTH_MAX, 'SideRoot: the list is too long');
    const words = new Uint32Array(length);
    let page = this.#get(LIST_WORD);
    for (let from = 0; from < length; from += WORDS_OF_PAGE) {
      const offset = pageOffset(page);
      const pageWords = this.#store.words(page);
      words.set(pageWords.subarray(offset + 1, offset + 1 + Math.min(WORDS_OF_PAGE, length - from)), from);
      page = pageWords[offset + NEXT_WORD] as number;
    }
    return words;
  }

  /** The page that word `link` of `page` names; it is made where there is none. */
  #pageBehind(page: number, link: number): number {
    const words = this.#store.words(page);
    const at = pageOffset(page) + link;
    const next = words[at] || this.#store.allocate();
    words[at] = next;
    return next;
  }

  #get(word: number): number {
    return this.#store.words(this.#page)[pageOffset(this.#page) + word] as number;
  }

  #set(word: number, value: number): void {
    this.#store.words(this.#page)[pageOffset(this.#page) + word] = value;
  }
}
