/**
 * A storm: the server starts, the units are put up for sale, all buyers come at once, and the rows are counted again.
 *
 * | state | ends when |
 * | --- | --- |
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
import { peakResidentBytes, type ServerProcess, type SpawnServer } from './server-process.ts';
import type { Market, Shop, Unit } from './shop.ts';
import { type StormOptions, StormState } from './storm-state.ts';
import { Worker } from './worker.ts';

/** The kill comes when this share of the units is sold, at the earliest and at the latest. */
const KILL_SHARE_MIN = 0.2;
const KILL_SHARE_MAX = 0.8;
const LOAD_BATCH_ROWS = 500;
const PROGRESS_MS = 100;

/** How far a benchmark is. */
export interface BenchProgress {
  /** `load` counts units, `storm` buyers, `recount` rows, `report` files. */
  readonly phase: 'load' | 'storm' | 'recount' | 'report';
  readonly done: number;
  readonly total: number;
  /** Sales acknowledged so far. */
  readonly sold: number;
  /** Whether the server is away at the moment because it was killed. */
  readonly isServerDown: boolean;
}

/** Where a storm takes place. */
export interface StormSite<RowOf, Term> {
  readonly spawnServer: SpawnServer;
  readonly directory: string;
  readonly durability: 'fsync' | 'os';
  /** Opens a connection, and the table, which the first one creates. */
  readonly openShop: (address: string) => Promise<Shop<RowOf, Term>>;
  readonly progress: (progress: BenchProgress) => void;
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

/** Runs a storm to its end. Errors of single workers are part of the record; it throws only where nothing can be counted. */
export async function runStorm<RowOf, Term>(
  market: Market<RowOf, Term>,
  options: StormOptions,
  site: StormSite<RowOf, Term>,
): Promise<StormRecord<RowOf, Term>> {
  const storm = new Storm(market, options, site);
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
  readonly #shops: Shop<RowOf, Term>[] = [];
  readonly #unitCount: number;
  #server: ServerProcess | undefined;
  #restart: Promise<void> | undefined;
  #isServerDown = false;
  #serverPeakBytes: number | undefined;

  constructor(market: Market<RowOf, Term>, options: StormOptions, site: StormSite<RowOf, Term>) {
    this.#market = market;
    this.#options = options;
    this.#site = site;
    this.#unitCount = market.groupSizes.reduce((sum, size) => sum + size, 0);
  }

  async run(): Promise<StormRecord<RowOf, Term>> {
    const server = await this.#start('tcp://127.0.0.1:0');
    const first = await this.#openShop(server.address);
    const units = await this.#load(first);
    const others = Array.from({ length: this.#options.connections - 1 }, () => this.#openShop(server.address));
    await Promise.all(others);

    const killAt = this.#chooseKill();
    const state: StormState<RowOf, Term> = new StormState({
      market: this.#market,
      options: this.#options,
      units,
      onSale: (sold) => {
        if (sold === killAt) this.#restart = this.#killAndRestart(state, 'kill', 'restarted');
      },
    });
    const wallUs = await this.#serveAll(state);
    await this.#killAndRestart(state, 'last-kill', 'last-restarted');
    if (state.stopped !== undefined) throw state.stopped;
    const rows = await this.#readRows(state);
    const { lockConflicts, alreadySold, noTicket, locksLost, reasked, failures } = state;
    return {
      state,
      rows,
      end: { wallUs, lockConflicts, alreadySold, noTicket, locksLost, reasked, failures: [...failures] },
      durability: first.durability,
      serverVersion: first.serverVersion,
      serverPeakBytes: this.#serverPeakBytes,
    };
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await Promise.allSettled(this.#shops.map((shop) => shop.close()));
    await server?.stop();
  }

  async #start(listen: string): Promise<ServerProcess> {
    const { spawnServer, directory, durability } = this.#site;
    this.#server = await spawnServer({ directory, listen, durability });
    return this.#server;
  }

  async #openShop(address: string): Promise<Shop<RowOf, Term>> {
    const shop = await this.#site.openShop(address);
    this.#shops.push(shop);
    return shop;
  }

  async #load(shop: Shop<RowOf, Term>): Promise<ReadonlyMap<number, Unit>> {
    const units = this.#market.groupSizes.flatMap((size, index) =>
      Array.from({ length: size }, (_, position) => ({ group: index + 1, unit: position + 1 })),
    );
    const byRowId = new Map<number, Unit>();
    for (let start = 0; start < units.length; start += LOAD_BATCH_ROWS) {
      const batch = units.slice(start, start + LOAD_BATCH_ROWS);
      const rowIds = await shop.appendAll(batch.map((unit) => this.#market.freeRow(unit)));
      assert(rowIds.length === batch.length, `Appended ${batch.length} rows and got ${rowIds.length} ids`);
      for (const [index, unit] of batch.entries()) byRowId.set(rowIds[index] ?? 0, unit);
      this.#report('load', byRowId.size, units.length, 0);
    }
    return byRowId;
  }

  /** The sale with which the kill comes; 0 for none. */
  #chooseKill(): number {
    if (!this.#options.kill) return 0;
    const units = Math.min(this.#market.unitsWithinTerms, this.#options.buyers);
    const first = Math.ceil(units * KILL_SHARE_MIN);
    const last = Math.floor(units * KILL_SHARE_MAX);
    return Math.max(1, first + new SeededRandom(~this.#options.seed).below(Math.max(1, last - first + 1)));
  }

  /** Resolves when the last buyer has been served and the server is there; gives the microseconds that the buyers took. */
  async #serveAll(state: StormState<RowOf, Term>): Promise<number> {
    const { buyers, workers } = this.#options;
    const report = (): void => this.#report('storm', state.served, buyers, state.sales.length);
    const ticking = setInterval(report, PROGRESS_MS);
    void this.#watch(state);
    try {
      const serving: Promise<void>[] = [];
      for (let index = 0; index < workers; index += 1) {
        const shop = this.#shops[index % this.#shops.length];
        assert(shop !== undefined, 'A storm has at least one connection');
        serving.push(new Worker(state, shop.table, index).serveBuyers());
      }
      await Promise.all(serving);
      const wallUs = state.meter.nowUs();
      await this.#restart;
      return wallUs;
    } finally {
      clearInterval(ticking);
      report();
    }
  }

  /** A server that ends without being killed by us is a failure of the run. */
  async #watch(state: StormState<RowOf, Term>): Promise<void> {
    const server = this.#server;
    const how = await server?.ended;
    if (how === undefined || this.#isServerDown || server !== this.#server) return;
    state.stopped = new Error(`the server ${how}`);
    state.failures.push(state.stopped.message);
  }

  /** The signal is sent before this returns to its caller for the first time. */
  async #killAndRestart(state: StormState<RowOf, Term>, killed: 'kill' | 'last-kill', back: 'restarted' | 'last-restarted'): Promise<void> {
    const server = this.#server;
    assert(server !== undefined, 'A storm has a server to kill');
    this.#isServerDown = true;
    this.#serverPeakBytes = largest(this.#serverPeakBytes, peakResidentBytes(server.pid));
    state.mark(killed);
    try {
      await server.kill();
      await this.#start(server.address);
      state.mark(back);
      this.#isServerDown = false;
      void this.#watch(state);
    } catch (error) {
      state.stopped = error instanceof Error ? error : new Error(String(error));
      state.failures.push(state.stopped.message);
    }
  }

  async #readRows(state: StormState<RowOf, Term>): Promise<Row[]> {
    const shop = await this.#openShop(this.#server?.address ?? '');
    const rows: Row[] = [];
    for await (const { rowId, row } of shop.scan()) {
      const { group, unit, isBooked, buyer } = this.#market.stateOf(row);
      rows.push({ rowId, group, unit, isBooked: isBooked ? 1 : 0, buyer });
      if (rows.length % 1000 === 0) this.#report('recount', rows.length, this.#unitCount, state.sales.length);
    }
    this.#report('recount', rows.length, this.#unitCount, state.sales.length);
    return rows;
  }

  #report(phase: BenchProgress['phase'], done: number, total: number, sold: number): void {
    this.#site.progress({ phase, done, total, sold, isServerDown: this.#isServerDown });
  }
}

function largest(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? (left ?? right) : Math.max(left, right);
}
