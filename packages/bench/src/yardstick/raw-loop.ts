/**
 * The raw yardstick: a hand-written loop over sockets that keeps a fixed number of frames in flight and decodes nothing. It is what the
 * machine can do at this moment with frames of this size; everything else is compared with it in the same run.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What a loop keeps in flight, and for how long. */
export interface LoadShape {
  readonly connections: number;
  /** Frames in flight on each connection. */
  readonly depth: number;
  /** Bytes of each frame, header included. */
  readonly frameSizeBytes: number;
  /** Answers to wait for, over all connections. */
  readonly requests: number;
}

/** What a loop measured. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Time from one request to its answer, in microseconds: each round of one connection; rising order. */
  readonly roundTripsUs: Float64Array;
}

const READ_BUFFER_BYTES = 64 * 1024;

/**
 * Runs the loop against a server that answers each frame with one of the same size.
 *
 * Round trips are taken only at depth 1, where a chunk is an answer; at other depths `roundTripsUs` is empty.
 *
 * @throws {Error} of the socket, when a connection ends early
 */
export async function runRawLoop(url: string, shape: LoadShape): Promise<LoadResult> {
  const run = new RawRun(shape);
  const { hostname, port } = new URL(url);
  const loops = Array.from({ length: shape.connections }, () => new RawConnection(hostname, Number(port), run));
  try {
    await Promise.race([Promise.all(loops.map((loop) => loop.opened)), run.finished]);
    const startedMs = performance.now();
    for (const loop of loops) loop.start();
    await run.finished;
    return run.result((performance.now() - startedMs) / 1000);
  } finally {
    for (const loop of loops) loop.close();
  }
}

/** What the connections of one run share: how much is left, and what was measured. */
class RawRun {
  readonly shape: LoadShape;
  readonly finished: Promise<void>;
  readonly fail: (error: unknown) => void;
  readonly #finish: () => void;
  readonly #roundTripsUs: Float64Array;
  #unsent: number;
  #unanswered: number;
  #roundTrips = 0;

  constructor(shape: LoadShape) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.shape = shape;
    this.finished = promise;
    this.fail = reject;
    this.#finish = resolve;
    this.#unsent = shape.requests;
    this.#unanswered = shape.requests;
    this.#roundTripsUs = new Float64Array(shape.depth === 1 ? shape.requests : 0);
  }

  /** How many of `wanted` frames may still be sent. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.#unsent);
    this.#unsent -= taken;
    return taken;
  }

  answered(count: number): void {
    this.#unanswered -= count;
    if (this.#unanswered === 0) this.#finish();
  }

  roundTrip(elapsedMs: number): void {
    this.#roundTripsUs[this.#roundTrips++] = elapsedMs * 1000;
  }

  result(seconds: number): LoadResult {
    const { requests } = this.shape;
    const roundTripsUs = this.#roundTripsUs.subarray(0, this.#roundTrips).toSorted();
    return { requests, seconds, perSecond: requests / seconds, roundTripsUs };
  }
}

class RawConnection {
  readonly opened: Promise<unknown>;
  readonly #run: RawRun;
  readonly #socket: Socket;
  readonly #frames: Uint8Array;
  /** Bytes of an answer that has not arrived whole. */
  #partialBytes = 0;
  #sentMs = 0;

  constructor(host: string, port: number, run: RawRun) {
    this.#run = run;
    this.#frames = new Uint8Array(run.shape.frameSizeBytes * run.shape.depth).fill(0xa5);
    const onread = { buffer: new Uint8Array(READ_BUFFER_BYTES), callback: (length: number) => this.#received(length) };
    this.#socket = connect({ host, port, noDelay: true, onread });
    this.#socket.on('error', run.fail);
    this.opened = once(this.#socket, 'connect');
  }

  start(): void {
    this.#send(this.#run.take(this.#run.shape.depth));
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(length: number): boolean {
    const { frameSizeBytes, depth } = this.#run.shape;
    const bytes = this.#partialBytes + length;
    const answers = Math.floor(bytes / frameSizeBytes);
    this.#partialBytes = bytes - answers * frameSizeBytes;
    if (answers === 0) return true;
    if (depth === 1) this.#run.roundTrip(performance.now() - this.#sentMs);
    this.#send(this.#run.take(answers));
    this.#run.answered(answers);
    return true;
  }

  #send(count: number): void {
    if (count === 0) return;
    this.#sentMs = this.#run.shape.depth === 1 ? performance.now() : 0;
    this.#socket.write(this.#frames.subarray(0, count * this.#run.shape.frameSizeBytes));
  }
}
