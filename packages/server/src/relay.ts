/**
 * One socket of an I/O thread, and its connection to the writer: what arrives at one leaves by the other, but for the reads that the thread
 * answers itself.
 *
 * 1. Back-pressure passes through: while one side does not take, nothing is read from the other; while the client does not read, nothing is
 *    answered to it.
 * 2. The end of each direction, and of the connection, passes through in its place.
 * 3. The thread answers a read only while no request is at the writer on which its answer could depend (any but writes and other reads), and
 *    only between two frames of the writer's answers. A client that sends a read behind a write without waiting may not see it yet.
 * 4. The handles of a session are learned from its answers, and all forgotten when one is closed or its table altered: those reads are the
 *    writer's then. A session that was ever given a lock has its Seeks answered by the writer: of rows that it has locked it sees the latest
 *    state.
 * 5. A session whose requests are all answered here is shown to be alive, at every `tick`.
 */
import type { ChannelConnection } from '@k-lani/base';
import { ByteWriter, FRAME_HEADER_SIZE, Opcode } from '@k-lani/protocol';
import { FrameCutter } from './frame-cutter.ts';
import { Figure } from './io-thread-figures.ts';
import { KnownTables, type SnapshotReads } from './snapshot-reads.ts';
import type { AcceptedWire, WireUser } from './wire.ts';

/** Memory from which copies for sockets are cut, bytes; longer ones get their own. */
const SLAB_SIZE_BYTES = 64 * 1024;

/** Answers of a chunk that are written out before the rest of it is answered, bytes. */
const FLUSH_SIZE_BYTES = 256 * 1024;

/** Requests that no read depends on. */
const INDEPENDENT: ReadonlySet<number> = new Set([
  Opcode.Seek,
  Opcode.SeekByField,
  Opcode.SeekByPredicate,
  Opcode.QueryIntersect,
  Opcode.Count,
  Opcode.Explain,
  Opcode.Scan,
  Opcode.ScanNext,
  Opcode.Fetch,
  Opcode.Stream,
  Opcode.StreamNext,
  Opcode.StreamClose,
  Opcode.History,
  Opcode.Append,
  Opcode.Replace,
  Opcode.Unlock,
  Opcode.Delete,
  Opcode.Claim,
  Opcode.BatchCommit,
  Opcode.OperationStatus,
  Opcode.Checkpoint,
  Opcode.SystemGetStats,
]);

/** What the relays of a thread share. */
export interface RelayParts {
  readonly figures: Float64Array;
  /** Undefined while there is no snapshot to read. */
  readonly reads: () => SnapshotReads | undefined;
  /** The connection is over. */
  readonly onGone: (relay: Relay) => void;
}

let slab = new Uint8Array(SLAB_SIZE_BYTES);
let slabUsedBytes = 0;

/** Answers that were made during a chunk, of one relay at a time. */
const out = new ByteWriter({ capacityBytes: SLAB_SIZE_BYTES });

export class Relay {
  readonly #socket: AcceptedWire;
  readonly #connection: ChannelConnection;
  readonly #parts: RelayParts;
  readonly #requests = new FrameCutter();
  readonly #answers = new FrameCutter();
  readonly #tables = new KnownTables();
  /** Requests at the writer on which a read could depend. */
  #dependedOn = 0;
  #mayHoldLocks = false;
  /** The session takes no more requests. */
  #isEnding = false;
  #socketKeeps = false;
  #connectionKeeps = false;
  /** A request was answered here since the last tick. */
  #hasAnswered = false;

  constructor(socket: AcceptedWire, connection: ChannelConnection, parts: RelayParts) {
    this.#socket = socket;
    this.#connection = connection;
    this.#parts = parts;
    this.#count(Figure.connections, 1);
    const fromSocket: WireUser = {
      received: (chunk) => this.#requested(chunk),
      drained: () => this.#socketDrained(),
      finished: () => connection.end(),
      closed: () => this.#closed(),
    };
    const fromWriter: WireUser = {
      received: (chunk) => this.#answered(chunk),
      drained: () => this.#connectionDrained(),
      finished: () => {
        this.#isEnding = true;
        socket.end();
      },
      closed: () => socket.destroy(),
    };
    connection.attach(fromWriter);
    socket.attach(fromSocket);
  }

