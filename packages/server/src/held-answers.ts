/**
 * Answers that are made and may not leave yet, because what they depend on is not durable.
 *
 * 1. An answer leaves when the position that it depends on is durable and visible; when that will never be known, OutcomeUnknown leaves in
 *    its place.
 * 2. The answers that one sync sets free leave each session in one write.
 * 3. Answers that depend on the same batch leave in the order in which they were made.
 */
import { assert } from '@k-lani/base';
import type { Database } from '@k-lani/engine';
import { ByteWriter, FrameOffset, type KLaniError } from '@k-lani/protocol';
import { encodeRefusal, type RequestName } from './refusal.ts';

/** Memory for frames to begin with, and what is kept of it while no answer waits, bytes. */
const FRAMES_SIZE_BYTES = 64 * 1024;
const KEPT_SIZE_BYTES = 4 * 1024 * 1024;

/** Up to here a loop is faster than making a view for the platform's copy, bytes. */
const SHORT_COPY_BYTES = 64;

/** Whoever answers are held for. */
export interface AnswerHolder {
  /** Whether answers can still be delivered. */
  readonly isGone: boolean;
  /** Where answers are put that may leave. */
  readonly out: ByteWriter;
  /** Answers held, and their bytes. */
  heldCount: number;
  heldBytes: number;
  /** Writes out what `out` holds. */
  flush(): void;
}

/** One answer: a whole frame in the memory of the held ones. */
interface HeldAnswer {
  readonly holder: AnswerHolder;
  readonly position: number;
  start: number;
  readonly sizeBytes: number;
}

export class HeldAnswers {
  readonly #database: Database;
  #frames = new ByteWriter({ capacityBytes: FRAMES_SIZE_BYTES });
  /** In the order in which they were made; their frames lie in the same order in `#frames`. */
  readonly #answers: HeldAnswer[] = [];
  /** Answers that depend on what lies before this position are gone. */
  #released = 0;
  readonly #dirty = new Set<AnswerHolder>();
  readonly #onDurable = (error: KLaniError | undefined): void => this.#release(error);

  constructor(database: Database) {
    this.#database = database;
  }

  get count(): number {
    return this.#answers.length;
  }

  /** Takes the frame that begins at `start` out of the holder's output until `position` is durable. */
  hold(holder: AnswerHolder, position: number, start: number): void {
    const { out } = holder;
    const sizeBytes = out.length - start;
    this.#answers.push({ holder, position, start: this.#frames.length, sizeBytes });
    this.#frames.append(out.bytes, start, out.length);
    out.length = start;
    holder.heldCount += 1;
    holder.heldBytes += sizeBytes;
    this.#database.whenDurable(position, this.#onDurable);
  }

  /** Lets all answers go that may; called once for each, so that all but the first call after a sync find nothing to do. */
  #release(error: KLaniError | undefined): void {
    const answers = this.#answers;
    const { durable } = this.#database.state.log;
    if (error === undefined && durable === this.#released) return;
    if (error === undefined) this.#released = durable;
    const frames = this.#frames;
    let kept = 0;
    let length = 0;
    for (const answer of answers) {
      const isDurable = answer.position < durable;
      if (isDurable === (error === undefined)) {
        this.#give(answer, error);
        continue;
      }
      if (answer.start !== length) frames.bytes.copyWithin(length, answer.start, answer.start + answer.sizeBytes);
      answer.start = length;
      length += answer.sizeBytes;
      answers[kept] = answer;
      kept += 1;
    }
    answers.length = kept;
    frames.length = length;
    if (kept === 0 && frames.bytes.length > KEPT_SIZE_BYTES) this.#frames = new ByteWriter({ capacityBytes: FRAMES_SIZE_BYTES });
    for (const holder of this.#dirty) holder.flush();
    this.#dirty.clear();
  }

  #give({ holder, start, sizeBytes }: HeldAnswer, error: KLaniError | undefined): void {
    holder.heldCount -= 1;
    holder.heldBytes -= sizeBytes;
    assert(holder.heldCount >= 0 && holder.heldBytes >= 0, 'A holder waits for the answers that are held for it');
    if (holder.isGone) return;
    const { bytes, view } = this.#frames;
    if (error === undefined) appendFrame(holder.out, bytes, start, sizeBytes);
    else encodeRefusal(holder.out, requestOf(view, start), error);
    this.#dirty.add(holder);
  }
}

function appendFrame(out: ByteWriter, bytes: Uint8Array, start: number, sizeBytes: number): void {
  if (sizeBytes > SHORT_COPY_BYTES) {
    out.append(bytes, start, start + sizeBytes);
    return;
  }
  const offset = out.reserve(sizeBytes);
  const target = out.bytes;
  for (let index = 0; index < sizeBytes; index += 1) target[offset + index] = bytes[start + index] as number;
}

/** Which request the frame at `start` answers. */
function requestOf(view: DataView, start: number): RequestName {
  return { opcode: view.getUint8(start + FrameOffset.opcode), requestId: view.getUint32(start + FrameOffset.requestId, true) };
}
