/** Refusals, and what they may have seen. */
import { KLaniError, type ErrorCode } from '@k-lani/protocol';

/** What a refusal with one of these codes says does not come from rows. */
const INDEPENDENT: ReadonlySet<ErrorCode> = new Set([
  'WriterFailed',
  'Overloaded',
  'DiskFull',
  'BatchTooLarge',
  'ReadOnly',
  'Io',
  'Closed',
]);

/** Whether a refusal may have been decided by a change that is not durable yet, so that it must wait for that. */
export function mayDependOnChanges(error: unknown): boolean {
  return error instanceof KLaniError && !INDEPENDENT.has(error.code);
}
