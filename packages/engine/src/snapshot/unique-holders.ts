/**
 * Which row was last given a key of one unique field, by changes in the order of their positions, until they are settled in that order.
 *
 * A ring of entries, and over it a hash table whose chains go from the newest entry to the oldest:
 *
 * 1. An entry is in force when its age, its distance from the oldest one in force, is below the count.
 * 2. Along a chain ages fall. A link that does not lead to a lower age leads to what was settled, and ends the chain; so entries are
 *    settled without touching the table.
 */
import { assert } from '@k-lani/base';

const INITIAL_CAPACITY = 64;
/** Entries for which memory is kept when none is in force. */
const CAPACITY_KEPT = 1 << 16;

export class UniqueHolders {
  readonly #keyWords: number;
  /** A power of two. */
  #capacity = 0;
  /** Number of the oldest entry in force, modulo 2^32; entry `n` is at `n & (capacity - 1)`. */
  #first = 0;
  #count = 0;
  #keys = new Uint32Array(0);
  #rowIds = new Uint32Array(0);
  #positions = new Float64Array(0);
  /** By entry: the number of the one before it in its chain. */
  #links = new Uint32Array(0);
  /** By hash: the number of the newest entry of its chain. */
  #heads = new Uint32Array(0);

  /** @param keyWords words of a key, at least 1 */
  constructor(keyWords: number) {
    assert(keyWords >= 1, 'UniqueHolders: a key has words');
    this.#keyWords = keyWords;
    this.#allocate(INITIAL_CAPACITY);
  }

  /** Entries in force. */
  get count(): number {
    return this.#count;
  }

  /**
   * Remembers that a row was given a key by the change at `position`.
   *
   * @param key its first `keyWords` words count; not kept
   * @param position not below that of the entry before
   */
  add(key: Uint32Array, rowId: number, position: number): void {
    if (this.#count === this.#capacity) this.#grow();
    const number = (this.#first + this.#count) >>> 0;
    const place = number & (this.#capacity - 1);
    const keyWords = this.#keyWords;
    for (let word = 0; word < keyWords; word += 1) this.#keys[place * keyWords + word] = key[word] as number;
    this.#rowIds[place] = rowId;
    this.#positions[place] = position;
    this.#link(number, place);
    this.#count += 1;
  }

  /** The row that was last given the key, or 0. */
  find(key: Uint32Array): number {
    if (this.#count === 0) return 0;
    const first = this.#first;
    const mask = this.#capacity - 1;
    let limit = this.#count;
    let age = ((this.#heads[hashOf(key, 0, this.#keyWords) & mask] as number) - first) >>> 0;
    while (age < limit) {
      const place = (first + age) & mask;
      if (this.#isAt(place, key)) return this.#rowIds[place] as number;
      limit = age;
      age = ((this.#links[place] as number) - first) >>> 0;
    }
    return 0;
  }

  /** Forgets what changes up to that at `position` have given. */
  settle(position: number): void {
    const mask = this.#capacity - 1;
    while (this.#count > 0 && (this.#positions[this.#first & mask] as number) <= position) {
      this.#first = (this.#first + 1) >>> 0;
      this.#count -= 1;
    }
    if (this.#count === 0 && this.#capacity > CAPACITY_KEPT) this.#allocate(INITIAL_CAPACITY);
  }

  #isAt(place: number, key: Uint32Array): boolean {
    const keyWords = this.#keyWords;
    const offset = place * keyWords;
    for (let word = 0; word < keyWords; word += 1) if (this.#keys[offset + word] !== key[word]) return false;
    return true;
  }

  #link(number: number, place: number): void {
    const chain = hashOf(this.#keys, place * this.#keyWords, this.#keyWords) & (this.#capacity - 1);
    this.#links[place] = this.#heads[chain] as number;
    this.#heads[chain] = number;
  }

  #grow(): void {
    const { length } = this.#rowIds;
    const [keys, rowIds, positions] = [this.#keys, this.#rowIds, this.#positions];
    const first = this.#first;
    const count = this.#count;
    this.#allocate(length * 2);
    for (let age = 0; age < count; age += 1) {
      const place = (first + age) & (length - 1);
      this.add(keys.subarray(place * this.#keyWords), rowIds[place] as number, positions[place] as number);
    }
  }

  /** Starts over, without entries. */
  #allocate(capacity: number): void {
    this.#capacity = capacity;
    this.#first = 0;
    this.#count = 0;
    this.#keys = new Uint32Array(capacity * this.#keyWords);
    this.#rowIds = new Uint32Array(capacity);
    this.#positions = new Float64Array(capacity);
    this.#links = new Uint32Array(capacity);
    this.#heads = new Uint32Array(capacity);
  }
}

/** Mixes the words of a key, so that keys that people count up spread too. */
function hashOf(words: Uint32Array, offset: number, length: number): number {
  let hash = 0;
  for (let word = offset; word < offset + length; word += 1) {
    hash = Math.imul(hash ^ (words[word] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
