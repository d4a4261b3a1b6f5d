import { assert } from '@k-lani/base';
import { encodeUtf8, utf8SizeBytes } from './bytes-utf8.ts';
import { KLaniError } from './errors.ts';

const CAPACITY_BYTES_DEFAULT = 256;
const U16_MAX = 0xffff;
const U32_RANGE = 0x1_0000_0000;

/** How a {@link ByteWriter} begins and where it ends. */
export interface ByteWriterOptions {
  /** Bytes to have room for at the start. */
  readonly capacityBytes?: number;
  /** Bytes that it may never exceed; without it, what the platform can allocate. */
  readonly limitBytes?: number;
  /** What is written, for messages: "frame". */
  readonly subject?: string;
}

/**
 * Writes little-endian values one after the other into a buffer that grows. Made to be kept and `reset()`, so that writing leaves no
 * garbage.
 *
 * `bytes` and `view` cover the same buffer and are public for hot paths; the writer owns both, and any write may replace them.
 */
export class ByteWriter {
  bytes: Uint8Array;
  view: DataView;
  /** How many bytes are written; set it back to drop the last ones. */
  length = 0;
  readonly #limitBytes: number;
  readonly #subject: string;

  constructor(options: ByteWriterOptions = {}) {
    const { capacityBytes = CAPACITY_BYTES_DEFAULT, limitBytes = Number.MAX_SAFE_INTEGER, subject = 'bytes' } = options;
    assert(capacityBytes > 0 && limitBytes > 0, 'ByteWriter: capacityBytes and limitBytes must be positive');
    this.bytes = new Uint8Array(Math.min(capacityBytes, limitBytes));
    this.view = new DataView(this.bytes.buffer);
    this.#limitBytes = limitBytes;
    this.#subject = subject;
  }

  /** Forgets what is written and keeps the buffer. */
  reset(): void {
    this.length = 0;
  }

  /**
   * Takes the next `sizeBytes` for the caller to fill; they hold whatever was there before.
   *
   * @returns the index of the first of them in `bytes` and `view`
   * @throws {KLaniError} `FrameTooLarge` when the limit is passed; nothing is taken then
   */
  reserve(sizeBytes: number): number {
    const start = this.length;
    const end = start + sizeBytes;
    if (end > this.bytes.length) this.#grow(end);
    this.length = end;
    return start;
  }

  u8(value: number): void {
    const offset = this.reserve(1);
    this.view.setUint8(offset, value);
  }

  u16(value: number): void {
    const offset = this.reserve(2);
    this.view.setUint16(offset, value, true);
  }

  u32(value: number): void {
    const offset = this.reserve(4);
    this.view.setUint32(offset, value, true);
  }

  f64(value: number): void {
    const offset = this.reserve(8);
    this.view.setFloat64(offset, value, true);
  }

  /** 64 bits from 0 to 2^64 - 1. */
  u64(value: bigint): void {
    const offset = this.reserve(8);
    this.view.setBigUint64(offset, value, true);
  }

  /** 64 bits from a number, 0 to 2^53 - 1. */
  u64Safe(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'ByteWriter.u64Safe(): value is not a safe integer from 0');
    this.u64Halves(value % U32_RANGE, Math.floor(value / U32_RANGE));
  }

  /** 64 bits from their two halves of 32 bits. */
  u64Halves(low: number, high: number): void {
    const offset = this.reserve(8);
    this.view.setUint32(offset, low, true);
    this.view.setUint32(offset + 4, high, true);
  }

  /** A copy of `source[start, end)`, which may be part of this writer's own buffer. */
  append(source: Uint8Array, start = 0, end = source.length): void {
    const offset = this.reserve(end - start);
    this.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), offset);
  }

  /**
   * A text as its size in bytes (u16) and its UTF-8.
   *
   * @throws {KLaniError} `InvalidUtf8` when it is not well-formed, `InvalidArgument` when it takes more than 65,535 bytes
   */
  str(text: string): void {
    const sizeBytes = textSizeBytes(text);
    if (sizeBytes > U16_MAX) {
      throw new KLaniError('InvalidArgument', `Cannot write text: size is ${sizeBytes} bytes, must be <= ${U16_MAX}`);
    }
    this.u16(sizeBytes);
    this.#utf8(text, sizeBytes);
  }

  /**
   * A text as its size in bytes (u32) and its UTF-8.
   *
   * @throws {KLaniError} `InvalidUtf8` when it is not well-formed
   */
  text(text: string): void {
    const sizeBytes = textSizeBytes(text);
    this.u32(sizeBytes);
    this.#utf8(text, sizeBytes);
  }

  #utf8(text: string, sizeBytes: number): void {
    const offset = this.reserve(sizeBytes);
    const end = encodeUtf8(text, this.bytes, offset, offset + sizeBytes);
    assert(end === offset + sizeBytes, 'ByteWriter: a text was counted wrong');
  }

  #grow(end: number): void {
    if (end > this.#limitBytes) {
      throw new KLaniError('FrameTooLarge', `Cannot write ${this.#subject}: size is ${end} bytes, must be <= ${this.#limitBytes}`);
    }
    const grown = new Uint8Array(Math.min(Math.max(end, this.bytes.length * 2), this.#limitBytes));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

function textSizeBytes(text: string): number {
  if (!text.isWellFormed()) throw new KLaniError('InvalidUtf8', 'Cannot write text: it has half of a surrogate pair');
  return utf8SizeBytes(text);
}
