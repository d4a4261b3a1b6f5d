import { KLaniError } from '../errors.ts';

/** What a change did to its row. A number is never given to another meaning. */
export const ChangeKind = { append: 1, replace: 2, delete: 3 } as const;

/** One of the numbers of {@link ChangeKind}. */
export type ChangeKindNumber = (typeof ChangeKind)[keyof typeof ChangeKind];

/** @throws {KLaniError} `Protocol` for a number that is none */
export function changeKindOf(number: number): ChangeKindNumber {
  if (number === ChangeKind.append || number === ChangeKind.replace || number === ChangeKind.delete) return number;
  throw new KLaniError('Protocol', `Cannot read change: its kind is ${number}, must be 1 to 3`);
}
