/**
 * Reader slots: how readers in other threads and the writer agree about the two sides of a Left-Right, through words of shared memory alone.
 * This is the writer's half; `SideReader` is the readers'.
 *
 * | word    | meaning                                                                  |
 * | ------- | ------------------------------------------------------------------------ |
 * | 0       | how often the sides were swapped; the lowest bit is the visible side     |
 * | 1       | how many slots readers have been given, at most `READER_SLOTS`           |
 * | 2       | 1 while the writer waits: who leaves then wakes it                       |
 * | 16 + 16s | slot `s`, with a cache line of its own: the tenure times 4, plus the state |
 *
 * | state | name | what holds | next |
 * | --- | --- | --- | --- |
 * | 0 | free | nobody reads by this slot | 2, 3: a reader enters |
 * | 1 | revoked | whoever entered may still read, and will find that it must not use what it read | 2, 3 in the next tenure: a reader enters |
 * | 2, 3 | in side 0, in side 1 | a reader reads that side, or is about to look whether it may | 0: it leaves; 1: the writer needs the side |
 *
 * 1. A reader reads a side only after it has seen, with its slot saying so, that the side is visible. The writer looks at the slots only after
 *    it has swapped. So it sees every reader of the side that is hidden now.
 * 2. The writer changes a side only when no slot says that it is read.
 * 3. Leaving fails exactly when the slot was revoked. What was read then is thrown away: errors, too.
 * 4. A slot that was revoked is given to whoever needs one, under a new tenure; so a reader that is stopped, or dead, blocks nobody, neither
 *    the writer nor other readers. (A tenure has 30 bits. For a reader to take a later one for its own, it must be stopped while its slot is
 *    revoked exactly 2^30 times.)
 */
import type { Clock } from '@k-lani/base';

/** How many readers can be in the sides at one moment. */
export const READER_SLOTS = 64;

/** The longest that the writer waits for readers to leave a side that it needs, all of them together, milliseconds. */
export const READER_WAIT_MS_MAX = 1;

export const GENERATION_WORD = 0;
export const SLOTS_GIVEN_WORD = 1;
export const WAITING_WORD = 2;

export const SLOT_FREE = 0;
export const SLOT_REVOKED = 1;
/** The state of a slot whose reader is in side 0; one more is side 1. */
export const SLOT_IN_SIDE = 2;
/** Bits of a slot's word that are its state. */
export const SLOT_STATE_MASK = 3;

const SLOTS_WORD = 16;
const SLOT_WORDS = 16;
const SIZE_BYTES = (SLOTS_WORD + READER_SLOTS * SLOT_WORDS) * 4;

/** A side by its number. */
export type SideNumber = 0 | 1;

/** The word of slot `slot`. */
export function slotWord(slot: number): number {
  return SLOTS_WORD + slot * SLOT_WORDS;
}

export class ReaderSlots {
  /** What a `SideReader` attaches to, in whatever thread. */
  readonly shared = new SharedArrayBuffer(SIZE_BYTES);
  readonly #words = new Int32Array(this.shared);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes the other side the visible one. */
  swap(): void {
    Atomics.add(this.#words, GENERATION_WORD, 1);
  }

  /** Whether a reader may be in a side. */
  hasReaders(side: SideNumber): boolean {
    const given = Atomics.load(this.#words, SLOTS_GIVEN_WORD);
    for (let slot = 0; slot < given; slot += 1) {
      if ((Atomics.load(this.#words, slotWord(slot)) & SLOT_STATE_MASK) === SLOT_IN_SIDE + side) return true;
    }
    return false;
  }

  /** Returns when no reader is in a side that is hidden: waits for those that are, then revokes their slots. */
  drain(side: SideNumber): void {
    if (!this.hasReaders(side)) return;
    const endMs = this.#clock.monotonicMs() + READER_WAIT_MS_MAX;
    Atomics.store(this.#words, WAITING_WORD, 1);
    const given = Atomics.load(this.#words, SLOTS_GIVEN_WORD);
    for (let slot = 0; slot < given; slot += 1) this.#drainSlot(slotWord(slot), SLOT_IN_SIDE + side, endMs);
    Atomics.store(this.#words, WAITING_WORD, 0);
  }

  #drainSlot(word: number, state: number, endMs: number): void {
    for (;;) {
      const seen = Atomics.load(this.#words, word);
      if ((seen & SLOT_STATE_MASK) !== state) return;
      const leftMs = endMs - this.#clock.monotonicMs();
      if (leftMs > 0) Atomics.wait(this.#words, word, seen, leftMs);
      else Atomics.compareExchange(this.#words, word, seen, (seen & ~SLOT_STATE_MASK) | SLOT_REVOKED);
    }
  }
}
