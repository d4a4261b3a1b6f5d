import { SeededRandom } from '@k-lani/base';

/** A row of the table that inserts and reads are measured with. Fields but `amount` and `label` are indexed. */
export interface Item {
  /** The primary key, from 1. */
  readonly number: number;
  /** One of 1,000. */
  readonly category: number;
  /** One of 20. */
  readonly region: number;
  /** One of 50. */
  readonly status: number;
  /** 0 to 999,999; ranges are asked of it. */
  readonly price: number;
  readonly amount: number;
  /** 32 ASCII letters and digits. */
  readonly label: string;
}

export const CATEGORIES = 1000;
export const REGIONS = 20;
export const STATUSES = 50;
export const PRICES = 1_000_000;
export const LABEL_LENGTH = 32;

/** Items with the numbers `first` to `first + count - 1`. */
export function makeItems(count: number, seed: number, first = 1): Item[] {
  const random = new SeededRandom(seed + first);
  return Array.from({ length: count }, (_, index) => makeItem(first + index, random));
}

/** An item that lives alone or with few others. */
export function makeItem(number: number, random: SeededRandom): Item {
  return {
    number,
    category: random.below(CATEGORIES),
    region: random.below(REGIONS),
    status: random.below(STATUSES),
    price: random.below(PRICES),
    amount: 0,
    label: `item ${number} `.padEnd(LABEL_LENGTH, 'abcdefghijklmnopqrstuvwxyz0123456789'),
  };
}

/** Whether all fields that never change are the same. */
export function isSameItem(a: Item, b: Item): boolean {
  return (
    a.number === b.number &&
    a.category === b.category &&
    a.region === b.region &&
    a.status === b.status &&
    a.price === b.price &&
    a.label === b.label
  );
}
