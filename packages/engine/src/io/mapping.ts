/**
 * The only owner of mappings.
 *
 * 1. A mapping is shared, and has exactly one buffer. That of a file is read-only; shared memory is stored to by those who may.
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
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** Linux alone, as shared memory is. */
const MAP_POPULATE = 0x8000;
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

/** What is mapped: a range of an open file that has at least that size for as long as it is mapped. */
interface Range {
  readonly descriptor: number;
  /** For messages. */
  readonly path: string;
  readonly offset: number;
  /** At least 1. */
  readonly sizeBytes: number;
  /** For storing too, and mapped at once in full, so that no access later stops for the system. */
  readonly isMemory: boolean;
  readonly writable: boolean;
}

/** A range of a file, mapped. Does not hold the descriptor: the system keeps what is mapped. */
export class MappedRange {
  readonly buffer: ArrayBuffer;
  readonly #address: bigint;
  #sizeBytes: number;

  /** @throws {KLaniError} Unsupported; Io */
  constructor({ descriptor, path, offset, sizeBytes, isMemory, writable }: Range) {
    assert(sizeBytes > 0, `Cannot map file: size is ${sizeBytes} bytes, must be >= 1`);
    const { mmap, view, errno } = libc();
    const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    this.#address = mmap(null, sizeBytes, protection, isMemory ? MAP_SHARED | MAP_POPULATE : MAP_SHARED, descriptor, offset);
    if (this.#address === MAP_FAILED) {
      throw systemError(systemCallError('mmap', errno(), path), { action: `map ${sizeBytes} bytes`, path, access: 'read' });
    }
    this.buffer = view(this.#address, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  get isClosed(): boolean {
    return this.#sizeBytes === CLOSED;
  }

  /** Detaches the buffer and ends the mapping. Closing again does nothing. */
  close(): void {
    if (this.isClosed) return;
    const sizeBytes = this.#sizeBytes;
    this.#sizeBytes = CLOSED;
    this.buffer.transfer(0);
    assert(this.buffer.byteLength === 0, 'Cannot unmap: the buffer is still attached');
    assert(libc().munmap(this.#address, sizeBytes) === 0, `Cannot unmap: errno is ${libc().errno()}`);
  }
}

/** A file, mapped. Reading costs a memory access, and shows every later write to the file, from any process. */
export class Mapping implements FileView {
  readonly #range: MappedRange;
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
    const { number, path } = descriptor;
    this.#range = new MappedRange({ descriptor: number, path, offset: 0, sizeBytes, isMemory: false, writable: false });
    this.#bytes = new Uint8Array(this.#range.buffer);
    this.#view = new DataView(this.#range.buffer);
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
    this.#sizeBytes = CLOSED;
    this.#range.close();
  }

  #refuse(position: number, length: number): never {
    assert(this.#sizeBytes !== CLOSED, 'Cannot read mapping: it is closed');
    assert(false, `Cannot read mapping: ${length} bytes at ${position} must lie inside ${this.#sizeBytes} bytes`);
  }
}
