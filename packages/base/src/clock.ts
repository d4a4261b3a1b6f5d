/** Time as the engine sees it. Passed in, so that the same seed gives the same run. */
export interface Clock {
  /** Milliseconds, with fractions, that never go back and do not follow the wall clock: leases and time-outs. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z: what is written into records for people to read. */
  wallMs(): number;
}

/** Puts work off. */
export interface Scheduler {
  /** Runs `callback` once, after every event that is ready now has been handled. */
  defer(callback: () => void): void;
  /** Runs `callback` once, when at least `delayMs` have passed. Does not keep a process from ending. */
  after(delayMs: number, callback: () => void): void;
}
