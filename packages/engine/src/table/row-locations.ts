/**
 * Where the latest record of each row is in the log. Eight bytes a row, in pages of 512 positions that are made when first needed.
 *
 * | words of the root page | meaning                                                                        |
 * | ---------------------- | ------------------------------------------------------------------------------ |
 * | 0                      | kind, "ROWL"                                                                   |
 * | 1                      | the highest row id that was ever set or told of, 0 = none                      |
 * | 2                      | rows whose position is positive                                                |
 * | 4–5                    | bytes of the records of those rows, a float64                                  |
 * | 16–1023                | span directory; a span's page names 1,024 pages of 512 positions, 0 = all none |
 *
 * A position is a float64: positive, where the latest record is; negative, the row is deleted and its tombstone is, or was, at the position
 * without the sign; 0, there never was such a row, or it was deleted and nothing of it is kept. Only positive ones can be relied on to lie
 * within the log.
 */
import { assert } from '@k-lani/base';
import { pageOffset, type PageStore } from '../memory/page-store.ts';
import { ROW_ID_MAX } from '../memory/row-id.ts';
import { SPAN_BITS, SpanDirectory } from '../memory/span-directory.ts';

const KIND = 0x4c574f52;
const KIND_WORD = 0;
const ROW_ID_MAX_WORD = 1;
const LIVE_COUNT_WORD = 2;
const LIVE_BYTES_WORD = 4;

const offsetOf = pageOffset;
const DIRECTORY_BITS = SPAN_BITS;
const LEAF_BITS = 9;
const LEAF_MASK = (1 << LEAF_BITS) - 1;
const DIRECTORY_MASK = (1 << (DIRECTORY_BITS - LEAF_BITS)) - 1;

/** Row id to log position. All state is in the store: further objects may be attached to the same root page at any time. */
export class RowLocations {
  readonly rootPage: number;
  readonly #store: PageStore;
  readonly #chunks: readonly Uint32Array[];
  readonly #floats: readonly Float64Array[];
  readonly #root: Uint32Array;
  readonly #rootFloats: Float64Array;
  readonly #offset: number;
  readonly #directories: SpanDirectory;

  /** Attaches to what `create()` made in this store, or in the one that this store is a copy of. */
  constructor(store: PageStore, rootPage: number) {
    this.rootPage = rootPage;
    this.#store = store;
    this.#chunks = store.chunks;
    this.#floats = store.floats;
    this.#root = store.words(rootPage);
    this.#rootFloats = store.float64(rootPage);
    this.#offset = pageOffset(rootPage);
    this.#directories = new SpanDirectory(store, rootPage);
    assert(this.#root[this.#offset + KIND_WORD] === KIND, 'RowLocations: the page is not a root of row locations');
  }

  /** @throws {KLaniError} LimitReached when the store is full */
  static create(store: PageStore): RowLocations {
    const rootPage = store.allocate();
    store.words(rootPage)[pageOffset(rootPage) + KIND_WORD] = KIND;
    return new RowLocations(store, rootPage);
  }

  /** The highest row id that was ever set, 0 when there is none. */
  get rowIdMax(): number {
    return this.#root[this.#offset + ROW_ID_MAX_WORD] ?? 0;
  }

  /** Rows that are neither deleted nor unknown. */
  get liveCount(): number {
    return this.#root[this.#offset + LIVE_COUNT_WORD] ?? 0;
  }

  /** Pages that the locations take, counted by reading their directories. */
  get pageCount(): number {
    let count = 1 + this.#directories.pageCount;
    for (let span = 0; span <= this.rowIdMax >>> DIRECTORY_BITS; span += 1) {
      const directory = this.#directories.get(span);
      if (directory === 0) continue;
      const words = this.#store.words(directory);
      const first = offsetOf(directory);
      count += 1;
      for (let word = first; word <= first + DIRECTORY_MASK; word += 1) if (words[word] !== 0) count += 1;
    }
    return count;
  }

  /** Bytes of the records of those rows, as far as `addLiveBytes` was told. */
  get liveBytes(): number {
    return this.#rootFloats[(this.#offset + LIVE_BYTES_WORD) >>> 1] ?? 0;
  }

  /** Adds the size of a record that became a row's latest, less that of the one before. */
  addLiveBytes(change: number): void {
    this.#rootFloats[(this.#offset + LIVE_BYTES_WORD) >>> 1] = this.liveBytes + change;
  }

  /** Notes that row ids up to this one were given, whatever is kept of the rows. */
  raiseRowIdMax(rowId: number): void {
    if (rowId > this.rowIdMax) this.#root[this.#offset + ROW_ID_MAX_WORD] = rowId;
  }

  /**
   * The position of a row's latest record; negative for a deleted row, 0 for one that never was.
   *
   * @param rowId any integer from 0 to 2^32 - 1
   */
  get(rowId: number): number {
    const directory = this.#directories.get(rowId >>> DIRECTORY_BITS);
    if (directory === 0) return 0;
    const words = this.#chunks[directory >>> 8] as Uint32Array;
    const leaf = words[offsetOf(directory) + ((rowId >>> LEAF_BITS) & DIRECTORY_MASK)] as number;
    if (leaf === 0) return 0;
    const positions = this.#floats[leaf >>> 8] as Float64Array;
    return positions[(offsetOf(leaf) >>> 1) + (rowId & LEAF_MASK)] as number;
  }

  /**
   * Sets the position of a row's latest record.
   *
   * @param rowId 1 to 2^32 - 2
   * @param position a safe integer other than 0; negative for a tombstone
   * @throws {KLaniError} LimitReached when the store is full; the position has not changed then
   */
  set(rowId: number, position: number): void {
    assert(rowId >= 1 && rowId <= ROW_ID_MAX && Number.isInteger(rowId), 'RowLocations.set(): the row id is out of range');
    assert(position !== 0 && Number.isSafeInteger(position), 'RowLocations.set(): the position is 0, or not a safe integer');
    const leaf = this.#leafFor(rowId);
    const positions = this.#store.float64(leaf);
    const index = (offsetOf(leaf) >>> 1) + (rowId & LEAF_MASK);
    const change = (position > 0 ? 1 : 0) - ((positions[index] ?? 0) > 0 ? 1 : 0);
    positions[index] = position;
    if (change !== 0) this.#root[this.#offset + LIVE_COUNT_WORD] = this.liveCount + change;
    this.raiseRowIdMax(rowId);
  }

  #leafFor(rowId: number): number {
    const span = rowId >>> DIRECTORY_BITS;
    let directory = this.#directories.get(span);
    if (directory === 0) {
      directory = this.#store.allocate();
      this.#directories.set(span, directory);
    }
    const words = this.#store.words(directory);
    const word = offsetOf(directory) + ((rowId >>> LEAF_BITS) & DIRECTORY_MASK);
    const leaf = words[word] || this.#store.allocate();
    words[word] = leaf;
    return leaf;
  }
}
