/**
 * Row ids with a position each: a hash table in flat arrays, because in a large batch every row goes in and out once.
 *
 * Open addressing with linear probing: a row id is behind its home place without a gap between. A removal closes the gap that it leaves
 * (Knuth, The Art of Computer Programming, 6.4, algorithm R). At most half of the places are taken.
 */
const INITIAL_CAPACITY = 64;
/** Places for which memory is kept when none is taken. */
const CAPACITY_KEPT = 1 << 17;

export class RowPositions {
  /** By place: the row id, 0 = free. */
  #rowIds = new Uint32Array(INITIAL_CAPACITY);
  #positions = new Float64Array(INITIAL_CAPACITY);
  #size = 0;
  /** 32 less the bits of a place. */
  #shift = shiftOf(INITIAL_CAPACITY);

  /** How many row ids are here. */
  get size(): number {
    return this.#size;
  }

  /** The position of a row id, 0 when it is not here. */
  get(rowId: number): number {
    if (this.#size === 0) return 0;
    const place = this.#placeOf(rowId);
    return this.#rowIds[place] === 0 ? 0 : (this.#positions[place] as number);
  }

  /** Sets the position of a row id from 1 to 2^32 - 1. */
  set(rowId: number, position: number): void {
    const place = this.#placeOf(rowId);
    this.#positions[place] = position;
    if (this.#rowIds[place] !== 0) return;
    this.#rowIds[place] = rowId;
    this.#size += 1;
    if (this.#size * 2 > this.#rowIds.length) this.#grow();
  }

  /** Takes a row id out, which is here. */
  delete(rowId: number): void {
    const rowIds = this.#rowIds;
    const mask = rowIds.length - 1;
    let gap = this.#placeOf(rowId);
    for (let place = (gap + 1) & mask; rowIds[place] !== 0; place = (place + 1) & mask) {
      const home = Math.imul(rowIds[place] as number, 0x9e3779b1) >>> this.#shift;
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      rowIds[gap] = rowIds[place] as number;
      this.#positions[gap] = this.#positions[place] as number;
      gap = place;
    }
    rowIds[gap] = 0;
    this.#size -= 1;
    if (this.#size === 0 && rowIds.length > CAPACITY_KEPT) this.#allocate(INITIAL_CAPACITY);
  }

  /** Where the row id is, or the free place where it would be. */
  #placeOf(rowId: number): number {
    const rowIds = this.#rowIds;
    const mask = rowIds.length - 1;
    let place = Math.imul(rowId, 0x9e3779b1) >>> this.#shift;
    while (rowIds[place] !== 0 && rowIds[place] !== rowId) place = (place + 1) & mask;
    return place;
  }

  #grow(): void {
    const [rowIds, positions] = [this.#rowIds, this.#positions];
    this.#allocate(rowIds.length * 2);
    for (let place = 0; place < rowIds.length; place += 1) {
      if (rowIds[place] !== 0) this.set(rowIds[place] as number, positions[place] as number);
    }
  }

  /** Starts over, without row ids. */
  #allocate(capacity: number): void {
    this.#rowIds = new Uint32Array(capacity);
    this.#positions = new Float64Array(capacity);
    this.#size = 0;
    this.#shift = shiftOf(capacity);
  }
}

function shiftOf(capacity: number): number {
  return Math.clz32(capacity) + 1;
}
