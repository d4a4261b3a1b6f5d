/**
 * How a worker buys one unit for each buyer it serves.
 *
 * 1. A buyer asks for the group it wants, then for the others in order, skipping those known to be sold out; a group is known to be sold
 *    out when a query or claim for it found nothing, which the server says only of what is durable.
 * 2. Flow `loop`, as published: query a window of free rows, spread by the buyer so that workers do not all meet at one row; for each candidate try the lock, read the row again under it, unlock and go
 *    on if it is booked, else replace it and unlock. Each step is a request of its own.
 * 3. Flow `claim`: one request for each group tried.
 * 4. An outcome is unknown only where the client says so of a write. The buyer then stops: asking again could buy a second unit.
 * 5. A lock that ended with a killed server is refused by its token, so the write under it had no effect and the buyer goes on.
 * 6. A worker waits for one answer at a time, and ends at the first error that asking again cannot help.
 *
 * One thread plays all workers, so what a request costs here is missing elsewhere: no wrapper stands around a request, and a buyer costs one
 * promise beside those of the client.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import type { RequestKind } from '../report/raw-log.ts';
import type { ShopLock, ShopTable } from './shop.ts';
import type { StormState } from './storm-state.ts';

/** How often a buyer asks for one group before the worker gives up: far beyond what contention explains. */
const ROUNDS_MAX = 10_000;
const REASK_MS = 2;
/** Locks of this storm are held for one request or two: nobody waits for the end of a lease. */
const ALL_LOCKED_MS_MAX = 5;
const LOCK_LOST: readonly ErrorCode[] = ['NotLocked', 'StaleToken'];

/** One of the workers of a storm; several share a connection. */
export class Worker<Row, Term> {
  readonly #state: StormState<Row, Term>;
  readonly #table: ShopTable<Row, Term>;
  readonly #window: { readonly limit: number; spread: number };
  #startedMs = 0;
  #isWaiting = false;

  constructor(state: StormState<Row, Term>, table: ShopTable<Row, Term>) {
    this.#state = state;
    this.#table = table;
    this.#window = { limit: state.market.windowLimit, spread: 1 };
  }

