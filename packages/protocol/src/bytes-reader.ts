import { assert } from '@k-lani/base';
import { decodeUtf8 } from './bytes-utf8.ts';
import { KLaniError } from './errors.ts';

const U32_RANGE = 0x1_0000_0000;

/**
 * Reads little-endian values one after the other from bytes that nobody has checked. Every read is held to the end of the range; reading
 * numbers leaves no garbage. The bytes stay the caller's.
 */
export class ByteReader {
  bytes: Uint8Array;
  view: DataView;
  /** Index of the next byte in `bytes` and `view`. */
  offset: number;
  /** Index after the last byte of the range. */
  end: number;
  readonly #subject: string;

  /**
   * @param view over the same memory as `bytes`, index for index
   * @param subject what is read, for messages: "payload"
   */
  constructor(bytes: Uint8Array, view: DataView, start: number, end: number, subject = 'bytes') {
    this.bytes = bytes;
    this.view = view;
    this.offset = start;
    this.end = end;
    this.#subject = subject;
    this.#check();
  }

  /** Begins anew over other bytes. */
  reset(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.offset = start;
    this.end = end;
    this.#check();
  }

  /** How many bytes are not yet read. */
  get leftBytes(): number {
    return this.end - this.offset;
  }

  /**
   * Passes over `sizeBytes`, for the caller to read in place.
   *
   * @returns the index of the first of them in `bytes` and `view`
   * @throws {KLaniError} `Protocol` when fewer are left; nothing is passed over then
   */
  take(sizeBytes: number): number {
    const start = this.offset;
    if (sizeBytes > this.end - start) this.#cutShort(sizeBytes);
    this.offset = start + sizeBytes;
    return start;
  }

  u8(): number {
    const offset = this.take(1);
    return this.view.getUint8(offset);
  }

  u16(): number {
    const offset = this.take(2);
    return this.view.getUint16(offset, true);
  }

  u32(): number {
    const offset = this.take(4);
    return this.view.getUint32(offset, true);
  }

  f64(): number {
    const offset = this.take(8);
    return this.view.getFloat64(offset, true);
  }

  /** 64 bits; where a bigint is too dear, `u32()` twice gives the low half and then the high one. */
  u64(): bigint {
    const offset = this.take(8);
    return this.view.getBigUint64(offset, true);
  }

  /**
   * 64 bits as a number.
   *
   * @throws {KLaniError} `Protocol` above 2^53 - 1
   */
  u64Safe(): number {
    const offset = this.take(8);
    const value = this.view.getUint32(offset + 4, true) * U32_RANGE + this.view.getUint32(offset, true);
    if (value > Number.MAX_SAFE_INTEGER) {
      const exact = this.view.getBigUint64(offset, true);
      throw new KLaniError('Protocol', `Cannot read ${this.#subject}: integer is ${exact}, must be <= ${Number.MAX_SAFE_INTEGER}`);
    }
    return value;
  }

  /** A copy of the next `sizeBytes`. */
  copy(sizeBytes: number): Uint8Array {
    const start = this.take(sizeBytes);
    const copied = new Uint8Array(sizeBytes);
    copied.set(this.bytes.subarray(start, start + sizeBytes));
    return copied;
  }

  /**
   * A text behind its size in bytes (u16).
   *
   * @throws {KLaniError} `Protocol` when it is cut short, `InvalidUtf8`
   */
  str(): string {
    return this.#utf8(this.u16());
  }

  /**
   * A text behind its size in bytes (u32).
   *
   * @throws {KLaniError} `Protocol` when it is cut short, `InvalidUtf8`
   */
  text(): string {
    return this.#utf8(this.u32());
  }

  /**
   * Asserts that all is read.
   *
   * @throws {KLaniError} `Protocol` when bytes are left
   */
  expectEnd(): void {
    if (this.offset === this.end) return;
    throw new KLaniError('Protocol', `Cannot read ${this.#subject}: ${this.end - this.offset} bytes are left after its end, must be 0`);
  }

  #utf8(sizeBytes: number): string {
    const start = this.take(sizeBytes);
    return decodeUtf8(this.bytes, start, start + sizeBytes);
  }

  #cutShort(sizeBytes: number): never {
    const left = this.end - this.offset;
    throw new KLaniError('Protocol', `Cannot read ${this.#subject}: it is cut short: needs ${sizeBytes} bytes, ${left} are left`);
  }

  #check(): void {
    assert(0 <= this.offset && this.offset <= this.end && this.end <= this.bytes.length, 'ByteReader: the range is not in the bytes');
    assert(this.view.byteLength === this.bytes.length, 'ByteReader: view and bytes differ in size');
  }
}
