/**
 * One direction of a connection: bytes in order, cut anywhere, later.
 *
 * 1. The system takes a bounded number of bytes; what goes beyond waits with the sender.
 * 2. The receiver's memory is its own only during the call: it is written over afterwards.
 */
import type { Chance } from '../world/chance.ts';
import type { SimProcess } from '../world/sim-process.ts';

/** What the system takes of one direction, bytes. */
const CAPACITY_BYTES_MIN = 512;
const CAPACITY_BYTES_MAX = 64 * 1024;

/** One of so many pieces is cut at any byte. */
const CUT_ONE_OF = 4;

const SCRIBBLE = 0xdb;

export interface PipeEnds {
  readonly receiver: SimProcess;
  readonly received: (bytes: Uint8Array) => void;
  /** Everything that was sent before has been received, and nothing more comes. */
  readonly ended: () => void;
  /** The system has taken everything. */
  readonly drained: () => void;
  /** How long the next piece is on its way, milliseconds; `undefined` when it never arrives. */
  readonly delayMs: () => number | undefined;
}

export class Pipe {
  /** Bytes that the system has not taken. */
  unsentBytes = 0;
  readonly #ends: PipeEnds;
  readonly #chance: Chance;
  readonly #capacityBytes: number;
  readonly #unsent: Uint8Array[] = [];
  readonly #arrived: Uint8Array[] = [];
  #takenBytes = 0;
  #arrivesMs = 0;
  #isPaused = false;
  #isCut = false;
  #isEnding = false;
  #isEnded = false;

  constructor(chance: Chance, ends: PipeEnds) {
    this.#chance = chance;
    this.#ends = ends;
    this.#capacityBytes = CAPACITY_BYTES_MIN + chance.below(CAPACITY_BYTES_MAX);
  }

  /** Sends a copy of `bytes`; returns whether the system has taken all there is. */
  write(bytes: Uint8Array): boolean {
    if (this.#isCut || this.#isEnding) return true;
    this.#unsent.push(bytes.slice());
    this.unsentBytes += bytes.length;
    this.#pump();
    return this.unsentBytes === 0;
  }

  /** Ends the direction, after everything that was sent. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#arrived.length > 0) this.#ends.receiver.plan(0, 'resumes reading', () => this.#deliver());
  }

  /** Drops everything that is on its way; nothing more happens on it. */
  cut(): void {
    this.#isCut = true;
    this.unsentBytes = 0;
  }

  #pump(): void {
    while (this.#unsent.length > 0 && this.#takenBytes < this.#capacityBytes) {
      const first = this.#unsent.shift() as Uint8Array;
      const room = Math.min(first.length, this.#capacityBytes - this.#takenBytes);
      const size = this.#chance.below(CUT_ONE_OF) === 0 ? 1 + this.#chance.below(room) : room;
      if (size < first.length) this.#unsent.unshift(first.subarray(size));
      this.#takenBytes += size;
      this.unsentBytes -= size;
      const piece = first.subarray(0, size);
      this.#plan(() => {
        this.#arrived.push(piece);
        this.#deliver();
      });
    }
    if (!this.#isEnding || this.#isEnded || this.#unsent.length > 0) return;
    this.#isEnded = true;
    this.#plan(() => this.#ends.ended());
  }

  /** In order: no piece overtakes another. */
  #plan(arrive: () => void): void {
    const delayMs = this.#ends.delayMs();
    if (delayMs === undefined) return;
    const { receiver } = this.#ends;
    const { nowMs } = receiver.timeline;
    this.#arrivesMs = Math.max(this.#arrivesMs, nowMs + delayMs);
    receiver.plan(this.#arrivesMs - nowMs, 'arrival', () => {
      if (!this.#isCut) arrive();
    });
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isCut) {
      const piece = this.#arrived.shift();
      if (piece === undefined) break;
      const memory = piece.slice();
      this.#ends.received(memory);
      memory.fill(SCRIBBLE);
      this.#takenBytes -= piece.length;
    }
    const wasWaiting = this.unsentBytes > 0;
    this.#pump();
    if (wasWaiting && this.unsentBytes === 0 && !this.#isCut) this.#ends.drained();
  }
}