  /** Serves buyers until none is left. An error ends the worker and is noted; the others go on. */
  async serveBuyers(): Promise<void> {
    const state = this.#state;
    const isLoop = state.options.flow === 'loop';
    for (let buyer = state.nextBuyer(); buyer !== 0; buyer = state.nextBuyer()) {
      try {
        const isServed = isLoop ? await this.#buyByLoop(buyer) : await this.#buyByClaim(buyer);
        if (!isServed) state.noTicket += 1;
      } catch (error) {
        state.failures.push(`buyer ${buyer}: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
    }
  }

  /** True when the buyer was sold to, or will never know; false when everything is sold out. */
  async #buyByClaim(buyer: number): Promise<boolean> {
    const state = this.#state;
    const set = state.market.saleTo(buyer);
    let step = 0;
    for (let round = 0; step < state.groupCount; round += 1) {
      const group = this.#groupToAsk(buyer, step, round);
      if (group === 0) {
        step += 1;
        continue;
      }
      try {
        this.#start();
        const result = await this.#table.claim({ where: state.terms[group] ?? [], set });
        const timeUs = this.#finish(result.outcome === 'claimed' ? 'claim' : 'refused');
        if (result.outcome === 'claimed') {
          for (const line of result.lines) for (const { rowId } of line) state.sell(timeUs, buyer, rowId);
          return true;
        }
        if (result.outcome === 'none_available') {
          state.markSoldOut(group);
          step += 1;
        } else {
          state.lockConflicts += 1;
          await delay(Math.min(result.retryAfterMs, ALL_LOCKED_MS_MAX));
        }
      } catch (error) {
        if (this.#isUnknown(error, buyer, 0)) return true;
        await this.#pauseBeforeReask(error);
      }
    }
    return false;
  }

  /** As `#buyByClaim()`. */
  async #buyByLoop(buyer: number): Promise<boolean> {
    const state = this.#state;
    this.#window.spread = buyer;
    let step = 0;
    for (let round = 0; step < state.groupCount; round += 1) {
      const group = this.#groupToAsk(buyer, step, round);
      if (group === 0) {
        step += 1;
        continue;
      }
      try {
        this.#start();
        const rowIds = await this.#table.queryIntersect(state.terms[group] ?? [], this.#window);
        this.#finish('query');
        if (rowIds.length === 0) {
          state.markSoldOut(group);
          step += 1;
        } else if (await this.#buyOneOf(rowIds, buyer)) {
          return true;
        }
      } catch (error) {
        await this.#pauseBeforeReask(error);
      }
    }
    return false;
  }

  /** Tries the candidates of one window; false when none of them could be bought. */
  async #buyOneOf(rowIds: readonly number[], buyer: number): Promise<boolean> {
    const { market } = this.#state;
    const candidates = Math.min(rowIds.length, market.candidatesMax);
    for (let candidate = 0; candidate < candidates; candidate += 1) {
      const rowId = rowIds[candidate] ?? 0;
      this.#start();
      const lock = await this.#table.tryLock(rowId);
      this.#finish('lock');
      if (lock === undefined) {
        this.#state.lockConflicts += 1;
        continue;
      }
      const tried = await this.#buyLocked(lock, rowId, buyer);
      if (tried === 'done') return true;
      if (tried === 'booked' && market.requeryWhenStale) return false;
    }
    return false;
  }

  /** Buys a row under its lock, unless it is booked already; the lock is given back in either case. */
  async #buyLocked(lock: ShopLock<Row>, rowId: number, buyer: number): Promise<'done' | 'booked' | 'lock lost'> {
    const state = this.#state;
    let isHeld = true;
    try {
      this.#start();
      const found = await lock.seek();
      this.#finish('reread');
      if (found === undefined || state.market.stateOf(found.row).isBooked) {
        state.alreadySold += 1;
        return 'booked';
      }
      const outcome = await this.#replace(lock, state.market.soldRow(found.row, buyer), rowId, buyer);
      isHeld = outcome === 'sold';
      return outcome === 'lock lost' ? outcome : 'done';
    } finally {
      if (isHeld) await this.#unlock(lock);
    }
  }

  async #replace(lock: ShopLock<Row>, row: Row, rowId: number, buyer: number): Promise<'sold' | 'unknown' | 'lock lost'> {
    try {
      this.#start();
      await lock.replace(row);
    } catch (error) {
      if (this.#isUnknown(error, buyer, rowId)) return 'unknown';
      if (!(error instanceof KLaniError && LOCK_LOST.includes(error.code))) throw error;
      this.#state.locksLost += 1;
      return 'lock lost';
    }
    this.#state.sell(this.#finish('replace'), buyer, rowId);
    return 'sold';
  }

  /** A lock that cannot be given back because its server or session is gone is gone too. */
  async #unlock(lock: ShopLock<Row>): Promise<void> {
    try {
      this.#giveUp();
      this.#start();
      await lock.unlock();
      this.#finish('unlock');
    } catch (error) {
      this.#giveUp();
      if (!isAway(error)) throw error;
    }
  }

  /** The group that a buyer turns to at a step of its search, or 0 when that is known to be sold out. */
  #groupToAsk(buyer: number, step: number, round: number): number {
    if (round === ROUNDS_MAX) throw new Error(`asked ${ROUNDS_MAX} times, must be sold to or refused by then`);
    const state = this.#state;
    const group = ((state.wantedBy(buyer) - 1 + step) % state.groupCount) + 1;
    const mustAsk = step === 0 && state.options.everyUser;
    return state.isSoldOut(group) && !mustAsk ? 0 : group;
  }

  #start(): void {
    this.#isWaiting = true;
    this.#startedMs = this.#state.meter.start();
  }

  #finish(kind: RequestKind): number {
    this.#isWaiting = false;
    return this.#state.meter.finish(kind, this.#startedMs);
  }

  /** The request ended with an error: it is not in flight any more, and not measured. */
  #giveUp(): void {
    if (this.#isWaiting) this.#state.meter.abandon();
    this.#isWaiting = false;
  }

  /** Notes an unknown outcome, if that is what the error of a write says. */
  #isUnknown(error: unknown, buyer: number, rowId: number): boolean {
    this.#giveUp();
    const isUnknown = error instanceof KLaniError && error.retry === 'unknown';
    if (isUnknown) this.#state.forgo(buyer, rowId);
    return isUnknown;
  }

  /** Waits a moment after an error that had no effect; throws it again if asking again cannot help. */
  async #pauseBeforeReask(error: unknown): Promise<void> {
    this.#giveUp();
    if (this.#state.stopped !== undefined) throw this.#state.stopped;
    if (!isAway(error)) throw error;
    this.#state.reasked += 1;
    await delay(error.retryAfterMs ?? REASK_MS);
  }
}

/** The server was away or busy, or came back without the lock: the request may be asked again. */
function isAway(error: unknown): error is KLaniError {
  return error instanceof KLaniError && (error.retry !== 'never' || LOCK_LOST.includes(error.code));
}
