/** The clocks of this machine and the turns of Node's event loop. */
import type { Clock, Scheduler } from '@k-lani/base';

const NANOSECONDS_A_MS = 1e6;

/**
 * Real time. The origin of `monotonicMs` is that of the system's monotonic clock, so that the threads and processes of one machine agree
 * on it to within microseconds until the next boot.
 */
export class NodeClock implements Clock, Scheduler {
  /** From the origin of `performance.now()`, which differs from thread to thread, to that of the system. */
  readonly #offsetMs = Number(process.hrtime.bigint()) / NANOSECONDS_A_MS - performance.now();

  monotonicMs(): number {
    return performance.now() + this.#offsetMs;
  }

  wallMs(): number {
    return Date.now();
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  after(delayMs: number, callback: () => void): void {
    setTimeout(callback, delayMs).unref();
  }
}
