import { assert } from '@k-lani/base';
import { FRAME_HEADER_SIZE, FrameOffset } from '@k-lani/protocol';

/**
 * Finds the frames in a stream of bytes that is passed on, without keeping any of it. A chunk is cut into pieces: whole frames, and the parts
 * of those that are spread over chunks.
 *
 * A length that no frame has makes the rest of the stream one piece without an end: whoever reads the stream in earnest refuses it.
 */
export class FrameCutter {
  /** The chunk, and the place of the piece in it. */
  chunk: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** The piece is a frame from its first byte to its last. */
  isWhole = false;
  /** The header of the frame is known since this piece; the fields of the header hold since then until the next frame. */
  hasHeader = false;
  /** The frame ends with this piece. */
  hasEnd = false;
  opcode = 0;
  status = 0;
  readonly #header = new Uint8Array(FRAME_HEADER_SIZE);
  #headerBytes = 0;
  /** Bytes of the frame that have not come, once its header is known. */
  #leftBytes = 0;
  #isLost = false;

  /** Whether the next byte of the stream begins a frame. */
  get isBetweenFrames(): boolean {
    return this.#headerBytes === 0 && this.#leftBytes === 0 && !this.#isLost;
  }

  /** Takes the next bytes of the stream; the chunk before must have been cut up. */
  push(chunk: Uint8Array): void {
    assert(this.end === this.chunk.length, 'FrameCutter.push(): next() has not returned false for the chunk before');
    this.chunk = chunk;
    this.end = 0;
  }

  /** Moves to the next piece of the chunk. */
  next(): boolean {
    const { chunk, end: start } = this;
    if (start === chunk.length) return false;
    this.start = start;
    this.isWhole = false;
    this.hasHeader = false;
    this.hasEnd = false;
    if (this.#isLost) this.end = chunk.length;
    else if (this.#leftBytes > 0) this.#goOn(start);
    else if (this.#headerBytes === 0 && chunk.length - start >= FRAME_HEADER_SIZE) this.#begin(start);
    else this.#fillHeader(start);
    return true;
  }

  /** A frame whose header lies in the chunk. */
  #begin(start: number): void {
    const { chunk } = this;
    const length = this.#readHeader(chunk, start);
    this.end = Math.min(start + length, chunk.length);
    if (this.#isLost) return;
    this.#leftBytes = length - (this.end - start);
    this.isWhole = this.#leftBytes === 0;
    this.hasEnd = this.isWhole;
  }

  /** Bytes of a frame whose header is known. */
  #goOn(from: number): void {
    this.end = Math.min(from + this.#leftBytes, this.chunk.length);
    this.#leftBytes -= this.end - from;
    this.hasEnd = this.#leftBytes === 0;
  }

  /** Bytes of a header that is spread over chunks. */
  #fillHeader(start: number): void {
    const { chunk } = this;
    const takenBytes = Math.min(FRAME_HEADER_SIZE - this.#headerBytes, chunk.length - start);
    this.#header.set(chunk.subarray(start, start + takenBytes), this.#headerBytes);
    this.#headerBytes += takenBytes;
    this.end = start + takenBytes;
    if (this.#headerBytes < FRAME_HEADER_SIZE) return;
    this.#headerBytes = 0;
    this.#leftBytes = this.#readHeader(this.#header, 0) - FRAME_HEADER_SIZE;
    if (this.#isLost) this.end = chunk.length;
    else this.#goOn(this.end);
  }

  #readHeader(bytes: Uint8Array, at: number): number {
    const length = readU32(bytes, at + FrameOffset.length);
    this.#isLost = length < FRAME_HEADER_SIZE;
    this.hasHeader = !this.#isLost;
    this.opcode = bytes[at + FrameOffset.opcode] as number;
    this.status = (bytes[at + FrameOffset.status] as number) + 256 * (bytes[at + FrameOffset.status + 1] as number);
    return this.#isLost ? bytes.length : length;
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return low + (bytes[at + 3] as number) * 0x1_00_00_00;
}
