/**
 * One run: lives of a database, one after the other on one disk, each but the last ended by a crash or in good order, and the workers in it.
 *
 * 1. Everything follows from the plan: the same plan gives the same run, event by event.
 * 2. In the last life nothing goes wrong any more: what can still be sold is sold, the database is closed, and its log checked.
 */
import { openDatabase, type EmbeddedDatabase, verifyLog } from '@k-lani/engine';
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import { Disk } from '../disk/disk.ts';
import { DiskFaults } from '../disk/disk-faults.ts';
import { SimIo } from '../disk/sim-io.ts';
import type { Evidence, Leftovers, Verification } from '../record/evidence.ts';
import { LogTruth } from '../record/log-truth.ts';
import { Horizon, Model } from '../record/model.ts';
import { Recorder } from '../record/recorder.ts';
import { type Snapshot, openTables, takeSnapshot } from '../record/snapshot.ts';
import { openShop, sellTheRest } from '../workload/shop.ts';
import { Market } from '../workload/market.ts';
import { Store } from '../workload/store.ts';
import { ADDED_FIELDS } from '../workload/tables.ts';
import { work } from '../workload/worker.ts';
import { Chance } from '../world/chance.ts';
import { SimProcess } from '../world/sim-process.ts';
import { Timeline } from '../world/timeline.ts';
import type { Plan, PlannedCrash } from './plan.ts';

const PATH = 'data';

/** Small, so that a run goes through several. */
const SEGMENT_BYTES = 64 * 1024;

/** Bounds of a run: beyond them it is stuck. */
const EVENTS_MAX = 400_000;
const TIME_MS_MAX = 3_600_000;

/** From the end of one life to the beginning of the next, milliseconds. */
const DOWN_MS_MAX = 500;
/** Snapshots of one life at most. */
const SNAPSHOTS_MAX = 150;
/** Between two snapshots, milliseconds. */
const SNAPSHOT_MS_MAX = 12;
/** After a close: everything that was put off is over by then, milliseconds. */
const SETTLE_MS = 2000;
const PAUSE_MS_MAX = 1500;
const CLOCK_JUMP_MS_MAX = 86_400_000;

/** Errors with which an opening may fail while the disk fails. */
const OPENING_FAULTS: ReadonlySet<ErrorCode> = new Set(['DiskFull', 'Io', 'OutcomeUnknown', 'WriterFailed']);

/** What a run came to, before it is judged. */
export interface RunOutcome {
  readonly evidence: Evidence;
  /** What kept the run from going on as it should, if anything did. */
  readonly failures: readonly string[];
  readonly counts: RunCounts;
  readonly fingerprint: string;
}

