/**
 * Reader slots: how readers in other threads and the writer agree about the two sides of a Left-Right, through words of shared memory alone.
 * This is the writer's half; `SideReader` is the readers'.
 *
 * A slot is a word of the control memory (`control-words.ts`): the tenure times 4, plus the state.
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
import { GENERATION_WORD, READERS_WORD, READER_SLOTS, slotWord } from './control-words.ts';

/** The longest that the writer waits for readers to leave a side that it needs, all of them together, milliseconds. */
export const READER_WAIT_MS_MAX = 1;

/**
 * How long it sleeps before it looks again, milliseconds. Nobody can wake it: a thread cannot wait in memory that another process shares. The
 * system makes a tenth of a millisecond of it, and most reads are over long before.
 */
const LOOK_AGAIN_MS = 0.05;

export const SLOT_FREE = 0;
export const SLOT_REVOKED = 1;
/** The state of a slot whose reader is in side 0; one more is side 1. */
export const SLOT_IN_SIDE = 2;
/** Bits of a slot's word that are its state. */
export const SLOT_STATE_MASK = 3;

/** A side by its number. */
export type SideNumber = 0 | 1;

export class ReaderSlots {
  readonly #words: Int32Array;
  readonly #clock: Clock;
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4));

  /** @param words the control memory */
  constructor(words: Int32Array, clock: Clock) {
    this.#words = words;
    this.#clock = clock;
  }

  /** Makes the other side the visible one. */
  swap(): void {
    Atomics.add(this.#words, GENERATION_WORD, 1);
  }

  /** Whether a reader may be in a side. */
  hasReaders(side: SideNumber): boolean {
    const count = slotsInUse(this.#words);
    for (let slot = 0; slot < count; slot += 1) {
      if ((Atomics.load(this.#words, slotWord(slot)) & SLOT_STATE_MASK) === SLOT_IN_SIDE + side) return true;
    }
    return false;
  }

  /** Returns when no reader is in a side that is hidden: waits for those that are, then revokes their slots. */
  drain(side: SideNumber): void {
    if (!this.hasReaders(side)) return;
    const endMs = this.#clock.monotonicMs() + READER_WAIT_MS_MAX;
    const count = slotsInUse(this.#words);
    for (let slot = 0; slot < count; slot += 1) this.#drainSlot(slotWord(slot), SLOT_IN_SIDE + side, endMs);
  }

  #drainSlot(word: number, state: number, endMs: number): void {
    for (;;) {
      const seen = Atomics.load(this.#words, word);
      if ((seen & SLOT_STATE_MASK) !== state) return;
      if (this.#clock.monotonicMs() < endMs) Atomics.wait(this.#sleep, 0, 0, LOOK_AGAIN_MS);
      else Atomics.compareExchange(this.#words, word, seen, (seen & ~SLOT_STATE_MASK) | SLOT_REVOKED);
    }
  }
}

/** How many slots, the first ones, have ever been a reader's own: nobody is in others. */
export function slotsInUse(words: Int32Array): number {
  return Math.min(Atomics.load(words, READERS_WORD) >>> 0, READER_SLOTS);
}
