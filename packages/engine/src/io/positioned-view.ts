/** A reading window without a mapping, for platforms that have none: every `at()` is a positioned read. */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { Descriptor } from './descriptor.ts';
import type { FileView } from './io.ts';

const SCRATCH_SIZE_MIN_BYTES = 4096;
const CLOSED = -1;

/** A file, read piece by piece into a scratch buffer that grows to the longest piece. */
export class PositionedView implements FileView {
  readonly #descriptor: Descriptor;
  #bytes = new Uint8Array(SCRATCH_SIZE_MIN_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #sizeBytes: number;

  /** Holds the descriptor until it is closed. */
  constructor(descriptor: Descriptor, sizeBytes: number) {
    descriptor.acquire();
    this.#descriptor = descriptor;
    this.#sizeBytes = sizeBytes;
  }

  get isWhole(): boolean {
    return false;
  }

  get bytes(): Uint8Array {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read file view: it is closed');
    return this.#bytes;
  }

  get view(): DataView {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read file view: it is closed');
    return this.#view;
  }

  at(position: number, length: number): number {
    if (!(position >= 0 && length >= 0 && position + length <= this.#sizeBytes)) this.#refuse(position, length);
    if (length > this.#bytes.length) this.#grow(length);
    const read = this.#descriptor.read(this.#bytes.subarray(0, length), position);
    if (read < length) {
      throw new KLaniError('Io', `Cannot read ${length} bytes at ${position}: the file was truncated, path is ${this.#descriptor.path}`);
    }
    return 0;
  }

  close(): void {
    if (this.#sizeBytes === CLOSED) return;
    this.#sizeBytes = CLOSED;
    this.#bytes.buffer.transfer(0);
    this.#descriptor.release();
  }

  #grow(length: number): void {
    const sizeBytes = 2 ** Math.ceil(Math.log2(length));
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #refuse(position: number, length: number): never {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read file view: it is closed');
    assert(false, `Cannot read file view: ${length} bytes at ${position} must lie inside ${this.#sizeBytes} bytes`);
  }
}
