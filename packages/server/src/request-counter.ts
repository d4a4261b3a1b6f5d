import { FRAME_HEADER_SIZE, FrameOffset } from '@k-lani/protocol';

const LENGTH_SIZE = 4;

/** Counts the frames that begin in a stream of bytes, without keeping any of them. After a length that no frame has it counts no more. */
export class RequestCounter {
  /** Bytes until the next frame. */
  #skip = 0;
  /** The bytes of a length that came so far, while it is cut in two. */
  #length = 0;
  #lengthBytes = 0;
  #isLost = false;

  /** How many frames begin in the chunk; one whose length is cut counts where that is whole. */
  pass(chunk: Uint8Array): number {
    let count = 0;
    let at = 0;
    while (!this.#isLost && at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#length += (chunk[at] as number) * 2 ** (8 * (this.#lengthBytes + FrameOffset.length));
      this.#lengthBytes += 1;
      at += 1;
      if (this.#lengthBytes < LENGTH_SIZE) continue;
      this.#isLost = this.#length < FRAME_HEADER_SIZE;
      this.#skip = this.#length - LENGTH_SIZE;
      this.#length = 0;
      this.#lengthBytes = 0;
      count += 1;
    }
    return count;
  }
}
