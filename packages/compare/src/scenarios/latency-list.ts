/** Times of which nobody knows beforehand how many there will be; kept without garbage. */
export class LatencyList {
  #times = new Float64Array(1 << 14);
  #count = 0;

  add(timeMs: number): void {
    if (this.#count === this.#times.length) {
      const longer = new Float64Array(2 * this.#times.length);
      longer.set(this.#times);
      this.#times = longer;
    }
    this.#times[this.#count] = timeMs;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** All of them; good until the next is added. */
  get all(): Float64Array {
    return this.#times.subarray(0, this.#count);
  }
}
