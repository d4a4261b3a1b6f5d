/**
 * Makes a server stand still (SIGSTOP) for longer than leases and time-outs, and go on (SIGCONT), while buyers buy. Beside them a probe
 * holds locks:
 *
 * 1. What was sent under a lock while the server stood still comes after the end of the lease: it is refused.
 * 2. When the server goes on, every lock is over: another session gets it at once, with a higher fencing token.
 * 3. Whoever comes late with the old lock is refused, and what the new holder wrote stays.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SeededRandom } from '@k-lani/base';
import type { KillableServer } from '../storm/killable-server.ts';
import type { StormState } from '../storm/storm-state.ts';
import { moreSales } from './moments.ts';
import { attempt, type Attempt, Probe } from './probe.ts';
import type { Trouble, TroubleLog } from './trouble.ts';

/** The longest lease that the server gives, milliseconds. */
export const LEASE_MS = 300;
/** How long a buyer waits for an answer. */
export const BUYER_TIMEOUT_MS = 600;
/** Longer than both, shorter than two time-outs: a buyer gives one request up, not two. */
const PAUSE_MS = 900;
const LOCKS = 8;
const LATE_OUTCOMES = ['NotLocked', 'StaleToken'];

type ProbeLock = NonNullable<Awaited<ReturnType<Probe['table']['tryLock']>>>;

/** What a stopper is told. */
export interface StoppingPlan {
  readonly stops: number;
  /** Between two stops so many sales are acknowledged, on the average. */
  readonly salesBetween: number;
  readonly random: SeededRandom;
}

export class Stopping<Row, Term> implements Trouble<Row, Term> {
  readonly #plan: StoppingPlan;
  readonly #log: TroubleLog;

  constructor(plan: StoppingPlan, log: TroubleLog) {
    this.#plan = plan;
    this.#log = log;
  }

  async during(server: KillableServer, state: StormState<Row, Term>, over: AbortSignal): Promise<void> {
    await using holder = await Probe.open(server.address);
    await using next = await Probe.open(server.address);
    for (let index = 0; index < LOCKS; index += 1) await holder.append();
    while (this.#log.stops < this.#plan.stops) {
      await moreSales(state, 1 + this.#plan.random.below(2 * this.#plan.salesBetween), over);
      if (over.aborted) return;
      await this.#stop({ server, state, holder, next });
    }
  }

  async #stop(parts: { server: KillableServer; state: StormState<Row, Term>; holder: Probe; next: Probe }): Promise<void> {
    const { server, state, holder, next } = parts;
    const log = this.#log;
    log.stops += 1;
    const held = await this.#lockAll(holder);
    state.mark('stop');
    const standing = server.pauseWhile(() => delay(PAUSE_MS));
    const sentMeanwhile = held.filter((_, index) => index % 2 === 0).map((lock) => this.#write(lock, 1));
    await standing;
    for (const { outcome } of await Promise.all(sentMeanwhile)) {
      log.expect(LATE_OUTCOMES.includes(outcome), `A write that waited until its lease was over was answered ${outcome}`);
    }
    const anew = await this.#takeOver(next, held);
    for (const lock of held) {
      const { outcome } = await this.#write(lock, 1);
      log.expect(LATE_OUTCOMES.includes(outcome), `A write under a lock that was over was answered ${outcome}`);
    }
    for (const lock of anew) {
      const found = await next.table.seek(lock.rowId);
      log.expect(found?.row.writer === 2, `Row ${lock.rowId} holds what writer ${found?.row.writer} wrote, must be the new holder's`);
      await lock.unlock();
    }
  }

  /** Locks rows 1 to LOCKS, which must all be free. */
  async #lockAll(probe: Probe): Promise<ProbeLock[]> {
    const locks: ProbeLock[] = [];
    for (let rowId = 1; rowId <= LOCKS; rowId += 1) locks.push(...(await this.#lock(probe, rowId)));
    return locks;
  }

  /** Locks and writes what the locks of `held` were of. */
  async #takeOver(probe: Probe, held: readonly ProbeLock[]): Promise<ProbeLock[]> {
    const locks: ProbeLock[] = [];
    for (const { rowId, token } of held) {
      for (const lock of await this.#lock(probe, rowId)) {
        this.#log.expect(lock.token > token, `Fencing token ${lock.token} of row ${rowId} comes after ${token}, must be higher`);
        const { outcome } = await this.#write(lock, 2);
        this.#log.expect(outcome === 'done', `The new holder of row ${rowId} was answered ${outcome}`);
        locks.push(lock);
      }
    }
    return locks;
  }

  async #lock({ table }: Probe, rowId: number): Promise<ProbeLock[]> {
    const lock = await table.tryLock(rowId, { leaseMs: LEASE_MS });
    this.#log.expect(lock !== undefined, `Row ${rowId} was locked though every lease was over`);
    return lock === undefined ? [] : [lock];
  }

  #write(lock: ProbeLock, writer: number): Promise<Attempt> {
    return attempt(() => lock.replace({ entry: lock.rowId, writer }));
  }
}
