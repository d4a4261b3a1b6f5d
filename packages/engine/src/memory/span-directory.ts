/**
 * A directory inside a root page: for each span of 524,288 row ids the page that the owner of the root page keeps for it.
 *
 * | words of the root page | meaning                                                                              |
 * | ---------------------- | ------------------------------------------------------------------------------------ |
 * | 0–15                   | the owner's                                                                          |
 * | 16–23                  | pages that hold the entries of spans 1,000–8,191, 1,024 each; made when first needed |
 * | 24–1023                | the entries of spans 0–999                                                           |
 *
 * An entry is a page number, 0 = none. Small tables thus need no page but the root.
 */
import { assert } from '@k-lani/base';
import { PAGE_WORDS, pageOffset, type PageStore } from './page-store.ts';

/** A span is the row ids that are equal but for so many low bits. */
export const SPAN_BITS = 19;
/** Spans of all row ids. */
export const SPANS_MAX = 1 << (32 - SPAN_BITS);

const FURTHER_WORD = 16;
const DIRECT_WORD = 24;
const DIRECT_SPANS = PAGE_WORDS - DIRECT_WORD;

/** Span to page. The object holds no state but where the root page is. */
export class SpanDirectory {
  readonly #store: PageStore;
  readonly #root: Uint32Array;
  readonly #offset: number;

  constructor(store: PageStore, rootPage: number) {
    this.#store = store;
    this.#root = store.words(rootPage);
    this.#offset = pageOffset(rootPage);
  }

  /** The page of `span`, 0 when it has none. */
  get(span: number): number {
    return span < DIRECT_SPANS ? (this.#root[this.#offset + DIRECT_WORD + span] as number) : this.#getFurther(span - DIRECT_SPANS);
  }

  /**
   * Enters the page of `span`; 0 takes it out.
   *
   * @throws {KLaniError} LimitReached when the directory needs a page and the store has none; nothing has changed then
   */
  set(span: number, page: number): void {
    assert(span >= 0 && span < SPANS_MAX, 'SpanDirectory.set(): there is no such span');
    if (span < DIRECT_SPANS) {
      this.#root[this.#offset + DIRECT_WORD + span] = page;
      return;
    }
    const further = span - DIRECT_SPANS;
    const word = this.#offset + FURTHER_WORD + (further >>> 10);
    const directory = this.#root[word] || this.#store.allocate();
    this.#root[word] = directory;
    this.#store.words(directory)[pageOffset(directory) + (further & 1023)] = page;
  }

  /** Pages of the directory beside the root page. */
  get pageCount(): number {
    let count = 0;
    for (let word = this.#offset + FURTHER_WORD; word < this.#offset + DIRECT_WORD; word += 1) if (this.#root[word] !== 0) count += 1;
    return count;
  }

  /** Gives back the directory's own pages, not those that it names. It is empty then. */
  release(): void {
    for (let word = this.#offset + FURTHER_WORD; word < this.#offset + DIRECT_WORD; word += 1) {
      const page = this.#root[word] ?? 0;
      if (page !== 0) this.#store.release(page);
    }
    this.#root.fill(0, this.#offset + FURTHER_WORD, this.#offset + PAGE_WORDS);
  }

  #getFurther(further: number): number {
    const page = this.#root[this.#offset + FURTHER_WORD + (further >>> 10)] ?? 0;
    return page === 0 ? 0 : (this.#store.words(page)[pageOffset(page) + (further & 1023)] ?? 0);
  }
}
