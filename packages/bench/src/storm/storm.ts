/**
 * A storm: the server starts, the units are put up for sale, all buyers come at once, and the rows are counted again.
 *
 * | state | ends when |
 * | --- | --- |
 * | rehearsal | as many storms as were asked for are over, each on a table of its own; not measured |
 * | loading | all units are appended; not measured |
 * | storm | the last worker has served its last buyer; the server may be killed and started again meanwhile |
 * | recount | the server was killed and started again, and every row was read from what it recovered |
 *
 * 1. The server is always ended with SIGKILL before the recount, so that nothing counts that was only in its memory.
 * 2. It starts again on the same directory and address; the workers notice only that answers take longer.
 * 3. The kill in the storm comes with the sale whose number the seed chose, at the moment when that sale is acknowledged.
 */
import { assert, SeededRandom } from '@k-lani/base';
import type { Row, RunEnd } from '../report/raw-log.ts';
import { KillableServer } from './killable-server.ts';
import type { SpawnServer } from './server-process.ts';
import type { Market, OpenShop, Shop, Unit } from './shop.ts';
import { type StormOptions, StormState } from './storm-state.ts';
import { loadUnits, readUnits } from './units.ts';
import { Worker } from './worker.ts';

/** The kill comes when this share of the units is sold, at the earliest and at the latest. */
const KILL_SHARE_MIN = 0.2;
const KILL_SHARE_MAX = 0.8;
const PROGRESS_MS = 100;

/** How far a benchmark is. */
export interface BenchProgress {
  /** `load` counts units, `rehearsal` and `storm` buyers, `recount` rows, `report` files. */
  readonly phase: 'load' | 'rehearsal' | 'storm' | 'recount' | 'report';
  readonly done: number;
  readonly total: number;
  /** Sales acknowledged so far. */
  readonly sold: number;
  /** Whether the server is away at the moment because it was killed. */
  readonly isServerDown: boolean;
}

/** What is done to a server during a storm, beside the one kill that the options may ask for. */
export interface StormTrouble<RowOf, Term> {
  /**
   * Runs from the first buyer on; the storm ends no sooner than this. `over` is aborted when the last buyer has been served.
   *
   * @throws whatever makes the storm pointless: it ends with that
   */
  during(server: KillableServer, state: StormState<RowOf, Term>, over: AbortSignal): Promise<void>;
  /** Runs after the last kill, before the rows are read, so that the recount sees what this does. */
  afterwards(shop: Shop<RowOf, Term>): Promise<void>;
}

/** Where a storm takes place. */
export interface StormSite<RowOf, Term> {
  readonly spawnServer: SpawnServer;
  readonly directory: string;
  readonly durability: 'fsync' | 'os';
  readonly openShop: OpenShop<RowOf, Term>;
  readonly progress: (progress: BenchProgress) => void;
  /** Further settings of the server, as flags of `serve`. */
  readonly serverFlags?: readonly string[];
  readonly trouble?: StormTrouble<RowOf, Term>;
}

/** What was seen. */
export interface StormRecord<RowOf, Term> {
  readonly state: StormState<RowOf, Term>;
  readonly rows: readonly Row[];
  readonly end: RunEnd;
  readonly durability: string;
  readonly serverVersion: string;
  /** The most memory that a server's process had resident, mapped files included; undefined where the system does not tell. */
  readonly serverPeakBytes: number | undefined;
}

/**
 * Runs a storm to its end. Errors of single workers are part of the record.
 *
 * @throws Error when the server does not start, does not come back, or ends though nobody ended it: nothing can be counted then
 */
export async function runStorm<RowOf, Term>(
  market: Market<RowOf, Term>,
  options: StormOptions,
  site: StormSite<RowOf, Term>,
): Promise<StormRecord<RowOf, Term>> {
  const { directory, durability, serverFlags: flags = [] } = site;
  const server = await KillableServer.start(site.spawnServer, { directory, durability, flags, listen: 'tcp://127.0.0.1:0' });
  const storm = new Storm({ market, options, site, server });
  try {
    return await storm.run();
  } finally {
    await storm.close();
  }
}

class Storm<RowOf, Term> {
  readonly #market: Market<RowOf, Term>;
  readonly #options: StormOptions;
  readonly #site: StormSite<RowOf, Term>;
  readonly #server: KillableServer;
  readonly #shops: Shop<RowOf, Term>[] = [];
  readonly #unitCount: number;
  #restart: Promise<void> | undefined;

  constructor(setup: {
    readonly market: Market<RowOf, Term>;
    readonly options: StormOptions;
    readonly site: StormSite<RowOf, Term>;
    readonly server: KillableServer;
  }) {
    this.#market = setup.market;
    this.#options = setup.options;
    this.#site = setup.site;
    this.#server = setup.server;
    this.#unitCount = setup.market.groupSizes.reduce((sum, size) => sum + size, 0);
  }

