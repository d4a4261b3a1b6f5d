/** Something that happens again and again while a server runs: one timer for all its sessions. */
export interface Ticker {
  /** Calls `tick` about every `periodMs`, without keeping the process alive. Returns what ends it. */
  start(periodMs: number, tick: () => void): () => void;
}

/** Ticks by the clock. */
export const nodeTicker: Ticker = {
  start(periodMs, tick) {
    const timer = setInterval(tick, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
