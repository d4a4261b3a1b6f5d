import { REQUEST_KINDS, type RequestKind, WINDOW_US, type Window } from '../report/raw-log.ts';

const CHUNK_SAMPLES = 1 << 16;

/**
 * Measures every request of a storm without making garbage: samples go into typed arrays, and are sorted out afterwards. Answers come in
 * the order of time, so samples are in that order too.
 */
export class Meter {
  readonly #originMs = performance.now();
  readonly #chunks: Chunk[] = [];
  #current: Chunk;
  #index = 0;
  #inFlight = 0;

  /** @param samplesExpected room made beforehand; more samples than that are taken too */
  constructor(samplesExpected: number) {
    this.#current = new Chunk();
    this.#chunks.push(this.#current);
    for (let room = CHUNK_SAMPLES; room < samplesExpected; room += CHUNK_SAMPLES) this.#chunks.push(new Chunk());
  }

  /** Requests that wait for their answer. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Microseconds since the meter was made. */
  nowUs(): number {
    return Math.round((performance.now() - this.#originMs) * 1000);
  }

  /** Call when a request is sent; gives what {@link finish} needs. */
  start(): number {
    this.#inFlight += 1;
    return performance.now();
  }

  /** Call when its answer has come; gives the time of that, in microseconds. */
  finish(kind: RequestKind, startedMs: number): number {
    const nowMs = performance.now();
    const timeUs = Math.round((nowMs - this.#originMs) * 1000);
    if (this.#index === CHUNK_SAMPLES) this.#nextChunk();
    this.#current.timesUs[this.#index] = timeUs;
    this.#current.latenciesUs[this.#index] = Math.round((nowMs - startedMs) * 1000);
    this.#current.kinds[this.#index] = REQUEST_KINDS.indexOf(kind);
    this.#index += 1;
    this.#current.count = this.#index;
    this.#inFlight -= 1;
    return timeUs;
  }

  /** Call instead when a request ended without an answer: it is not measured. */
  abandon(): void {
    this.#inFlight -= 1;
  }

  /** All samples, by windows; a window without an answer is left out. */
  windows(): Window[] {
    const windows: { timeUs: number; latenciesUs: Map<RequestKind, number[]> }[] = [];
    for (const chunk of this.#chunks) {
      for (let index = 0; index < chunk.count; index += 1) {
        const windowUs = Math.floor((chunk.timesUs[index] ?? 0) / WINDOW_US) * WINDOW_US;
        let window = windows.at(-1);
        if (window?.timeUs !== windowUs) {
          window = { timeUs: windowUs, latenciesUs: new Map() };
          windows.push(window);
        }
        const kind = REQUEST_KINDS[chunk.kinds[index] ?? 0] ?? 'query';
        const latencyUs = chunk.latenciesUs[index] ?? 0;
        const latencies = window.latenciesUs.get(kind);
        if (latencies === undefined) window.latenciesUs.set(kind, [latencyUs]);
        else latencies.push(latencyUs);
      }
    }
    return windows;
  }

  #nextChunk(): void {
    let next = this.#chunks.find((chunk) => chunk.count === 0);
    if (next === undefined) {
      next = new Chunk();
      this.#chunks.push(next);
    }
    this.#current = next;
    this.#index = 0;
  }
}

class Chunk {
  readonly timesUs = new Uint32Array(CHUNK_SAMPLES);
  readonly latenciesUs = new Uint32Array(CHUNK_SAMPLES);
  readonly kinds = new Uint8Array(CHUNK_SAMPLES);
  count = 0;
}
