/**
 * For tests: two threads of which only one runs at a time, and a seed decides which. Each of them takes a step at every access to shared
 * memory, which is where the other one may get its turn; so every interleaving of their accesses can come about, and each can be repeated.
 *
 * | word | meaning |
 * | --- | --- |
 * | 0 | whose turn it is: 0 the writer's, 1 the reader's |
 * | 1 | how many steps the reader may take in its turn |
 * | 2 | reads that the reader has ended |
 * | 3 | 1 when the reader is to stop |
 */
import type { PageStore } from '../memory/page-store.ts';

const TURN_WORD = 0;
const STEPS_WORD = 1;
const READS_WORD = 2;
const STOP_WORD = 3;
const WRITERS_TURN = 0;
const READERS_TURN = 1;

/** What the accesses of the code under test are made of, before they become steps. */
const { add, compareExchange, load, notify, store, wait } = Atomics;

/** The turns of a writer and a reader. */
export class Turns {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  #stepsLeft = 0;

  constructor(shared = new SharedArrayBuffer(16)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
  }

  /** How many reads the reader has ended. */
  get reads(): number {
    return load(this.#words, READS_WORD);
  }

  /** In the writer: lets the reader take some steps, or fewer if it ends a read. */
  letReaderStep(steps: number): void {
    store(this.#words, STEPS_WORD, steps);
    this.#pass(READERS_TURN, WRITERS_TURN);
  }

  /** In the writer: tells the reader to stop after the read that it is in. */
  stop(): void {
    store(this.#words, STOP_WORD, 1);
  }

  /** In the reader: waits for its first turn. */
  begin(): void {
    this.#await(READERS_TURN);
    this.#stepsLeft = load(this.#words, STEPS_WORD);
  }

  /** In the reader: takes a step, when it is its turn. */
  step(): void {
    if (this.#stepsLeft === 0) {
      this.#pass(WRITERS_TURN, READERS_TURN);
      this.#stepsLeft = load(this.#words, STEPS_WORD);
    }
    this.#stepsLeft -= 1;
  }

  /** In the reader: ends a read, and with it the turn. Returns whether to begin another. */
  endRead(): boolean {
    add(this.#words, READS_WORD, 1);
    if (load(this.#words, STOP_WORD) === 1) {
      store(this.#words, TURN_WORD, WRITERS_TURN);
      notify(this.#words, TURN_WORD);
      return false;
    }
    this.#stepsLeft = 0;
    return true;
  }

  #pass(to: number, back: number): void {
    store(this.#words, TURN_WORD, to);
    notify(this.#words, TURN_WORD);
    this.#await(back);
  }

  #await(turn: number): void {
    for (let seen = load(this.#words, TURN_WORD); seen !== turn; seen = load(this.#words, TURN_WORD)) wait(this.#words, TURN_WORD, seen);
  }
}

/** Makes every word that is read or written through a store a step. Do it before anything is attached to the store. */
export function stepThroughStore({ chunks, floats }: PageStore, step: () => void): void {
  for (const arrays of [chunks, floats] as (Uint32Array | Float64Array)[][]) {
    for (const [index, array] of arrays.entries()) arrays[index] = steppingWords(array, step);
  }
}

/** Makes every atomic access of this thread a step, and its waiting whatever `waits` does. */
export function stepThroughAtomics(step: () => void, waits: () => void): void {
  const stepping = <Access extends typeof load | typeof store | typeof add | typeof compareExchange>(access: Access): Access =>
    new Proxy(access, { apply: (target, self, values) => (step(), Reflect.apply(target, self, values)) });
  Atomics.load = stepping(load);
  Atomics.store = stepping(store);
  Atomics.add = stepping(add);
  Atomics.compareExchange = stepping(compareExchange);
  Atomics.wait = () => (waits(), 'timed-out');
}

function steppingWords<Words extends Uint32Array | Float64Array>(words: Words, step: () => void): Words {
  return new Proxy(words, {
    get(target, name) {
      step();
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set(target, name, value) {
      step();
      return Reflect.set(target, name, value);
    },
  });
}
