const NUMBER_MAX = 0xffff_ffff;

/** Numbers from 1 on, for a server to name handles and cursors with; after 2^32 - 1 they begin again. */
export class Numbers {
  #last = 0;

  next(): number {
    this.#last = this.#last === NUMBER_MAX ? 1 : this.#last + 1;
    return this.#last;
  }
}
