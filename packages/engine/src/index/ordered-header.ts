/**
 * The root page of an ordered index, which holds all of its state that is not in the nodes:
 *
 * | word | field    | meaning                                        |
 * | ---- | -------- | ---------------------------------------------- |
 * | 0    | kind     | `ORDERED_KIND`                                 |
 * | 1    | keyWords | words of a key, 1 to `KEY_WORDS_MAX`           |
 * | 2    | tree     | page of the root node                          |
 * | 3    | height   | levels of nodes, 1 = the root node is a leaf   |
 * | 4    | size     | entries                                        |
 */
import { assert } from '@k-lani/base';
import { pageOffset, type PageStore } from '../memory/page-store.ts';

/** The longest key: a text of 256 bytes and the word that says whether it is null. */
export const KEY_WORDS_MAX = 65;
/** More levels than 2^32 entries of the widest keys can fill. */
export const HEIGHT_MAX = 32;

const ORDERED_KIND = 0x6f72_6465;

const KIND_WORD = 0;
const KEY_WORDS_WORD = 1;
export const TREE_WORD = 2;
export const HEIGHT_WORD = 3;
export const SIZE_WORD = 4;

/** Access to the root page of one index. */
export class OrderedHeader {
  readonly rootPage: number;
  readonly keyWords: number;
  readonly #store: PageStore;

  /** Attaches to a page that `create()` made. */
  constructor(store: PageStore, rootPage: number) {
    this.rootPage = rootPage;
    this.#store = store;
    assert(this.#get(KIND_WORD) === ORDERED_KIND, 'OrderedHeader: the page is not the root page of an ordered index');
    this.keyWords = this.#get(KEY_WORDS_WORD);
    assert(this.keyWords >= 1 && this.keyWords <= KEY_WORDS_MAX, 'OrderedHeader: keyWords is out of range');
  }

  /** Makes the root page of an index without entries. `tree` is an empty leaf. */
  static create(store: PageStore, keyWords: number, tree: number): OrderedHeader {
    assert(Number.isInteger(keyWords) && keyWords >= 1 && keyWords <= KEY_WORDS_MAX, 'OrderedHeader.create(): keyWords is out of range');
    const rootPage = store.allocate();
    const words = store.words(rootPage);
    const offset = pageOffset(rootPage);
    words[offset + KIND_WORD] = ORDERED_KIND;
    words[offset + KEY_WORDS_WORD] = keyWords;
    words[offset + TREE_WORD] = tree;
    words[offset + HEIGHT_WORD] = 1;
    return new OrderedHeader(store, rootPage);
  }

  get tree(): number {
    return this.#get(TREE_WORD);
  }

  set tree(page: number) {
    this.#set(TREE_WORD, page);
  }

  get height(): number {
    return this.#get(HEIGHT_WORD);
  }

  set height(levels: number) {
    this.#set(HEIGHT_WORD, levels);
  }

  get size(): number {
    return this.#get(SIZE_WORD);
  }

  set size(entries: number) {
    this.#set(SIZE_WORD, entries);
  }

  #get(word: number): number {
    return this.#store.words(this.rootPage)[pageOffset(this.rootPage) + word] as number;
  }

  #set(word: number, value: number): void {
    this.#store.words(this.rootPage)[pageOffset(this.rootPage) + word] = value;
  }
}
