/**
 * Cuts a stream of bytes into frames (layout and rules in `frame.ts`).
 *
 * 1. A frame that lies wholly in a chunk is given out in place; only one that is spread over chunks is copied, once.
 * 2. A length is held to the limit as soon as its four bytes are there, so nothing is kept for a frame that will be refused.
 * 3. What is kept for an unfinished frame is never more than its declared length nor more than twice what has arrived of it; between
 *    frames at most 64 KiB.
 * 4. After a refusal the stream has no meaning any more: the parser gives no further frame.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from './errors.ts';
import { FRAME_FLAG_ANSWER, FRAME_HEADER_SIZE, FrameOffset, MAX_FRAME_BYTES } from './frame.ts';

const LENGTH_SIZE = 4;
/** A larger buffer is let go when its frame is done. */
const CARRY_KEPT_BYTES = 64 * 1024;
const CARRY_START_BYTES = 256;
/** Up to here a loop is faster than making a view for the platform's copy. */
const SHORT_COPY_BYTES = 64;

/** What arrives on this side of a connection. */
export type FrameDirection = 'requests' | 'answers';

/** What a {@link FrameParser} accepts. */
export interface FrameParserOptions {
  /** A server parses requests, a client answers; a frame of the other kind is refused. */
  readonly direction: FrameDirection;
  /** The longest frame it takes, header included; 16 MiB unless given. */
  readonly maxFrameBytes?: number;
}

/**
 * The frames of one connection, in order. After `push()`, call `next()` until it is false; between two calls the public fields describe
 * one frame:
 *
 * ```ts
 * parser.push(chunk);
 * while (parser.next()) reader.reset(parser.bytes, parser.view, parser.payloadStart, parser.payloadEnd);
 * ```
 *
 * The frame's bytes may be read, and written over, until the next call of `next()` or `push()`. The chunk belongs to the parser until
 * `next()` has returned false; whoever stops before that must not reuse it.
 */
export class FrameParser {
  /** What the offsets lie in: more than the frame. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Over the same memory as `bytes`, index for index. */
  view: DataView = new DataView(this.bytes.buffer);
  payloadStart = 0;
  payloadEnd = 0;
  opcode = 0;
  status = 0;
  /** After a refusal: that of the refused frame, or 0 when its header was not there. */
  requestId = 0;
  /** Of a request the milliseconds that the client waits, of an answer those after which asking again may help; 0 is none. */
  waitMs = 0;

  readonly #flags: number;
  readonly #maxFrameBytes: number;
  #refused = false;

  #chunk: Uint8Array = this.bytes;
  #chunkView: DataView = this.view;
  #offset = 0;
  #end = 0;

  /** An unfinished frame: its first `#carriedBytes` lie at the start of `#carry`. */
  #carry: Uint8Array = new Uint8Array(CARRY_START_BYTES);
  #carryView: DataView = new DataView(this.#carry.buffer);
  #carriedBytes = 0;

