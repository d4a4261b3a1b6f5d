/**
 * The flat memory that holds everything derived: row locations and indexes. Pages of 1,024 words of 32 bits, in chunks of 1 MiB that other
 * threads and, where the memory given allows it, other processes can attach to. Structures name pages by number and keep no JavaScript
 * object per row.
 *
 * Page `p` is in chunk `p >>> 8`, at the words from `(p & 255) << 10`. The first page of a chunk belongs to the store:
 *
 * | word  | meaning                                                                   |
 * | ----- | ------------------------------------------------------------------------- |
 * | 0     | chunk 0 only: pages ever handed out or passed over; later pages are zeros |
 * | 1     | chunk 0 only: the first free page, 0 = none                               |
 * | 2     | chunk 0 only: how many pages are free                                     |
 * | 3     | chunk 0 only: `pagesMax`                                                  |
 * | 4     | chunk 0 only: `rootPage`                                                  |
 * | 8–15  | a bit for each page of this chunk that is in use                          |
 *
 * Word 0 of a free page is the next free page, 0 = none; its other words are left as they were.
 *
 * 1. A page that `allocate()` returns is all zeros, and is no page's number that is in use.
 * 2. All state is in the words, so an attached object over the same memory sees the same store; only the one that made it changes it.
 * 3. The same calls in the same order give the same page numbers.
 */