export interface RunCounts {
  readonly events: number;
  readonly simulatedMs: number;
  /** Crashes and faults, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface RunOptions {
  readonly trace?: (line: string) => void;
  readonly promiseRounds?: number;
}

/** Carries a plan out. */
export async function simulate(plan: Plan, options: RunOptions = {}): Promise<RunOutcome> {
  return new Simulation(plan, options).run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #timeline: Timeline;
  readonly #world: SimProcess;
  readonly #truth: LogTruth;
  readonly #recorder: Recorder;
  readonly #market: Market;
  readonly #snapshots: Snapshot[] = [];
  readonly #verifications: Verification[] = [];
  readonly #leftovers: Leftovers[] = [];
  readonly #lives: number[] = [];
  readonly #failures: string[] = [];
  readonly #faults: Record<string, number> = {};
  #calmOrder = Infinity;
  #wallOffsetMs = 0;
  #disk: Disk;

  constructor(plan: Plan, { trace, promiseRounds }: RunOptions) {
    this.#plan = plan;
    this.#timeline = new Timeline({
      trace,
      onThrown: (error, label) => this.#fail(`${label} threw ${describe(error)}`),
      ...(promiseRounds === undefined ? {} : { promiseRounds }),
    });
    this.#world = new SimProcess('world', this.#timeline, this.#chance('world'));
    this.#truth = new LogTruth(SEGMENT_BYTES, () => this.#timeline.order);
    this.#recorder = new Recorder(this.#timeline);
    this.#market = new Market(plan.units, this.#chance('market'));
    this.#disk = new Disk({
      faults: new DiskFaults(plan.disk, this.#chance('disk faults'), (kind) => this.#count(kind)),
      chance: this.#chance('disk'),
      watcher: this.#truth,
      hasMappings: plan.hasMappings,
    });
  }

  async run(): Promise<RunOutcome> {
    let isDone = false;
    this.#direct().then(
      () => (isDone = true),
      (error: unknown) => {
        this.#fail(`the run ended with ${describe(error)}`);
        isDone = true;
      },
    );
    const timeline = this.#timeline;
    const isOver = (): boolean => isDone || this.#failures.length > 0 || timeline.order > EVENTS_MAX || timeline.nowMs > TIME_MS_MAX;
    if (!(await timeline.run(isOver))) this.#fail('nothing was left to happen, and the work was not done');
    else if (!isDone && this.#failures.length === 0)
      this.#fail(`the work was not done after ${timeline.order} events and ${Math.floor(timeline.nowMs)} ms`);
    return {
      evidence: {
        calls: this.#recorder.calls,
        truth: this.#truth,
        model: new Model(this.#truth, ADDED_FIELDS),
        horizon: new Horizon(this.#recorder.calls),
        snapshots: this.#snapshots,
        verifications: this.#verifications,
        leftovers: this.#leftovers,
        lives: this.#lives,
        calmOrder: this.#calmOrder,
      },
      failures: this.#failures,
      counts: { events: timeline.order, simulatedMs: timeline.nowMs, faults: this.#faults },
      fingerprint: timeline.fingerprint,
    };
  }

  async #direct(): Promise<void> {
    for (const crash of this.#plan.crashes) {
      await this.#live(crash);
      await this.#world.sleep(this.#world.random.between(0, DOWN_MS_MAX));
      if (this.#world.random.happens(0.3)) this.#verify();
    }
    await this.#liveCalmly();
  }

  /** A life that ends with a crash: in the planned operation, or when the work is done before. */
  async #live(crash: PlannedCrash): Promise<void> {
    const process = this.#begin();
    const crashed = Promise.withResolvers<void>();
    const disk = this.#disk;
    disk.crashAt = crash.operation;
    disk.onCrash = () => {
      this.#crash(process, crash.kind);
      crashed.resolve();
    };
    await Promise.race([this.#work(process), crashed.promise]);
    if (!process.isAlive) return;
    if (this.#world.random.happens(0.5)) disk.crash();
    else process.kill();
    if (this.#disk === disk) this.#disk = disk.afterKill();
  }

  #crash(process: SimProcess, kind: PlannedCrash['kind']): void {
    this.#count(kind);
    this.#timeline.note(`== ${kind} in operation ${this.#disk.operations}`);
    this.#disk = kind === 'kill' ? this.#disk.afterKill() : this.#disk.afterPowerCut();
    process.kill();
  }

  /** What a life is for: opens, lets the workers work, closes. */
  async #work(process: SimProcess): Promise<void> {
    let database: EmbeddedDatabase;
    try {
      database = await this.#open(process);
    } catch (error) {
      if (!(error instanceof KLaniError) || !OPENING_FAULTS.has(error.code)) throw error;
      this.#timeline.note(`== opening failed: ${error.code}`);
      return;
    }
    await this.#serve(process, database);
    if (this.#world.random.happens(0.3) && process.isAlive) await this.#close(process, database);
  }

  async #serve(process: SimProcess, database: EmbeddedDatabase): Promise<void> {
    const plan = this.#plan;
    const store = new Store(database, this.#recorder);
    const isOpen = await this.#unlessRefused(() => openShop(store, { owner: process, worker: 'shop' }, this.#market));
    const tables = isOpen ? await openTables(database) : [];
    const progress = { isOver: !isOpen };
    const take = async (): Promise<void> => {
      for (let count = 0; count < SNAPSHOTS_MAX && !progress.isOver && process.isAlive; count += 1) {
        this.#snapshots.push(takeSnapshot(database, tables, this.#timeline.order));
        await process.sleep(process.random.between(0, SNAPSHOT_MS_MAX));
      }
    };
    const workers = Array.from({ length: isOpen ? plan.workers : 0 }, (_, number) =>
      work(
        {
          store,
          asker: { owner: process, worker: `${process.name}/${number}` },
          process,
          market: this.#market,
          recorder: this.#recorder,
          chance: this.#chance(`${process.name}/${number}`),
        },
        { workload: plan.workload, steps: plan.steps, onStep: () => this.#disturb(process) },
      ),
    );
    const snapshots = take();
    await Promise.all(workers);
    progress.isOver = true;
    await snapshots;
  }

  /** The last life. */
  async #liveCalmly(): Promise<void> {
    this.#disk.faults.isCalm = true;
    this.#calmOrder = this.#timeline.order;
    const process = this.#begin();
    const database = await this.#open(process);
    await this.#serve(process, database);
    const store = new Store(database, this.#recorder);
    const asker = { owner: process, worker: 'last' };
    await openShop(store, asker, this.#market);
    await sellTheRest(store, asker, process, this.#market);
    this.#snapshots.push(takeSnapshot(database, await openTables(database), this.#timeline.order));
    await this.#close(process, database);
    this.#verify();
  }

  #begin(): SimProcess {
    this.#lives.push(this.#timeline.order);
    this.#truth.beginLife();
    const name = `life ${this.#lives.length}`;
    const process = new SimProcess(name, this.#timeline, this.#chance(name));
    process.wallOffsetMs = this.#wallOffsetMs;
    return process;
  }

  #open(process: SimProcess): Promise<EmbeddedDatabase> {
    return openDatabase(PATH, {
      io: new SimIo(this.#disk, process),
      clock: process,
      random: process.random,
      segmentSizeBytes: SEGMENT_BYTES,
      operationWindow: this.#plan.operationWindow,
    });
  }

  async #close(process: SimProcess, database: EmbeddedDatabase): Promise<void> {
    const disk = this.#disk;
    await database.close();
    await this.#world.sleep(SETTLE_MS);
    if (!process.isAlive) return;
    const { openFiles: files, openViews: views } = disk;
    this.#leftovers.push({ process: process.name, files, views, locks: 0, sessions: 0, events: process.eventCount });
  }

  /** Checks the whole log, with the database closed. */
  #verify(): void {
    const process = new SimProcess('verify', this.#timeline, this.#world.random);
    let fault: string | undefined;
    let report: ReturnType<typeof verifyLog> | undefined;
    try {
      report = verifyLog(PATH, { io: new SimIo(this.#disk, process) });
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      if (error.code !== 'NotFound') fault = error.message;
    }
    this.#verifications.push({
      order: this.#timeline.order,
      fault,
      sizeBytes: report?.sizeBytes ?? 0,
      batches: report?.batches ?? 0,
      headHash: report?.headHash ?? '',
    });
  }

  /** Lets something happen to the process, by chance. */
  #disturb(process: SimProcess): void {
    const { random } = this.#world;
    if (this.#calmOrder !== Infinity) return;
    if (random.happens(this.#plan.pauses)) {
      this.#count('pause');
      process.pause(random.between(1, PAUSE_MS_MAX));
    }
    if (random.happens(this.#plan.clockJumps)) {
      this.#count('jump of the clock');
      this.#wallOffsetMs += random.between(-CLOCK_JUMP_MS_MAX, CLOCK_JUMP_MS_MAX);
      process.wallOffsetMs = this.#wallOffsetMs;
    }
  }

  /** Whether `attempt` came to its end; a refusal for want of a disk ends it. */
  async #unlessRefused(attempt: () => Promise<void>): Promise<boolean> {
    try {
      await attempt();
      return true;
    } catch (error) {
      if (error instanceof KLaniError && OPENING_FAULTS.has(error.code)) return false;
      throw error;
    }
  }

  #chance(purpose: string): Chance {
    return Chance.of(this.#plan.seed, purpose);
  }

  #count(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.#timeline.note(`== ${kind}`);
  }

  #fail(what: string): void {
    this.#failures.push(what);
    this.#timeline.note(`== ${what}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
