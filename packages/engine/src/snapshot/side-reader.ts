/**
 * Reads the visible side of a Left-Right from any thread or process, without asking the writer and without making it wait for long: the
 * readers' half of the protocol that `ReaderSlots` describes.
 */
import { assert } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import { GENERATION_WORD, READERS_WORD, READER_SLOTS, slotWord } from './control-words.ts';
import { SLOT_FREE, SLOT_IN_SIDE, SLOT_REVOKED, SLOT_STATE_MASK, slotsInUse, type SideNumber } from './reader-slots.ts';

/** How often a read is begun again because the writer needed the side. */
const READ_ATTEMPTS_MAX = 16;

/** After which time a read that did not come through is worth asking again, milliseconds. */
const READ_RETRY_MS = 5;

/** Where the count of readers goes back to the count of slots, so that it never passes through less. */
const READERS_MAX = 2 ** 30;

/** One reader: one thread, one read at a time. `Side` is what the thread has attached to the memory of a side. */
export class SideReader<Side> {
  readonly #words: Int32Array;
  readonly #sides: readonly [Side, Side];
  /** The slot to try first: its own, as long as there are no more readers than slots; and what its word was when it was left last. */
  readonly #home: number;
  #homeSeen = 0;
  /** While it reads: the word of the slot taken, and what was written there. */
  #word = 0;
  #stay = 0;

  /** @param words the control memory */
  constructor(words: Int32Array, sides: readonly [Side, Side]) {
    this.#words = words;
    this.#sides = sides;
    this.#home = takeHome(words);
  }

  /**
   * Calls `read` with the visible side, and returns what it returned, which is of one snapshot.
   *
   * @param read is synchronous and short, and copies out what it needs. It may be called again; a call whose side was taken away meanwhile sees
   *   a mixture of snapshots, must end all the same, and counts for nothing, whatever it returned or threw.
   * @throws {KLaniError} Overloaded when the side was taken away each time, or all slots are in use; what `read` throws
   */
  read<Result>(read: (side: Side) => Result): Result {
    for (let attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt += 1) {
      const side = this.#enter();
      let result: Result;
      try {
        result = read(side);
      } catch (error) {
        if (this.#leave()) throw error;
        continue;
      }
      if (this.#leave()) return result;
    }
    throw new KLaniError('Overloaded', `Cannot read: the writer needed the side ${READ_ATTEMPTS_MAX} times before the read was done`, {
      retryAfterMs: READ_RETRY_MS,
    });
  }

  /** Takes a slot, and gives the side that is visible with the slot saying so. */
  #enter(): Side {
    assert(this.#word === 0, 'SideReader.read(): a read is under way');
    for (;;) {
      const side = this.#visibleSide();
      this.#takeSlot(side);
      if (this.#visibleSide() === side) return this.#sides[side];
      this.#leave();
    }
  }

  #visibleSide(): SideNumber {
    return (Atomics.load(this.#words, GENERATION_WORD) & 1) === 0 ? 0 : 1;
  }

  /** Takes a slot, and says in it that this reader is in `side`. */
  #takeSlot(side: SideNumber): void {
    const seen = this.#homeSeen;
    if ((seen & SLOT_STATE_MASK) === SLOT_FREE && this.#tryTake(slotWord(this.#home), seen, side)) return;
    this.#searchSlot(side);
  }

  #searchSlot(side: SideNumber): void {
    const count = slotsInUse(this.#words);
    for (let probe = 0; probe < count; probe += 1) {
      const word = slotWord((this.#home + probe) % count);
      const seen = Atomics.load(this.#words, word);
      if ((seen & SLOT_STATE_MASK) < SLOT_IN_SIDE && this.#tryTake(word, seen, side)) return;
    }
    throw new KLaniError('Overloaded', `Cannot read: all ${count} reader slots are in use`, { retryAfterMs: READ_RETRY_MS });
  }

  /** Takes the slot at `word`, which was `seen`, free or revoked, a moment ago. */
  #tryTake(word: number, seen: number, side: SideNumber): boolean {
    const tenure = (seen & ~SLOT_STATE_MASK) + ((seen & SLOT_STATE_MASK) === SLOT_REVOKED ? SLOT_STATE_MASK + 1 : 0);
    const stay = tenure | (SLOT_IN_SIDE + side) | 0;
    if (Atomics.compareExchange(this.#words, word, seen, stay) !== seen) return false;
    this.#word = word;
    this.#stay = stay;
    return true;
  }

  /** Gives the slot back. Returns false when it was revoked: it is somebody else's then. */
  #leave(): boolean {
    const word = this.#word;
    const stay = this.#stay;
    this.#word = 0;
    if (word === slotWord(this.#home)) this.#homeSeen = (stay & ~SLOT_STATE_MASK) | SLOT_FREE;
    return Atomics.compareExchange(this.#words, word, stay, (stay & ~SLOT_STATE_MASK) | SLOT_FREE) === stay;
  }
}

/** A slot that no other reader has as its own, while there are such. */
function takeHome(words: Int32Array): number {
  for (;;) {
    const readers = Atomics.load(words, READERS_WORD);
    const next = readers >= READERS_MAX ? READER_SLOTS : readers + 1;
    if (Atomics.compareExchange(words, READERS_WORD, readers, next) === readers) return readers % READER_SLOTS;
  }
}