  /** Shows the session that its client is alive, when it would not see it by itself. */
  tick(): void {
    if (this.#hasAnswered) this.#connection.touch();
    this.#hasAnswered = false;
  }

  #requested(chunk: Uint8Array): void {
    const requests = this.#requests;
    const reads = this.#parts.reads();
    let forwardedTo = 0;
    requests.push(chunk);
    while (requests.next()) {
      if (reads !== undefined && requests.isWhole && this.#answersItself(reads)) {
        if (requests.start > forwardedTo) this.#forward(chunk.subarray(forwardedTo, requests.start));
        forwardedTo = requests.end;
        if (out.length > FLUSH_SIZE_BYTES) this.#writeOut();
      } else if (requests.hasHeader) {
        this.#count(Figure.forwarded, 1);
        if (!INDEPENDENT.has(requests.opcode)) this.#dependedOn += 1;
      }
    }
    if (forwardedTo < chunk.length) this.#forward(forwardedTo === 0 ? chunk : chunk.subarray(forwardedTo));
    this.#writeOut();
  }

  #answersItself(reads: SnapshotReads): boolean {
    const { chunk, start, end, opcode } = this.#requests;
    const mayDepend = this.#dependedOn > 0 || (this.#mayHoldLocks && opcode === Opcode.Seek);
    if (mayDepend || this.#isEnding || this.#socketKeeps || !this.#answers.isBetweenFrames) return false;
    if (!reads.answer(this.#tables, out, chunk, start, end)) return false;
    this.#hasAnswered = true;
    this.#count(Figure.answered, 1);
    return true;
  }

  #answered(chunk: Uint8Array): void {
    const answers = this.#answers;
    answers.push(chunk);
    while (answers.next()) if (answers.hasEnd && !INDEPENDENT.has(answers.opcode)) this.#dependencyAnswered();
    this.#write(chunk);
  }

  #dependencyAnswered(): void {
    const { opcode, status, isWhole, chunk, start, end } = this.#answers;
    this.#dependedOn -= 1;
    if (opcode === Opcode.Disconnect) this.#isEnding = true;
    if (status !== 0) return;
    if (opcode === Opcode.Lock) this.#mayHoldLocks = true;
    else if (opcode === Opcode.CloseTable || opcode === Opcode.AlterTable) this.#tables.clear();
    else if ((opcode === Opcode.OpenTable || opcode === Opcode.CreateTable) && isWhole) {
      this.#parts.reads()?.learn(this.#tables, chunk, start + FRAME_HEADER_SIZE, end);
    }
  }

  #writeOut(): void {
    if (out.length === 0) return;
    this.#write(out.bytes.subarray(0, out.length));
    out.reset();
  }

  /** Writes to the socket, which keeps what it is given for as long as it wants: a copy. */
  #write(bytes: Uint8Array): void {
    if (this.#socket.write(copyOf(bytes), bytes.length) || this.#socketKeeps) return;
    this.#socketKeeps = true;
    this.#connection.pause();
    this.#socket.pause();
  }

  #forward(bytes: Uint8Array): void {
    if (this.#connection.write(bytes, bytes.length)) return;
    this.#connectionKeeps = true;
    this.#socket.pause();
  }

  #socketDrained(): void {
    this.#socketKeeps = false;
    this.#connection.resume();
    this.#resumeSocket();
  }

  #connectionDrained(): void {
    this.#connectionKeeps = false;
    this.#resumeSocket();
  }

  #resumeSocket(): void {
    if (!this.#socketKeeps && !this.#connectionKeeps) this.#socket.resume();
  }

  #closed(): void {
    this.#count(Figure.connections, -1);
    this.#connection.destroy();
    this.#parts.onGone(this);
  }

  #count(figure: number, more: number): void {
    const { figures } = this.#parts;
    figures[figure] = (figures[figure] ?? 0) + more;
  }
}

/** A copy in memory that is written once. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const sizeBytes = bytes.length;
  if (sizeBytes > SLAB_SIZE_BYTES) return bytes.slice();
  if (slabUsedBytes + sizeBytes > SLAB_SIZE_BYTES) {
    slab = new Uint8Array(SLAB_SIZE_BYTES);
    slabUsedBytes = 0;
  }
  const copy = slab.subarray(slabUsedBytes, slabUsedBytes + sizeBytes);
  copy.set(bytes);
  slabUsedBytes += sizeBytes;
  return copy;
}
