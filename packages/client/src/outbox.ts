/**
 * Where frames are encoded and wait for the end of the turn. Frames lie one behind the other in a slab; what leaves together is one range
 * of it, without a copy. The link may keep a range, and a request its frame, for as long as they want: a slab is written from its beginning
 * again only by `rewind()`, when neither has any of it.
 */
import { assert } from '@k-lani/base';
import {
  ByteWriter,
  FRAME_HEADER_SIZE,
  FrameOffset,
  KLaniError,
  MAX_FRAME_BYTES,
  beginFrame,
  endFrame,
  opcodeName,
} from '@k-lani/protocol';
import type { Request } from './request.ts';

const SLAB_BYTES = 64 * 1024;
/** A slab with less room than this is full: smaller frames never make it grow. */
const FRAME_ROOM_BYTES = 2 * 1024;
/** A turn begins with a new slab unless there is so much room: only a turn that writes more leaves in parts. */
const TURN_ROOM_BYTES = 16 * 1024;

export class Outbox {
  #frameBytesMax = MAX_FRAME_BYTES;
  #slab = newSlab(MAX_FRAME_BYTES);
  /** The first byte of the slab that has not left. */
  #start = 0;

  /** Sets the longest frame that the server takes. Nothing may wait to leave. */
  limitFrames(frameBytesMax: number): void {
    assert(this.#start === this.#slab.length, 'Outbox.limitFrames(): frames wait to leave');
    this.#frameBytesMax = frameBytesMax;
    this.#slab = newSlab(frameBytesMax);
    this.#start = 0;
  }

  /**
   * Writes the slab from its beginning again. Nothing may wait to leave, no link and no request may have any of it. With one request at a time
   * on each of many connections, this is memory that the processor still has.
   */
  rewind(): void {
    assert(this.#start === this.#slab.length, 'Outbox.rewind(): frames wait to leave');
    this.#slab.reset();
    this.#start = 0;
  }

  /** It is time to `take()`, though the turn has not ended. */
  get isFull(): boolean {
    return this.#slab.length > SLAB_BYTES - FRAME_ROOM_BYTES;
  }

  /**
   * Encodes the request behind what waits to leave.
   *
   * @throws {KLaniError} `FrameTooLarge`, and what the payload's codec refuses; nothing is added then
   */
  encode(request: Request, timeoutMs: number): void {
    const slab = this.#slab;
    const start = beginFrame(slab, request.opcode, 0, 0, 0, timeoutMs);
    try {
      request.call.encode(slab, request);
      const sizeBytes = endFrame(slab, start);
      if (sizeBytes > this.#frameBytesMax) throw tooLarge(request, sizeBytes, this.#frameBytesMax);
    } catch (error) {
      slab.length = start;
      throw error;
    }
    request.frame = slab.bytes;
    request.frameStart = start;
    request.frameEnd = slab.length;
  }

  /** Writes the request's id into its frame, which is to leave. */
  stamp(request: Request): void {
    this.#slab.view.setUint32(request.frameStart + FrameOffset.requestId, request.id, true);
  }

  /** Takes the frame that was encoded last out again: the request keeps it. */
  withdraw(request: Request): void {
    this.#slab.length = request.frameStart;
    request.frame = request.frame.slice(request.frameStart, request.frameEnd);
    request.frameEnd -= request.frameStart;
    request.frameStart = 0;
  }

  /**
   * Puts a request that was encoded before behind what waits to leave.
   *
   * @throws {KLaniError} what `encodeAgain()` refuses; nothing is added then
   */
  append(request: Request, timeoutMs: number): void {
    const slab = this.#slab;
    const start = beginFrame(slab, request.opcode, 0, 0, request.id, timeoutMs);
    try {
      request.call.encodeAgain(slab, request);
    } catch (error) {
      slab.length = start;
      throw error;
    }
    endFrame(slab, start);
    request.frame = slab.bytes;
    request.frameStart = start;
    request.frameEnd = slab.length;
  }

  /** What leaves now; empty when nothing was added since. */
  take(): Uint8Array {
    const slab = this.#slab;
    const taken = slab.bytes.subarray(this.#start, slab.length);
    this.#start = slab.length;
    if (slab.length > SLAB_BYTES - TURN_ROOM_BYTES) {
      this.#slab = newSlab(this.#frameBytesMax);
      this.#start = 0;
    }
    return taken;
  }
}

function newSlab(frameBytesMax: number): ByteWriter {
  return new ByteWriter({ capacityBytes: SLAB_BYTES, limitBytes: SLAB_BYTES + frameBytesMax, subject: 'frame' });
}

function tooLarge(request: Request, sizeBytes: number, frameBytesMax: number): KLaniError {
  const payloadMax = frameBytesMax - FRAME_HEADER_SIZE;
  return new KLaniError(
    'FrameTooLarge',
    `Cannot send ${opcodeName(request.opcode)}: payload is ${sizeBytes - FRAME_HEADER_SIZE} bytes, must be <= ${payloadMax}`,
  );
}