  async run(): Promise<StormRecord<RowOf, Term>> {
    const server = this.#server;
    for (let rehearsal = 1; rehearsal <= this.#options.rehearsals; rehearsal += 1) await this.#rehearse(rehearsal);
    const { first, units } = await this.#openDoors(0);
    const killAt = this.#chooseKill();
    const state: StormState<RowOf, Term> = new StormState({
      market: this.#market,
      options: this.#options,
      units,
      onSale: (sold) => {
        if (sold !== killAt) return;
        this.#restart = this.#killInMidst(state);
        // That it does not come back is told by whileThere(), to all who wait for it.
        this.#restart.catch(() => {});
      },
    });
    const wallUs = await this.#serveAll(state, 'storm');
    await server.whileThere(this.#leave());
    state.mark('last-kill');
    await server.killAndRestart();
    state.mark('last-restarted');
    const { trouble } = this.#site;
    if (trouble !== undefined) await server.whileThere(this.#openShop(0).then((shop) => trouble.afterwards(shop)));
    const rows = await server.whileThere(this.#readRows(state));
    const { lockConflicts, alreadySold, noTicket, locksLost, reasked, failures } = state;
    return {
      state,
      rows,
      end: { wallUs, lockConflicts, alreadySold, noTicket, locksLost, reasked, failures: [...failures] },
      durability: first.durability,
      serverVersion: first.serverVersion,
      serverPeakBytes: server.peakBytes,
    };
  }

  /** Takes leave of the server and ends it. */
  async close(): Promise<void> {
    await this.#server.stop(() => this.#leave());
  }

  /** A storm that is not counted. @throws Error when something went wrong in it: the one that counts would tell nothing */
  async #rehearse(rehearsal: number): Promise<void> {
    const { units } = await this.#openDoors(rehearsal);
    const state: StormState<RowOf, Term> = new StormState({ market: this.#market, options: this.#options, units, onSale: () => {} });
    await this.#serveAll(state, 'rehearsal');
    await this.#server.whileThere(this.#leave());
    if (state.failures.length > 0) throw new Error(`Cannot rehearse: ${state.failures.join('; ')}`);
  }

  /** Opens all connections, and puts the units up for sale. */
  async #openDoors(rehearsal: number): Promise<{ first: Shop<RowOf, Term>; units: ReadonlyMap<number, Unit> }> {
    const server = this.#server;
    const first = await server.whileThere(this.#openShop(rehearsal));
    const units = await server.whileThere(this.#load(first));
    const others = Array.from({ length: this.#options.connections - 1 }, () => this.#openShop(rehearsal));
    await server.whileThere(Promise.all(others));
    return { first, units };
  }

  /** Nobody asks for anything any more. */
  async #leave(): Promise<void> {
    await Promise.allSettled(this.#shops.splice(0).map((shop) => shop.close()));
  }

  async #openShop(rehearsal: number): Promise<Shop<RowOf, Term>> {
    const shop = await this.#site.openShop(this.#server.address, rehearsal);
    this.#shops.push(shop);
    return shop;
  }

  #load(shop: Shop<RowOf, Term>): Promise<ReadonlyMap<number, Unit>> {
    return loadUnits(this.#market, shop, (loaded) => this.#report('load', loaded, this.#unitCount, 0));
  }

  /** The sale with which the kill comes; 0 for none. */
  #chooseKill(): number {
    if (!this.#options.kill) return 0;
    const units = Math.min(this.#market.unitsWithinTerms, this.#options.buyers);
    const first = Math.ceil(units * KILL_SHARE_MIN);
    const last = Math.floor(units * KILL_SHARE_MAX);
    return Math.max(1, first + new SeededRandom(~this.#options.seed).below(Math.max(1, last - first + 1)));
  }

  /** The signal is sent before this returns to its caller for the first time. */
  async #killInMidst(state: StormState<RowOf, Term>): Promise<void> {
    state.mark('kill');
    await this.#server.killAndRestart();
    state.mark('restarted');
  }

  /** Resolves when the last buyer has been served and the server is there; gives the microseconds that the buyers took. */
  async #serveAll(state: StormState<RowOf, Term>, phase: 'rehearsal' | 'storm'): Promise<number> {
    const { buyers, workers } = this.#options;
    const over = new AbortController();
    const report = (): void => this.#report(phase, state.served, buyers, state.sales.length);
    const ticking = setInterval(report, PROGRESS_MS);
    const serving: Promise<void>[] = [];
    for (let index = 0; index < workers; index += 1) {
      const shop = this.#shops[index % this.#shops.length];
      assert(shop !== undefined, 'A storm has at least one connection');
      serving.push(new Worker(state, shop.table).serveBuyers());
    }
    const served = Promise.all(serving);
    const trouble = phase === 'storm' ? this.#site.trouble?.during(this.#server, state, over.signal) : undefined;
    try {
      // Trouble that fails ends the wait for buyers who may never be served.
      await this.#server.whileThere(Promise.race([served, Promise.resolve(trouble).then(() => served)]));
      const wallUs = state.meter.nowUs();
      over.abort();
      await Promise.all([trouble, this.#restart]);
      return wallUs;
    } catch (error) {
      state.stopped = error;
      throw error;
    } finally {
      clearInterval(ticking);
      report();
    }
  }

  async #readRows(state: StormState<RowOf, Term>): Promise<Row[]> {
    const shop = await this.#openShop(0);
    const rows = await readUnits(this.#market, shop, (read) => {
      if (read % 1000 === 0) this.#report('recount', read, this.#unitCount, state.sales.length);
    });
    this.#report('recount', rows.length, this.#unitCount, state.sales.length);
    return rows;
  }

  #report(phase: BenchProgress['phase'], done: number, total: number, sold: number): void {
    this.#site.progress({ phase, done, total, sold, isServerDown: this.#server.isDown });
  }
}
