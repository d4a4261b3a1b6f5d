/**
 * A bounded queue of messages in shared memory, from one thread to one other. All numbers are little-endian on the platforms that have
 * shared memory; the layout never leaves the process.
 *
 * | offset | size | field | written by | meaning |
 * | --- | --- | --- | --- | --- |
 * | 0 | 4 | head | producer | bytes put so far, modulo 2^32 |
 * | 64 | 4 | tail | consumer | bytes given back so far, modulo 2^32 |
 * | 128 | 4 | asleep | both | 1 while the consumer does not look, 2 while its thread is blocked: whoever changes it to 0 wakes it |
 * | 192 | 4 | wanted | both | 1 while the producer waits for room: the consumer that changes it to 0 tells it |
 * | 256 | … | messages | producer | `sizeBytes` of the ring, a power of two |
 *
 * A message begins at a multiple of 8:
 *
 * | offset | size | field | meaning |
 * | --- | --- | --- | --- |
 * | 0 | 4 | size | bytes of the payload; -1: nothing more until the end of the memory, go on at its beginning |
 * | 4 | 4 | tag | the producer's |
 * | 8 | … | payload | |
 *
 * 1. One producer and one consumer. A message is there whole, in one piece, or not at all; messages are taken in the order of their putting.
 * 2. The ring never grows. A message for which there is no room is refused, and the consumer then owes a word when it has made some.
 * 3. The consumer's memory of a message ends when its handler returns.
 * 4. No wake-up is lost: the consumer says that it sleeps before it looks for the last time, the producer puts before it looks whether the
 *    consumer sleeps. Both ways alike for room. A consumer looks before it sleeps for the first time.
 * 5. A thread that takes from many rings has one word `asleep` for all of them, its bell: it lies in memory of its own, with which both ends
 *    of each of those rings are made.
 */
import { assert } from './assert.ts';

const HEAD = 0;
const TAIL = 16;
const ASLEEP_OFFSET = 128;
const WANTED = 48;
const RING_HEADER_SIZE = 256;

const MESSAGE_HEADER_SIZE = 8;
const FILLER = -1;

/** What `asleep` says. */
const AWAKE = 0;
const SLEEPING = 1;
const BLOCKED = 2;

/** Smallest and largest ring, bytes. */
const RING_SIZE_BYTES_MIN = 64;
const RING_SIZE_BYTES_MAX = 1024 * 1024 * 1024;

/** Up to here a loop is faster than making a view for the platform's copy, bytes. */
const SHORT_COPY_BYTES = 64;

/** Takes one message: its payload is `bytes[start, end)`, which may be read, and written over, until this returns. Must not throw. */
export type MessageHandler = (tag: number, bytes: Uint8Array, start: number, end: number) => void;

/** Memory for a ring. @param sizeBytes a power of two, 64 to 2^30 */
export function createRing(sizeBytes: number): SharedArrayBuffer {
  const isPowerOfTwo = Number.isInteger(sizeBytes) && (sizeBytes & (sizeBytes - 1)) === 0;
  assert(
    isPowerOfTwo && sizeBytes >= RING_SIZE_BYTES_MIN && sizeBytes <= RING_SIZE_BYTES_MAX,
    `createRing(): size is ${sizeBytes} bytes, must be a power of two from ${RING_SIZE_BYTES_MIN} to ${RING_SIZE_BYTES_MAX}`,
  );
  return new SharedArrayBuffer(RING_HEADER_SIZE + sizeBytes);
}

/** Memory for the bell of a thread. */
export function createBell(): SharedArrayBuffer {
  return new SharedArrayBuffer(4);
}

/** The end of a ring that messages are put into. */
export class RingProducer {
  /** The longest payload, bytes: one that fits wherever the ring stands. */
  readonly payloadBytesMax: number;
  readonly #control: Int32Array;
  readonly #asleep: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #sizeBytes: number;
  #head: number;
  /** The consumer's tail when it was last looked at. */
  #tail: number;

  /** @param bell the consumer's, if it has one */
  constructor(memory: SharedArrayBuffer, bell?: SharedArrayBuffer) {
    const sizeBytes = memory.byteLength - RING_HEADER_SIZE;
    this.#control = new Int32Array(memory, 0, RING_HEADER_SIZE / 4);
    this.#asleep = asleepOf(memory, bell);
    this.#words = new Int32Array(memory, RING_HEADER_SIZE);
    this.#bytes = new Uint8Array(memory, RING_HEADER_SIZE);
    this.#sizeBytes = sizeBytes;
    this.payloadBytesMax = sizeBytes / 2 - MESSAGE_HEADER_SIZE;
    this.#head = Atomics.load(this.#control, HEAD);
    this.#tail = Atomics.load(this.#control, TAIL);
  }

