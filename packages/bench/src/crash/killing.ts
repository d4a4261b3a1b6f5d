/**
 * Kills a server again and again while buyers buy.
 *
 * | share | the kill comes |
 * | --- | --- |
 * | a half and more | while it serves: after so many sales, so many milliseconds, or when a file is made, renamed or removed |
 * | a quarter | as well while the next process starts, so long after that has taken the lock: within recovery, or just after it |
 * | a fifth | while it closes: so long after SIGTERM |
 */
import type { SeededRandom } from '@k-lani/base';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fate, KillableServer } from '../storm/killable-server.ts';
import type { StormState } from '../storm/storm-state.ts';
import { archiveFault } from './archived.ts';
import { Churn } from './churn.ts';
import { afterLock, fileEvent, moreSales } from './moments.ts';
import type { Trouble, TroubleLog } from './trouble.ts';

const SHARE_STARTING = 0.25;
const SHARE_CLOSING = 0.2;
const SHARE_AT_FILE_EVENT = 0.25;
const SHARE_AFTER_TIME = 0.25;
/** Longest wait for a kill that comes after a time, milliseconds. */
const SERVING_MS_MAX = 60;
/** A start takes less than this from its lock to its first answer, at least while the log is small. */
const STARTING_MS_MAX = 60;
const CLOSING_MS_MAX = 20;
/** Milliseconds between the kill at a file's event and the event, at most. */
const FILE_EVENT_MS_MAX = 3;

/** What a killer is told. */
export interface KillingPlan {
  readonly kills: number;
  /** Between two kills so many sales are acknowledged, on the average, where the kill waits for sales. */
  readonly salesBetween: number;
  readonly directory: string;
  /** Where the segments go that are given up, if anywhere: looked at after each kill. */
  readonly archive: string | undefined;
  /** Whether the log is made to be compacted meanwhile. */
  readonly hasChurn: boolean;
  readonly random: SeededRandom;
}

export class Killing<Row, Term> implements Trouble<Row, Term> {
  readonly #plan: KillingPlan;
  readonly #log: TroubleLog;

  constructor(plan: KillingPlan, log: TroubleLog) {
    this.#plan = plan;
    this.#log = log;
  }

  async during(server: KillableServer, state: StormState<Row, Term>, over: AbortSignal): Promise<void> {
    const log = this.#log;
    const churn = this.#plan.hasChurn ? await Churn.start(server.address, log) : undefined;
    while (log.kills < this.#plan.kills) {
      await this.#moment(state, over);
      if (over.aborted) break;
      const fate = this.#fate();
      state.mark('kill');
      const death = await server.killAndRestart({ ...fate, meanwhile: async () => this.#lookAtArchive() });
      state.mark('restarted');
      log.noteDeath(fate, death);
    }
    await churn?.end();
  }

  #lookAtArchive(): void {
    const { directory, archive } = this.#plan;
    const fault = archive === undefined ? undefined : archiveFault(directory, archive);
    this.#log.expect(fault === undefined, fault ?? '');
  }

  async #moment(state: StormState<Row, Term>, over: AbortSignal): Promise<void> {
    const { directory, random, salesBetween } = this.#plan;
    const share = this.#share();
    if (share < SHARE_AT_FILE_EVENT) {
      await fileEvent(directory);
      await delay(this.#share() * FILE_EVENT_MS_MAX);
    } else if (share < SHARE_AT_FILE_EVENT + SHARE_AFTER_TIME) {
      await delay(this.#share() * SERVING_MS_MAX);
    } else {
      await moreSales(state, 1 + random.below(2 * salesBetween), over);
    }
  }

  #fate(): Fate {
    const { directory } = this.#plan;
    const share = this.#share();
    const delayMs = this.#share();
    if (share < SHARE_STARTING) return { deathsInStart: [() => afterLock(directory, delayMs * STARTING_MS_MAX)] };
    if (share < SHARE_STARTING + SHARE_CLOSING) return { closingMs: delayMs * CLOSING_MS_MAX };
    return {};
  }

  /** 0 to 1. */
  #share(): number {
    return this.#plan.random.uint32() / 0x1_0000_0000;
  }
}
