/**
 * Checks of what the programmer promised. They are always on, and never used on bytes that came from a disk, a network or a user:
 * those get a coded error.
 */

/** Thrown when k-lani itself is wrong: a bug, never bad input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * Throws when `condition` is false.
 *
 * @throws {AssertionError} with `message`
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/**
 * Marks a branch that the types prove impossible.
 *
 * @throws {AssertionError} always
 */
export function unreachable(value: never): never {
  throw new AssertionError(`Unreachable value: ${String(value)}`);
}
