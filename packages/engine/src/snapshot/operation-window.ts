/**
 * The operations that the database remembers: operation id → where its first record is. A request that comes again within the window gets
 * its first answer. The window holds a number of operations, not a time; it is rebuilt from the log.
 *
 * Flat memory: a ring of the operations in the order they came, and an open-addressed table of places in the ring, by hash of the id. The
 * ids themselves are compared in the log.
 */
import { assert } from '@k-lani/base';
import { RecordOffset } from '../log/record.ts';
import type { RecordSource } from '../log/record-source.ts';

/** How many operations are remembered unless configured otherwise. */
export const OPERATION_WINDOW = 1_048_576;

/** How many operations can be remembered at most. */
export const OPERATION_WINDOW_MAX = 2 ** 28;

const INITIAL_CAPACITY = 1024;
const OPERATION_ID_SIZE = 16;

/** Whether the record at a position bears an operation id. */
export type OperationMatch = (position: number, id: Uint8Array) => boolean;

/**
 * Compares ids in the log. A record whose id is another one is checked: a damaged one must not pass for that of another operation. Records
 * before `checkedFrom` were not checked yet, and are always.
 *
 * @throws {KLaniError} ChecksumMismatch, from the function returned
 */
export function operationMatch(source: RecordSource, checkedFrom: number): OperationMatch {
  return (position, id) => {
    assert(id.length === OPERATION_ID_SIZE, 'An operation id has 16 bytes');
    const at = position < checkedFrom ? source.record(position) : source.locate(position, RecordOffset.body);
    for (let offset = 0; offset < OPERATION_ID_SIZE; offset += 1) {
      if (source.bytes[at + RecordOffset.operationId + offset] === id[offset]) continue;
      // Two ids with one hash are rare.
      source.record(position);
      return false;
    }
    return true;
  };
}

/** What a window remembers: from the oldest to the newest the positions of the operations' first records, and the hashes of their ids. */
export interface SavedOperations {
  readonly positions: Float64Array;
  readonly hashes: Uint32Array;
}

export class OperationWindow {
  readonly #sizeMax: number;
  readonly #matches: OperationMatch;
  /** Position and hash of each operation; the oldest is overwritten. */
  #positions: Float64Array;
  #hashes: Uint32Array;
  /** Place in the ring + 1 by hash; 0 is free. Twice the ring, so that probes stay short. */
  #places: Uint32Array;
  #capacity: number;
  #next = 0;
  #size = 0;

  /** @param sizeMax how many operations are remembered, at least 1 */
  constructor(sizeMax: number, matches: OperationMatch) {
    assert(Number.isInteger(sizeMax) && sizeMax >= 1, 'The operation window has a size');
    this.#sizeMax = sizeMax;
    this.#matches = matches;
    this.#capacity = Math.min(sizeMax, INITIAL_CAPACITY);
    this.#positions = new Float64Array(this.#capacity);
    this.#hashes = new Uint32Array(this.#capacity);
    this.#places = new Uint32Array(tableSize(this.#capacity));
  }

  get size(): number {
    return this.#size;
  }

