/**
 * The control memory of a Left-Right: the words by which readers in other threads and processes find its two sides and agree with the writer.
 *
 * | word     | meaning                                                                                |
 * | -------- | -------------------------------------------------------------------------------------- |
 * | 0        | how often the sides were swapped; the lowest bit is the visible side                   |
 * | 1        | how many readers have asked for a slot of their own; it goes round                     |
 * | 2        | state: 0 being opened, 1 open, 2 closed                                                |
 * | 3        | the segment that begins the log: those before it were given up                         |
 * | 4–5      | "KLANIMEM"                                                                             |
 * | 6        | version of this layout and of everything that it leads to, 1                           |
 * | 7, 8     | descriptors, in the process that made them, of the memory of side 0 and of side 1      |
 * | 9        | size of a segment, bytes                                                               |
 * | 10       | how often words 2 and 3 have changed: as long as it is the same, so are they           |
 * | 16 + 16s | slot `s`, with a cache line of its own: see `reader-slots.ts`                          |
 *
 * Words are little-endian, and read and written by `Atomics`. Readers write word 1 and the slots, the writer everything else.
 *
 * 1. Words 4 to 9 do not change once word 2 is 1.
 */
import type { MemoryPlace, MemorySharing, SharedMemory } from '../io/io.ts';
import { CHUNK_SIZE_BYTES, type ChunkSource } from '../memory/page-store.ts';

/** How many readers can be in the sides at one moment. */
export const READER_SLOTS = 64;

/** The version of the layout of shared memory. */
export const SHARED_MEMORY_VERSION = 1;

export const GENERATION_WORD = 0;
export const READERS_WORD = 1;
export const STATE_WORD = 2;
export const FIRST_SEGMENT_WORD = 3;
export const MAGIC_WORD = 4;
export const VERSION_WORD = 6;
export const SIDES_WORD = 7;
export const SEGMENT_SIZE_WORD = 9;
export const NOTICES_WORD = 10;

export const STATE_OPEN = 1;
export const STATE_CLOSED = 2;

/** "KLAN", "IMEM". */
export const MAGIC = [0x4e41_4c4b, 0x4d45_4d49] as const;

const SLOTS_WORD = 16;
const SLOT_WORDS = 16;

/** The names under which memory is made in the directory of a database. */
export const CONTROL_NAME = 'control';
const SIDE_NAMES = ['left', 'right'] as const;

/** Bytes of the control memory: whole pages of the system. */
export const CONTROL_SIZE_BYTES = 8192;

/** The word of slot `slot`. */
export function slotWord(slot: number): number {
  return SLOTS_WORD + slot * SLOT_WORDS;
}

/** What the control memory tells of the log. */
export interface SharedLogFacts {
  readonly segmentSizeBytes: number;
  readonly firstSegment: number;
}

/** The writer's hold on the control memory, and on that of the sides. */
export class ControlWords {
  readonly words: Int32Array;
  /** Memory for the pages of each side; `undefined` where memory is not shared. */
  readonly sides: readonly [ChunkSource, ChunkSource] | undefined;
  readonly #memories: readonly SharedMemory[];
  readonly #place: MemoryPlace | undefined;

  /**
   * Makes the memory; it is to be closed.
   *
   * @param sharing where there is none, memory of this process, which threads can be sent
   */
  constructor(sharing: MemorySharing | undefined, log: SharedLogFacts) {
    if (sharing === undefined) {
      this.words = new Int32Array(new SharedArrayBuffer(CONTROL_SIZE_BYTES));
      this.sides = undefined;
      this.#memories = [];
      this.#place = undefined;
    } else {
      const left = sharing.create(SIDE_NAMES[0], CHUNK_SIZE_BYTES);
      const right = sharing.create(SIDE_NAMES[1], CHUNK_SIZE_BYTES);
      const control = sharing.create(CONTROL_NAME, CONTROL_SIZE_BYTES);
      this.words = new Int32Array(control.addChunk());
      this.sides = [left, right];
      this.#memories = [left, right, control];
      this.#place = control.place;
      Atomics.store(this.words, SIDES_WORD, left.place.descriptor);
      Atomics.store(this.words, SIDES_WORD + 1, right.place.descriptor);
    }
    this.#tell(log);
  }

  /** Where other threads and processes find this memory; `undefined` where it is not shared. */
  get place(): MemoryPlace | undefined {
    return this.#place;
  }

  /** Lets readers in. */
  open(): void {
    this.#notice(STATE_WORD, STATE_OPEN);
  }

  /** Tells readers which segment begins the log now, before those that lie before it are removed. */
  beginAt(firstSegment: number): void {
    this.#notice(FIRST_SEGMENT_WORD, firstSegment);
  }

  /** Tells readers that this is the end, and gives the memory back; they keep what they have mapped until they let go of it. */
  close(): void {
    if (this.words.length === 0) return;
    this.#notice(STATE_WORD, STATE_CLOSED);
    for (const memory of this.#memories) memory.close();
  }

  #notice(word: number, value: number): void {
    Atomics.store(this.words, word, value);
    Atomics.add(this.words, NOTICES_WORD, 1);
  }

  #tell({ segmentSizeBytes, firstSegment }: SharedLogFacts): void {
    const { words } = this;
    for (const [place, word] of MAGIC.entries()) Atomics.store(words, MAGIC_WORD + place, word);
    Atomics.store(words, VERSION_WORD, SHARED_MEMORY_VERSION);
    Atomics.store(words, SEGMENT_SIZE_WORD, segmentSizeBytes);
    this.beginAt(firstSegment);
  }
}
