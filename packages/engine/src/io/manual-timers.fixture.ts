/** For tests: the turns of this process, and time that passes when the test says so. */
import { NodeClock } from './node-clock.ts';

export class ManualTimers extends NodeClock {
  /** Milliseconds that were let pass. */
  passedMs = 0;
  #timers: (() => void)[] = [];

  /** Timers that wait. */
  get count(): number {
    return this.#timers.length;
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.passedMs;
  }

  override after(_delayMs: number, callback: () => void): void {
    this.#timers.push(callback);
  }

  /** Lets the timers fire that wait now. */
  fire(): void {
    const timers = this.#timers;
    this.#timers = [];
    for (const callback of timers) callback();
  }
}

/** Resolves when everything that was put off until now, and what follows from it at once, is done. */
export async function turnsPass(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
