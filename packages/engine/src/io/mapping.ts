/**
 * The only owner of mappings.
 *
 * 1. A mapping is shared and read-only, and has exactly one buffer.
 * 2. Closing detaches the buffer first and unmaps second, so that no JavaScript object ever points to memory that is gone: a typed array
 *    kept from before is empty, a DataView throws.
 * 3. The garbage collector unmaps nothing: whoever opens a mapping closes it.
 */
import { assert } from '@k-lani/base';
import type { Descriptor } from './descriptor.ts';
import type { FileView } from './io.ts';
import { libc } from './libc.ts';
import { systemCallError, systemError } from './system-error.ts';

/** The same numbers on Linux and macOS. */
const PROT_READ = 1;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const CLOSED = -1;

/** Whether files can be mapped on this platform. */
export function mappingAvailable(): boolean {
  try {
    libc();
    return true;
  } catch {
    return false;
  }
}

/** A file, mapped. Reading costs a memory access, and shows every later write to the file, from any process. */
export class Mapping implements FileView {
  readonly #address: bigint;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  #sizeBytes: number;

  /**
   * Maps `[0, sizeBytes)` of a file that has at least that size, now and as long as the mapping is open; `sizeBytes` is at least 1. Does
   * not hold the descriptor: the system keeps what is mapped.
   *
   * @throws {KLaniError} Unsupported; Io
   */
  constructor(descriptor: Descriptor, sizeBytes: number) {
    assert(sizeBytes > 0, `Cannot map file: size is ${sizeBytes} bytes, must be >= 1`);
    const { mmap, view, errno } = libc();
    this.#address = mmap(null, sizeBytes, PROT_READ, MAP_SHARED, descriptor.number, 0);
    if (this.#address === MAP_FAILED) {
      const { path } = descriptor;
      throw systemError(systemCallError('mmap', errno(), path), { action: `map ${sizeBytes} bytes`, path, access: 'read' });
    }
    const buffer = view(this.#address, sizeBytes);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#sizeBytes = sizeBytes;
  }

  get isWhole(): boolean {
    return true;
  }

  get bytes(): Uint8Array {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read mapping: it is closed');
    return this.#bytes;
  }

  get view(): DataView {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read mapping: it is closed');
    return this.#view;
  }

  at(position: number, length: number): number {
    if (!(position >= 0 && length >= 0 && position + length <= this.#sizeBytes)) this.#refuse(position, length);
    return position;
  }

  close(): void {
    if (this.#sizeBytes === CLOSED) return;
    const sizeBytes = this.#sizeBytes;
    this.#sizeBytes = CLOSED;
    this.#bytes.buffer.transfer(0);
    assert(this.#bytes.length === 0, 'Cannot unmap: the buffer is still attached');
    assert(libc().munmap(this.#address, sizeBytes) === 0, `Cannot unmap: errno is ${libc().errno()}`);
  }

  #refuse(position: number, length: number): never {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read mapping: it is closed');
    assert(false, `Cannot read mapping: ${length} bytes at ${position} must lie inside ${this.#sizeBytes} bytes`);
  }
}
