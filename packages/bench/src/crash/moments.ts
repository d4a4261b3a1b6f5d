/** Moments at which something is done to a server, all of them found from outside. */
import { watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StormState } from '../storm/storm-state.ts';

const POLL_MS = 1;
/** A directory in which nothing happens for so long is not waited for. */
const FILE_EVENT_MS_MAX = 500;
/** A start that has not taken its lock by then is killed all the same. */
const LOCK_MS_MAX = 10_000;

/** Waits until so many more sales are acknowledged, or the storm is over. */
export async function moreSales<Row, Term>(state: StormState<Row, Term>, count: number, over: AbortSignal): Promise<void> {
  const wanted = state.sales.length + count;
  while (state.sales.length < wanted && !over.aborted) await delay(POLL_MS);
}

/** Waits until a file of the directory is made, renamed or removed; not longer than half a second. */
export async function fileEvent(directory: string): Promise<void> {
  const happened = Promise.withResolvers<void>();
  const watcher = watch(directory, (event) => {
    if (event === 'rename') happened.resolve();
  });
  watcher.on('error', () => happened.resolve());
  try {
    await Promise.race([happened.promise, delay(FILE_EVENT_MS_MAX)]);
  } finally {
    watcher.close();
  }
}

/** A signal that is aborted so long after the next process has taken the lock of the directory. */
export function afterLock(directory: string, delayMs: number): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    watcher.close();
    clearTimeout(tooLong);
    controller.abort();
  };
  const tooLong = setTimeout(abort, LOCK_MS_MAX);
  let isTaken = false;
  const watcher = watch(join(directory, 'lock'), () => {
    if (isTaken) return;
    isTaken = true;
    setTimeout(abort, delayMs);
  });
  watcher.on('error', abort);
  return controller.signal;
}