  /**
   * Puts a message with `bytes[start, end)` as its payload.
   *
   * @param tag any 32-bit integer
   * @returns false when there is no room; nothing is put then, and the consumer will say when it has made some
   */
  put(tag: number, bytes: Uint8Array, start: number, end: number): boolean {
    const payloadBytes = end - start;
    assert(payloadBytes <= this.payloadBytesMax, 'RingProducer.put(): the payload is longer than payloadBytesMax');
    const messageBytes = MESSAGE_HEADER_SIZE + ((payloadBytes + 7) & -8);
    let at = this.#head & (this.#sizeBytes - 1);
    const untilEnd = this.#sizeBytes - at;
    const isSplit = messageBytes > untilEnd;
    const takenBytes = isSplit ? untilEnd + messageBytes : messageBytes;
    if (takenBytes > this.#free && !this.#hasRoom(takenBytes)) return false;
    if (isSplit) {
      this.#words[at >> 2] = FILLER;
      at = 0;
    }
    this.#words[at >> 2] = payloadBytes;
    this.#words[(at >> 2) + 1] = tag;
    copy(bytes, start, end, this.#bytes, at + MESSAGE_HEADER_SIZE);
    this.#head = (this.#head + takenBytes) | 0;
    Atomics.store(this.#control, HEAD, this.#head);
    return true;
  }

  /** Whether the consumer sleeps and the caller has to wake it: true to one caller only. One whose thread is blocked is woken by asking. */
  get mustWake(): boolean {
    if (Atomics.load(this.#asleep, 0) === AWAKE) return false;
    const was = Atomics.exchange(this.#asleep, 0, AWAKE);
    if (was === BLOCKED) Atomics.notify(this.#asleep, 0);
    return was === SLEEPING;
  }

  get #free(): number {
    return this.#sizeBytes - ((this.#head - this.#tail) | 0);
  }

  /** Looks at what the consumer has given back; leaves word that room is wanted when it is not enough. */
  #hasRoom(takenBytes: number): boolean {
    this.#tail = Atomics.load(this.#control, TAIL);
    if (takenBytes <= this.#free) return true;
    Atomics.store(this.#control, WANTED, 1);
    this.#tail = Atomics.load(this.#control, TAIL);
    if (takenBytes > this.#free) return false;
    Atomics.store(this.#control, WANTED, 0);
    return true;
  }
}

/** The end of a ring that messages are taken from. */
export class RingConsumer {
  readonly #control: Int32Array;
  readonly #asleep: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #sizeBytes: number;
  #tail: number;

  /** @param bell its thread's, if that has one */
  constructor(memory: SharedArrayBuffer, bell?: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, RING_HEADER_SIZE / 4);
    this.#asleep = asleepOf(memory, bell);
    this.#words = new Int32Array(memory, RING_HEADER_SIZE);
    this.#bytes = new Uint8Array(memory, RING_HEADER_SIZE);
    this.#sizeBytes = memory.byteLength - RING_HEADER_SIZE;
    this.#tail = Atomics.load(this.#control, TAIL);
  }

  /** Gives `handle` everything that was put before this call; what comes meanwhile waits for the next one. Returns how many there were. */
  take(handle: MessageHandler): number {
    const head = Atomics.load(this.#control, HEAD);
    let count = 0;
    while (this.#tail !== head) {
      const at = this.#tail & (this.#sizeBytes - 1);
      const payloadBytes = this.#words[at >> 2] as number;
      if (payloadBytes === FILLER) {
        this.#giveBack(this.#sizeBytes - at);
        continue;
      }
      const start = at + MESSAGE_HEADER_SIZE;
      handle(this.#words[(at >> 2) + 1] as number, this.#bytes, start, start + payloadBytes);
      this.#giveBack(MESSAGE_HEADER_SIZE + ((payloadBytes + 7) & -8));
      count += 1;
    }
    return count;
  }

  /** Whether the producer waits for room and the caller has to tell it: true to one caller only. To be asked after `take`. */
  get owesRoom(): boolean {
    return Atomics.load(this.#control, WANTED) === 1 && Atomics.exchange(this.#control, WANTED, 0) === 1;
  }

  /** Whether there is nothing to take. */
  get isEmpty(): boolean {
    return Atomics.load(this.#control, HEAD) === this.#tail;
  }

  /** Says that the consumer sleeps from now on. @returns false when there is something to take: then it does not */
  sleep(): boolean {
    Atomics.store(this.#asleep, 0, SLEEPING);
    if (this.isEmpty) return true;
    this.awake();
    return false;
  }

  /** Blocks the thread until there is something to take, `timeoutMs` at most. Only where the platform lets threads block. */
  block(timeoutMs: number): void {
    Atomics.store(this.#asleep, 0, BLOCKED);
    if (this.isEmpty) Atomics.wait(this.#asleep, 0, BLOCKED, timeoutMs);
    this.awake();
  }

  /** Says that the consumer looks again. */
  awake(): void {
    Atomics.store(this.#asleep, 0, AWAKE);
  }

  #giveBack(sizeBytes: number): void {
    this.#tail = (this.#tail + sizeBytes) | 0;
    Atomics.store(this.#control, TAIL, this.#tail);
  }
}

function asleepOf(memory: SharedArrayBuffer, bell: SharedArrayBuffer | undefined): Int32Array {
  return bell === undefined ? new Int32Array(memory, ASLEEP_OFFSET, 1) : new Int32Array(bell);
}

function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > SHORT_COPY_BYTES) {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
    return;
  }
  for (let index = start; index < end; index += 1) target[at + index - start] = source[index] as number;
}
