/**
 * A number of the site, and where it comes from: every number is a value of a raw log, or is computed from such values by a named rule.
 *
 * 1. A quantity that is read (`at`) is the value at `path` of one line of one log.
 * 2. A quantity that is computed names its rule, and what the rule was applied to: other quantities, or all lines of some kinds. The page of
 *    workings shows each of them on a line of its own, from where links lead to the raw logs.
 */

/** One value of one line; lines count from 1. */
export interface Cell {
  /** The log's file name on the site. */
  readonly file: string;
  readonly line: number;
  readonly path: readonly (string | number)[];
}

/** Lines of a log, from the first to the last of them. */
export interface LineRange {
  readonly file: string;
  readonly kind: string;
  readonly first: number;
  readonly last: number;
}

/** How a quantity is computed from others, in order. */
type RuleOfQuantities = 'sum' | 'difference' | 'ratio' | 'median' | 'least' | 'greatest' | 'rate';

/** How a quantity is computed from lines. */
type RuleOfLines =
  | { readonly rule: 'lines' }
  | { readonly rule: 'lines where'; readonly index: number; readonly equals: number }
  | { readonly rule: 'answers'; readonly kinds: readonly string[] }
  | { readonly rule: 'peak'; readonly kinds: readonly string[]; readonly stretchUs: number }
  | { readonly rule: 'recount'; readonly what: 'verifiedSold' | 'doubleSold' | 'lost' | 'unknownSold' | 'free' };

export type Quantity =
  | { readonly value: number; readonly at: Cell }
  | { readonly value: number; readonly rule: RuleOfQuantities; readonly of: readonly Quantity[] }
  | { readonly value: number; readonly lines: RuleOfLines; readonly of: readonly LineRange[] };

/** What each rule of quantities computes. */
const RULES: Readonly<Record<RuleOfQuantities, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((total, value) => total + value, 0),
  difference: ([from = 0, less = 0]) => from - less,
  ratio: ([above = 0, below = 0]) => above / below,
  rate: ([count = 0, us = 0]) => (count * 1_000_000) / us,
  median: (values) => {
    const sorted = values.toSorted((left, right) => left - right);
    return ((sorted[(sorted.length - 1) >> 1] ?? Number.NaN) + (sorted[sorted.length >> 1] ?? Number.NaN)) / 2;
  },
  least: (values) => Math.min(...values),
  greatest: (values) => Math.max(...values),
};

/** Applies a rule. Where its answer is one of the quantities, that one is given, so that a link leads to where it was read. */
export function compute(rule: RuleOfQuantities, of: readonly Quantity[]): Quantity {
  const value = RULES[rule](of.map((quantity) => quantity.value));
  const isChoice = rule === 'median' || rule === 'least' || rule === 'greatest';
  const chosen = isChoice ? of.find((quantity) => quantity.value === value) : undefined;
  return chosen ?? { value, rule, of };
}
