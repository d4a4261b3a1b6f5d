/**
 * For tests: threads that are attached to a database of seats (`database.contract.ts`).
 *
 * | mode | what it does |
 * | --- | --- |
 * | `crowd` | claims free seats until there are none, locks and replaces the seat of rank 9 now and then; ends with what it got |
 * | `holder` | locks row 1, says so, and waits |
 * | `leaver` | writes a row and ends, without closing anything |
 * | `sleeper` | asks for far more than its ring holds, says so, and is blocked until it is let go; then says how many rows came |
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { attach } from './attach.ts';
import type { AttachedDatabase } from './attached-database.ts';
import type { AttachedTable } from './attached-table.ts';
import { seat, seats } from './database.contract.ts';
import type { ThreadHandle } from './thread-handle.ts';

type Mode = 'crowd' | 'holder' | 'leaver' | 'sleeper';

interface SellerTask {
  readonly sellerMode: Mode;
  readonly handle: ThreadHandle;
  readonly blockMsMax: number;
  /** What `sleeper` waits for. */
  readonly go: Int32Array;
}

/** What a thread of the crowd got. */
export interface Takings {
  readonly rowIds: readonly number[];
  readonly tokens: readonly bigint[];
  /** Rows that a claim gave and a read in the same thread did not see. */
  readonly unseen: readonly number[];
}

/** Requests of `sleeper`, and rows of each. */
export const SLEEPER_REQUESTS = 200;
export const SLEEPER_ROWS = 200;

const LOCK_EVERY = 4;

/** Starts such a thread. */
export function startSeller(sellerMode: Mode, handle: ThreadHandle, options: { blockMsMax?: number; go?: Int32Array } = {}): Worker {
  const task: SellerTask = {
    sellerMode,
    handle,
    blockMsMax: options.blockMsMax ?? 0,
    go: options.go ?? new Int32Array(new SharedArrayBuffer(4)),
  };
  return new Worker(new URL(import.meta.url), { workerData: task, execArgv: [] });
}

async function crowd(table: AttachedTable<typeof seats>): Promise<Takings> {
  const rowIds: number[] = [];
  const tokens: bigint[] = [];
  const unseen: number[] = [];
  for (;;) {
    const sale = await table.claim({ where: [{ field: 'is_booked', eq: 0 }], set: { is_booked: 1 } });
    if (sale.outcome !== 'claimed') return { rowIds, tokens, unseen };
    for (const { rowId, version } of sale.lines.flat()) {
      rowIds.push(rowId);
      if ((table.seek(rowId)?.version ?? 0) < version) unseen.push(rowId);
    }
    if (rowIds.length % LOCK_EVERY > 0) continue;
    const [hot = 0] = table.queryIntersect([{ field: 'rank', eq: 9 }]);
    const lock = await table.tryLock(hot);
    if (lock === undefined) continue;
    const found = await lock.seek();
    tokens.push(lock.token);
    await lock.replaceAndUnlock({ ...seat(hot, { rank: 9, is_booked: 2 }), price: (found?.row.price ?? 0) + 1 });
  }
}

async function sleep(table: AttachedTable<typeof seats>, go: Int32Array): Promise<number> {
  const rowIds = Array.from({ length: SLEEPER_ROWS }, (_, index) => index + 1);
  const asked = Array.from({ length: SLEEPER_REQUESTS }, () => table.remote.fetch(rowIds));
  // The requests leave at the end of this turn.
  await new Promise(setImmediate);
  say('asked');
  Atomics.wait(go, 0, 0);
  return (await Promise.all(asked)).flat().length;
}

function say(message: unknown): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}

async function run({ sellerMode, handle, blockMsMax, go }: SellerTask): Promise<void> {
  const database: AttachedDatabase = await attach(handle, { blockMsMax });
  const table = await database.table(seats);
  if (sellerMode === 'leaver') {
    await table.append(seat(1000));
    return;
  }
  if (sellerMode === 'holder') {
    say((await table.tryLock(1))?.rowId);
    Atomics.wait(go, 0, 0);
  } else say(sellerMode === 'crowd' ? await crowd(table) : await sleep(table, go));
  await database.close();
}

const task = workerData as SellerTask | null;
if (task?.sellerMode !== undefined) await run(task);
