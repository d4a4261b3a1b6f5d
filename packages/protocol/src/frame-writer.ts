import type { ByteWriter } from './bytes-writer.ts';
import { FRAME_HEADER_SIZE, FrameOffset } from './frame.ts';

/**
 * Writes a frame's header, its length still open; the payload is written after it, then `endFrame()` is called.
 *
 * @param flags 0, or `FRAME_FLAG_ANSWER`
 * @param status 0, or the number of an error in an answer
 * @param waitMs of a request the milliseconds that the client waits, of an answer those after which asking again may help; 0 is none
 * @returns where the frame starts in the writer
 */
export function beginFrame(writer: ByteWriter, opcode: number, flags: number, status: number, requestId: number, waitMs: number): number {
  const start = writer.reserve(FRAME_HEADER_SIZE);
  const { view } = writer;
  view.setUint32(start + FrameOffset.length, 0, true);
  view.setUint8(start + FrameOffset.opcode, opcode);
  view.setUint8(start + FrameOffset.flags, flags);
  view.setUint16(start + FrameOffset.status, status, true);
  view.setUint32(start + FrameOffset.requestId, requestId, true);
  view.setUint32(start + FrameOffset.deadline, waitMs, true);
  return start;
}

/**
 * Closes the frame that begins at `start`: all that was written since is its payload.
 *
 * @returns bytes of the whole frame, for the caller to hold against the receiver's limit; `writer.length = start` drops the frame again
 */
export function endFrame(writer: ByteWriter, start: number): number {
  const sizeBytes = writer.length - start;
  writer.view.setUint32(start + FrameOffset.length, sizeBytes, true);
  return sizeBytes;
}