  /** Position of the first record of the oldest operation that is remembered; 0 for none. */
  get oldest(): number {
    return (this.#size === this.#capacity ? this.#positions[this.#next] : this.#positions[0]) ?? 0;
  }

  /** Memory held, bytes. */
  get sizeBytes(): number {
    return this.#positions.byteLength + this.#hashes.byteLength + this.#places.byteLength;
  }

  /** Position of the first record of an operation, 0 when the window does not hold it. */
  find(id: Uint8Array): number {
    const hash = hashOf(id);
    const mask = this.#places.length - 1;
    for (let probe = hash & mask; ; probe = (probe + 1) & mask) {
      const place = this.#places[probe] ?? 0;
      if (place === 0) return 0;
      const position = this.#positions[place - 1] ?? 0;
      if (this.#hashes[place - 1] === hash && this.#matches(position, id)) return position;
    }
  }

  /** Remembers an operation whose first record is at `position`; the oldest is forgotten when the window is full. */
  add(id: Uint8Array, position: number): void {
    if (this.#size === this.#capacity && this.#capacity < this.#sizeMax) this.#grow();
    if (this.#size === this.#capacity) this.#forget(this.#next);
    else this.#size += 1;
    this.#positions[this.#next] = position;
    this.#hashes[this.#next] = hashOf(id);
    this.#insert(this.#next);
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The operations remembered, the oldest first. */
  save(): SavedOperations {
    const first = this.#size === this.#capacity ? this.#next : 0;
    const positions = new Float64Array(this.#size);
    const hashes = new Uint32Array(this.#size);
    positions.set(this.#positions.subarray(first, this.#size));
    positions.set(this.#positions.subarray(0, first), this.#size - first);
    hashes.set(this.#hashes.subarray(first, this.#size));
    hashes.set(this.#hashes.subarray(0, first), this.#size - first);
    return { positions, hashes };
  }

  /** Makes an empty window remember what another one saved, as far as it has room: the newest. */
  restore({ positions, hashes }: SavedOperations): void {
    assert(this.#size === 0, 'The operation window is empty');
    const first = Math.max(0, positions.length - this.#sizeMax);
    while (this.#capacity < positions.length - first) this.#capacity = Math.min(this.#capacity * 2, this.#sizeMax);
    this.#size = positions.length - first;
    this.#next = this.#size % this.#capacity;
    this.#positions = new Float64Array(this.#capacity);
    this.#positions.set(positions.subarray(first));
    this.#hashes = new Uint32Array(this.#capacity);
    this.#hashes.set(hashes.subarray(first));
    this.#places = new Uint32Array(tableSize(this.#capacity));
    for (let place = 0; place < this.#size; place += 1) this.#insert(place);
  }

  #insert(place: number): void {
    const mask = this.#places.length - 1;
    let probe = (this.#hashes[place] ?? 0) & mask;
    while (this.#places[probe] !== 0) probe = (probe + 1) & mask;
    this.#places[probe] = place + 1;
  }

  /** Takes a place of the ring out of the table and closes the gap: see Knuth, The Art of Computer Programming, 6.4, algorithm R. */
  #forget(place: number): void {
    const mask = this.#places.length - 1;
    let gap = (this.#hashes[place] ?? 0) & mask;
    while (this.#places[gap] !== place + 1) gap = (gap + 1) & mask;
    for (let probe = (gap + 1) & mask; this.#places[probe] !== 0; probe = (probe + 1) & mask) {
      const home = (this.#hashes[(this.#places[probe] ?? 0) - 1] ?? 0) & mask;
      if (((probe - home) & mask) < ((probe - gap) & mask)) continue;
      this.#places[gap] = this.#places[probe] ?? 0;
      gap = probe;
    }
    this.#places[gap] = 0;
  }

  /** Doubles the ring, which is full and begins at place 0. */
  #grow(): void {
    assert(this.#next === 0, 'A ring that never wrapped begins at its first place');
    const positions = this.#positions;
    const hashes = this.#hashes;
    this.#next = this.#capacity;
    this.#capacity = Math.min(this.#capacity * 2, this.#sizeMax);
    this.#positions = new Float64Array(this.#capacity);
    this.#positions.set(positions);
    this.#hashes = new Uint32Array(this.#capacity);
    this.#hashes.set(hashes);
    this.#places = new Uint32Array(tableSize(this.#capacity));
    for (let place = 0; place < this.#size; place += 1) this.#insert(place);
  }
}

function tableSize(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2));
}

/** Mixes the four words of an id, so that ids that people count up spread too. */
function hashOf(id: Uint8Array): number {
  let hash = 0;
  for (let offset = 0; offset < 16; offset += 4) {
    const word = (id[offset] ?? 0) | ((id[offset + 1] ?? 0) << 8) | ((id[offset + 2] ?? 0) << 16) | ((id[offset + 3] ?? 0) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