  constructor({ direction, maxFrameBytes = MAX_FRAME_BYTES }: FrameParserOptions) {
    assert(maxFrameBytes >= FRAME_HEADER_SIZE, 'FrameParser: maxFrameBytes is smaller than a header');
    this.#flags = direction === 'answers' ? FRAME_FLAG_ANSWER : 0;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of the chunk that no frame was made of yet, and of the frame that is not complete. */
  get pendingBytes(): number {
    return this.#end - this.#offset + this.#carriedBytes;
  }

  /** Takes the next bytes of the stream. The chunk before must have been used up. */
  push(chunk: Uint8Array): void {
    assert(this.#offset === this.#end, 'FrameParser.push(): next() has not returned false for the chunk before');
    if (chunk.buffer !== this.#chunk.buffer) {
      this.#chunk = new Uint8Array(chunk.buffer);
      this.#chunkView = new DataView(chunk.buffer);
    }
    this.#offset = chunk.byteOffset;
    this.#end = chunk.byteOffset + chunk.length;
  }

  /**
   * Moves to the next complete frame.
   *
   * @returns false when there is none before the next `push()`
   * @throws {KLaniError} `Protocol` or `FrameTooLarge`: the connection must be closed
   */
  next(): boolean {
    if (this.#carriedBytes > 0) return this.#nextCarried();
    const start = this.#offset;
    const left = this.#end - start;
    if (left >= FRAME_HEADER_SIZE) {
      const length = this.#lengthAt(this.#chunkView, start, left);
      if (length <= left) {
        this.#offset = start + length;
        this.#give(this.#chunk, this.#chunkView, start, length);
        return true;
      }
    }
    return left > 0 ? this.#nextCarried() : false;
  }

  #nextCarried(): boolean {
    if (!this.#fill(LENGTH_SIZE)) return false;
    if (this.#carriedBytes < FRAME_HEADER_SIZE) this.#fill(FRAME_HEADER_SIZE);
    const length = this.#lengthAt(this.#carryView, 0, this.#carriedBytes);
    if (!this.#fill(length)) return false;
    this.#carriedBytes = 0;
    this.#give(this.#carry, this.#carryView, 0, length);
    return true;
  }

  /** Moves bytes of the chunk behind the unfinished frame until that has `sizeBytes`. */
  #fill(sizeBytes: number): boolean {
    const carried = this.#carriedBytes;
    const taken = Math.min(sizeBytes - carried, this.#end - this.#offset);
    if (taken > 0) {
      if (carried === 0 && this.#carry.length > CARRY_KEPT_BYTES) this.#replaceCarry(CARRY_START_BYTES);
      if (carried + taken > this.#carry.length) this.#replaceCarry(Math.min(sizeBytes, 2 * (carried + taken)));
      this.#copy(carried, taken);
      this.#carriedBytes = carried + taken;
      this.#offset += taken;
    }
    return this.#carriedBytes >= sizeBytes;
  }

  #copy(target: number, sizeBytes: number): void {
    const carry = this.#carry;
    const chunk = this.#chunk;
    const source = this.#offset;
    if (sizeBytes > SHORT_COPY_BYTES) carry.set(chunk.subarray(source, source + sizeBytes), target);
    else for (let index = 0; index < sizeBytes; index += 1) carry[target + index] = chunk[source + index] as number;
  }

  #replaceCarry(sizeBytes: number): void {
    const replaced = new Uint8Array(sizeBytes);
    replaced.set(this.#carry.subarray(0, this.#carriedBytes));
    this.#carry = replaced;
    this.#carryView = new DataView(replaced.buffer);
  }

  #lengthAt(view: DataView, start: number, availableBytes: number): number {
    if (this.#refused) throw new KLaniError('Protocol', 'Cannot read frame: one before it was refused');
    const length = view.getUint32(start + FrameOffset.length, true);
    if (length >= FRAME_HEADER_SIZE && length <= this.#maxFrameBytes) return length;
    this.opcode = availableBytes >= FRAME_HEADER_SIZE ? view.getUint8(start + FrameOffset.opcode) : 0;
    this.requestId = availableBytes >= FRAME_HEADER_SIZE ? view.getUint32(start + FrameOffset.requestId, true) : 0;
    if (length < FRAME_HEADER_SIZE) this.#refuse('Protocol', `its length is ${length} bytes, must be >= ${FRAME_HEADER_SIZE}`);
    return this.#refuse('FrameTooLarge', `its length is ${length} bytes, must be <= ${this.#maxFrameBytes}`);
  }

  #give(bytes: Uint8Array, view: DataView, start: number, length: number): void {
    this.bytes = bytes;
    this.view = view;
    this.payloadStart = start + FRAME_HEADER_SIZE;
    this.payloadEnd = start + length;
    this.opcode = view.getUint8(start + FrameOffset.opcode);
    this.status = view.getUint16(start + FrameOffset.status, true);
    this.requestId = view.getUint32(start + FrameOffset.requestId, true);
    this.waitMs = view.getUint32(start + FrameOffset.deadline, true);
    const flags = view.getUint8(start + FrameOffset.flags);
    if (flags !== this.#flags) this.#refuse('Protocol', `its flags are ${flags}, must be ${this.#flags}`);
    if (flags === 0 && this.status !== 0) this.#refuse('Protocol', `its status is ${this.status}, must be 0 in a request`);
  }

  #refuse(code: 'Protocol' | 'FrameTooLarge', problem: string): never {
    this.#refused = true;
    throw new KLaniError(code, `Cannot read frame: ${problem}`);
  }
}
