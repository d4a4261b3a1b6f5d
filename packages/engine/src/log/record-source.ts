/** Where records are read from: the log of an open database, or the sealed segments of one by themselves. */
import type { RecordTarget } from './record.ts';

/** `bytes` and `view` are the memory that the last call made readable. */
export interface RecordSource extends RecordTarget {
  /** Makes `length` bytes from `position` readable and returns their index in `bytes`. Valid until the next call. */
  locate(position: number, length: number): number;

  /**
   * Makes the record at `position` readable and returns its index in `bytes`. Valid until the next call.
   *
   * @throws {KLaniError} ChecksumMismatch when the record is damaged
   */
  record(position: number): number;
}
