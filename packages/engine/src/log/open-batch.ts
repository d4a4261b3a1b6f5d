/** A batch that is not sealed yet: its records in memory, its place in the log already fixed, and who waits for it. */
import { assert } from '@k-lani/base';
import type { KLaniError } from '@k-lani/protocol';
import { BATCH_HEADER_SIZE } from './batch.ts';
import type { RecordTarget } from './record.ts';

const INITIAL_SIZE = 64 * 1024;

/** Called when a batch is durable, or with the error that says why that will never be known. */
export type WhenDurable = (error: KLaniError | undefined) => void;

export class OpenBatch implements RecordTarget {
  /** Position of the batch's header in the log. */
  readonly position: number;
  readonly timeMs: number;
  /** Most bytes that the batch may have where it stands. */
  readonly capacityBytes: number;
  bytes: Uint8Array;
  view: DataView;
  length = BATCH_HEADER_SIZE;
  recordCount = 0;
  readonly #waiters: WhenDurable[] = [];

  constructor(place: { position: number; timeMs: number; capacityBytes: number; memory: Uint8Array | undefined }) {
    this.position = place.position;
    this.timeMs = place.timeMs;
    this.capacityBytes = place.capacityBytes;
    this.bytes = place.memory ?? new Uint8Array(INITIAL_SIZE);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  /** The position behind the batch's last record. */
  get end(): number {
    return this.position + this.length;
  }

  /** Takes `size` bytes at the end for one record and returns where they begin in `bytes`. */
  take(size: number): number {
    const at = this.length;
    assert(at + size <= this.capacityBytes, 'Room for a record was reserved');
    if (at + size > this.bytes.length) this.#grow(at + size);
    this.length = at + size;
    this.recordCount += 1;
    return at;
  }

  /** Calls `done` once the batch is durable and applied. */
  whenDurable(done: WhenDurable): void {
    this.#waiters.push(done);
  }

  /** Calls everyone who waits, in the order in which they came. */
  answer(error: KLaniError | undefined): void {
    for (const done of this.#waiters) done(error);
    this.#waiters.length = 0;
  }

  #grow(sizeMin: number): void {
    let size = this.bytes.length;
    while (size < sizeMin) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