import { AssertionError, assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';

/** Words of 32 bits in a page. */
export const PAGE_WORDS = 1024;
/** Bytes in a page. */
export const PAGE_SIZE_BYTES = PAGE_WORDS * 4;
/** The most pages that a store can be told to hold: 64 GiB. */
const PAGES_MAX = 1 << 24;

const CHUNK_PAGES_BITS = 8;
const CHUNK_PAGES = 1 << CHUNK_PAGES_BITS;
/** Bytes of a buffer that a store is made of. */
export const CHUNK_SIZE_BYTES = CHUNK_PAGES * PAGE_SIZE_BYTES;

const USED_PAGES_WORD = 0;
const FREE_HEAD_WORD = 1;
const FREE_COUNT_WORD = 2;
const PAGES_MAX_WORD = 3;
const ROOT_PAGE_WORD = 4;
const IN_USE_WORD = 8;

/** Memory in chunks of `CHUNK_SIZE_BYTES`, as somebody sees it who does not own it. */
export interface ChunkView {
  /** The chunk at `index`; `undefined` as long as there is none. */
  chunk(index: number): ArrayBufferLike | undefined;
}

/** Memory that grows. */
export interface ChunkSource {
  /** Adds a chunk of zeros at the end. @throws {KLaniError} LimitReached where no memory is left */
  addChunk(): ArrayBufferLike;
}

/** Memory of this process, which threads can be sent. */
const OWN_MEMORY: ChunkSource = { addChunk: () => new SharedArrayBuffer(CHUNK_SIZE_BYTES) };

/**
 * Where the words of `page` begin in its chunk, the array that `PageStore.words(page)` returns.
 *
 * Inside a function, each use of an imported binding costs some 4 ns, four dependent loads; code on a hot path keeps it in a constant of
 * its own module, as in `const offsetOf = pageOffset`.
 */
export function pageOffset(page: number): number {
  return (page & 255) << 10;
}

/** Whether `page` is one that can be handed out, not the store's own, and lies within the first `extentBytes` bytes. */
export function isPageWithin(page: number, extentBytes: number): boolean {
  return (page & (CHUNK_PAGES - 1)) !== 0 && (page + 1) * PAGE_SIZE_BYTES <= extentBytes;
}

/** Pages of flat memory with a limit. Grows by whole chunks, and neither moves a page nor gives a chunk back. */
export class PageStore {
  /** The chunks as words: page `p` is in `chunks[p >>> 8]`, from `pageOffset(p)`. The same array always; it grows in place. */
  readonly chunks: readonly Uint32Array[];
  /** The chunks as 64-bit floats: page `p` is in `floats[p >>> 8]`, from `pageOffset(p) / 2`. The same array always. */
  readonly floats: readonly Float64Array[];

  readonly #chunks: Uint32Array[] = [];
  readonly #floats: Float64Array[] = [];
  readonly #memory: ChunkSource | ChunkView;
  readonly #header: Uint32Array;

  /**
   * Makes an empty store in `memory`, or attaches to the store that is there.
   *
   * @param pagesMax the most pages of 4 KiB that the store may hold, its own included; 2 to `PAGES_MAX`
   * @param memory empty memory that grows; `attach` gives the view of a store that somebody else changes
   */
  constructor(pagesMax: number = PAGES_MAX, memory: ChunkSource | ChunkView = OWN_MEMORY) {
    assert(Number.isInteger(pagesMax) && pagesMax >= 2 && pagesMax <= PAGES_MAX, 'PageStore: pagesMax is out of range');
    this.chunks = this.#chunks;
    this.floats = this.#floats;
    this.#memory = memory;
    if ('addChunk' in memory) {
      this.#header = this.#addChunk(memory.addChunk());
      this.#header[USED_PAGES_WORD] = 1;
      this.#header[PAGES_MAX_WORD] = pagesMax;
    } else {
      const first = memory.chunk(0);
      assert(first !== undefined, 'PageStore.attach(): there is no store');
      this.#header = this.#addChunk(first);
      this.refresh();
    }
  }

  /**
   * An object over the memory of another store, in this thread, another one, or another process. It reads, and neither allocates nor releases;
   * `refresh()` brings pages within reach that the other one has taken since.
   */
  static attach(memory: ChunkView): PageStore {
    return new PageStore(PAGES_MAX, memory);
  }

  /** An attached store: brings every page within reach that is in use by now. */
  refresh(): void {
    const memory = this.#memory;
    if ('addChunk' in memory) return;
    const chunkCount = Math.min(Math.ceil(this.#get(USED_PAGES_WORD) / CHUNK_PAGES), PAGES_MAX / CHUNK_PAGES);
    for (let index = this.#chunks.length; index < chunkCount; index += 1) {
      const chunk = memory.chunk(index);
      if (chunk === undefined) return;
      this.#addChunk(chunk);
    }
  }

  /** The memory itself, of a store in memory of this process alone. */
  get buffers(): SharedArrayBuffer[] {
    return this.#chunks.map((chunk) => {
      assert(chunk.buffer instanceof SharedArrayBuffer, 'PageStore: a chunk is not shared');
      return chunk.buffer;
    });
  }

  /** Bytes from the beginning that hold every page in use; what lies behind is zeros. */
  get extentBytes(): number {
    return this.#get(USED_PAGES_WORD) * PAGE_SIZE_BYTES;
  }

  /** Memory held, free pages included. */
  get sizeBytes(): number {
    return this.#chunks.length * CHUNK_SIZE_BYTES;
  }

  /** Pages in use, the store's own not counted. */
  get pageCount(): number {
    const used = this.#get(USED_PAGES_WORD);
    return used - Math.ceil(used / CHUNK_PAGES) - this.#get(FREE_COUNT_WORD);
  }

  /** The limit given at creation. */
  get pagesMax(): number {
    return this.#get(PAGES_MAX_WORD);
  }

  /** A page that the owner of the store's content begins with, 0 = none: whoever attaches finds everything else from there. */
  get rootPage(): number {
    return this.#get(ROOT_PAGE_WORD);
  }

  set rootPage(page: number) {
    this.#header[ROOT_PAGE_WORD] = page;
  }

  /** The words of the chunk that holds `page`; the page begins at `pageOffset(page)`. */
  words(page: number): Uint32Array {
    return this.#chunks[page >>> 8] ?? noSuchPage();
  }

  /** The same memory as `words(page)`, as 64-bit floats; the page begins at `pageOffset(page) / 2`. */
  float64(page: number): Float64Array {
    return this.#floats[page >>> 8] ?? noSuchPage();
  }

  /**
   * Takes a page, all zeros. Free pages are used again before new ones, the one released last first.
   *
   * @returns its number, more than 0
   * @throws {KLaniError} LimitReached when `pagesMax` pages are in use; nothing has changed then
   */
  allocate(): number {
    assert('addChunk' in this.#memory, 'PageStore.allocate(): an attached store is only read');
    const page = this.#get(FREE_HEAD_WORD);
    if (page === 0) return this.#allocateNew();
    const words = this.words(page);
    const offset = pageOffset(page);
    this.#header[FREE_HEAD_WORD] = words[offset] ?? 0;
    this.#header[FREE_COUNT_WORD] = this.#get(FREE_COUNT_WORD) - 1;
    words.fill(0, offset, offset + PAGE_WORDS);
    this.#setInUse(page, true);
    return page;
  }

  /** Gives a page back. Its words may not be used any more. */
  release(page: number): void {
    assert('addChunk' in this.#memory, 'PageStore.release(): an attached store is only read');
    assert((page & (CHUNK_PAGES - 1)) !== 0, "PageStore.release(): the page is the store's own");
    this.#setInUse(page, false);
    this.words(page)[pageOffset(page)] = this.#get(FREE_HEAD_WORD);
    this.#header[FREE_HEAD_WORD] = page;
    this.#header[FREE_COUNT_WORD] = this.#get(FREE_COUNT_WORD) + 1;
  }

  /**
   * Makes this store equal to `other`, page by page: a structure of `other` is then here under the same root page. The limit stays.
   *
   * An object over a structure of this store stays right where `other` has the same kind of structure under the same root page, as it has
   * when both came from the same calls; any other object must be thrown away.
   *
   * @throws {KLaniError} LimitReached when `other` holds more pages than `pagesMax`; nothing has changed then
   */
  copyFrom(other: PageStore): void {
    this.#copyChunks(other.#chunks);
  }

  /**
   * Makes this store equal to the one whose memory `buffers` was, as `copyFrom`.
   *
   * @param buffers what `buffers` of that store returned
   */
  load(buffers: readonly SharedArrayBuffer[]): void {
    for (const buffer of buffers) assert(buffer.byteLength === CHUNK_SIZE_BYTES, 'PageStore: a buffer is not a chunk');
    this.#copyChunks(buffers.map((buffer) => new Uint32Array(buffer)));
  }

  #copyChunks(sources: readonly Uint32Array[]): void {
    const { pagesMax } = this;
    const used = sources[0]?.[USED_PAGES_WORD];
    assert(used !== undefined, 'PageStore: there is no store');
    if (used > pagesMax) throw limitReached(used, pagesMax);
    while (this.#chunks.length < sources.length) this.#grow();
    for (const [index, own] of this.#chunks.entries()) {
      const source = sources[index];
      if (source === undefined) own.fill(0);
      else own.set(source);
    }
    this.#header[PAGES_MAX_WORD] = pagesMax;
  }

  #grow(): void {
    const memory = this.#memory;
    assert('addChunk' in memory, 'PageStore: an attached store is only read');
    this.#addChunk(memory.addChunk());
  }

  #allocateNew(): number {
    const used = this.#get(USED_PAGES_WORD);
    const page = (used & (CHUNK_PAGES - 1)) === 0 ? used + 1 : used;
    if (page >= this.pagesMax) throw limitReached(page + 1, this.pagesMax);
    if (page >>> CHUNK_PAGES_BITS === this.#chunks.length) this.#grow();
    this.#header[USED_PAGES_WORD] = page + 1;
    this.#setInUse(page, true);
    return page;
  }

  #setInUse(page: number, inUse: boolean): void {
    const words = this.words(page);
    const word = IN_USE_WORD + ((page & (CHUNK_PAGES - 1)) >>> 5);
    const bit = 1 << (page & 31);
    const bits = words[word] ?? 0;
    assert(((bits & bit) !== 0) !== inUse, inUse ? 'PageStore: a free page is in use' : 'PageStore.release(): the page is not in use');
    words[word] = bits ^ bit;
  }

  #addChunk(buffer: ArrayBufferLike): Uint32Array {
    const words = new Uint32Array(buffer);
    this.#chunks.push(words);
    this.#floats.push(new Float64Array(buffer));
    return words;
  }

  #get(word: number): number {
    return this.#header[word] ?? 0;
  }
}

function noSuchPage(): never {
  throw new AssertionError('PageStore: there is no such page');
}

function limitReached(pages: number, pagesMax: number): KLaniError {
  return new KLaniError('LimitReached', `Cannot hold derived state: ${pages} pages of ${PAGE_SIZE_BYTES} bytes, must be <= ${pagesMax}`);
}
