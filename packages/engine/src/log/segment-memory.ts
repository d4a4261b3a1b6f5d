/** The memory that recovery reads segments into, one whole segment at a time. */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import type { RecordTarget } from './record.ts';
import { segmentName } from './segment.ts';

/** What the zeros of a segment that is not full are compared with, in native code. */
const ZEROS = Buffer.alloc(64 * 1024);

export class SegmentMemory implements RecordTarget {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  path = '';
  index = 0;
  /** Whether the present segment was read more than once. */
  isReloaded = false;
  readonly #directory: Directory;

  constructor(directory: Directory, memory: Uint8Array | undefined) {
    this.#directory = directory;
    if (memory !== undefined) this.bytes = memory;
  }

  /** Reads segment `index`, which has `sizeBytes`; the caller has compared that with what it may have. */
  load(index: number, sizeBytes: number): void {
    const file = this.#directory.openFile(segmentName(index), 'read');
    try {
      if (this.bytes.length !== sizeBytes) this.bytes = new Uint8Array(sizeBytes);
      this.view = new DataView(this.bytes.buffer);
      file.read(this.bytes, 0);
      this.path = file.path;
      this.index = index;
      this.isReloaded = false;
    } finally {
      file.close();
    }
  }

  /** Reads the present segment again, from `offset` on. */
  reload(offset: number): void {
    const file = this.#directory.openFile(segmentName(this.index), 'read');
    try {
      file.read(this.bytes.subarray(offset), offset);
      this.isReloaded = true;
    } finally {
      file.close();
    }
  }

  damage(offset: number, what: string): KLaniError {
    return new KLaniError('Damaged', `Cannot open ${this.path}: damaged at offset ${offset}: ${what}`);
  }

  /** Bytes from `offset` to the last one that is not zero. */
  usedFrom(offset: number): number {
    const { bytes } = this;
    let end = bytes.length;
    while (end - ZEROS.length >= offset && ZEROS.equals(bytes.subarray(end - ZEROS.length, end))) end -= ZEROS.length;
    while (end > offset && bytes[end - 1] === 0) end -= 1;
    return end - offset;
  }
}
