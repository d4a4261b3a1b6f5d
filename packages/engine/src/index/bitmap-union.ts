import { assert } from '@k-lani/base';
import type { Bitmap } from './bitmap.ts';

/**
 * A list of bitmaps, no two with a row id in common, that count as one set: what a range means where each value has a bitmap. Reusable; it
 * holds no rows itself.
 */
export class BitmapUnion {
  readonly #bitmaps: Bitmap[] = [];
  #size = 0;

  /** How many bitmaps are in the list. */
  get size(): number {
    return this.#size;
  }

  /** How many row ids are in the set. */
  get count(): number {
    let count = 0;
    for (let index = 0; index < this.#size; index += 1) count += this.at(index).count;
    return count;
  }

  /** Makes the list, and with it the set, empty. */
  clear(): void {
    this.#size = 0;
  }

  add(bitmap: Bitmap): void {
    this.#bitmaps[this.#size] = bitmap;
    this.#size += 1;
  }

  /** @param index 0 to `size` - 1 */
  at(index: number): Bitmap {
    const bitmap = index < this.#size ? this.#bitmaps[index] : undefined;
    assert(bitmap !== undefined, 'BitmapUnion.at(): the index is out of range');
    return bitmap;
  }

  has(rowId: number): boolean {
    for (let index = 0; index < this.#size; index += 1) if (this.at(index).has(rowId)) return true;
    return false;
  }
}
