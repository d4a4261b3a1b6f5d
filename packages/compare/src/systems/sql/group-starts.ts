import type { Goods } from '../goods.ts';

/** Where in a group a search begins, so that buyers do not all come upon the same units first. */
export class GroupStarts {
  readonly #firstIds: readonly number[];
  readonly #sizes: readonly number[];

  /** Units have the ids that follow from their order: group by group, from 1. */
  constructor({ market }: Goods) {
    this.#sizes = market.groupSizes;
    let next = 1;
    this.#firstIds = market.groupSizes.map((size) => {
      const first = next;
      next += size;
      return first;
    });
  }

  /** The id of the unit where a caller with this spread begins. */
  idFor(group: number, spread: number): number {
    const size = this.#sizes[group - 1] ?? 1;
    return (this.#firstIds[group - 1] ?? 1) + ((Math.imul(spread, 0x9e37_79b1) >>> 0) % size);
  }
}
