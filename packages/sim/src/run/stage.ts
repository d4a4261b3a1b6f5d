/**
 * What a run plays on: one disk through all lives of the database, the true log, what was written down, and what goes wrong.
 */
import { type EmbeddedDatabase, SharedReader, openDatabase, verifyLog } from '@k-lani/engine';
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import { Disk } from '../disk/disk.ts';
import { DiskFaults } from '../disk/disk-faults.ts';
import { SimIo } from '../disk/sim-io.ts';
import type { Backup, Damage, Evidence, Kept, Leftovers, Verification } from '../record/evidence.ts';
import { LogTruth } from '../record/log-truth.ts';
import { Recorder } from '../record/recorder.ts';
import { type Snapshot, openTables, takeSnapshot } from '../record/snapshot.ts';
import { Market } from '../workload/market.ts';
import { Chance } from '../world/chance.ts';
import { SimProcess } from '../world/sim-process.ts';
import { Timeline } from '../world/timeline.ts';
import type { Plan, PlannedCrash } from './plan.ts';
import { Rotting } from './rot.ts';

/** The directory of the database. */
export const DATA_PATH = 'data';

/** Where segments go that are given up, in the runs that have it. */
export const ARCHIVE_PATH = 'archive';

/** Small, so that a run goes through several. */
export const SEGMENT_BYTES = 64 * 1024;

/** After a close: everything that was put off is over by then, the rarest look of the compactor too, milliseconds. */
const SETTLE_MS = 70_000;
const SETTLE_CLIENT_MS = 2000;
const PAUSE_MS_MAX = 1500;
const DAY_MS = 86_400_000;

/** Errors with which an opening may fail while the disk fails. */
const OPENING_FAULTS: ReadonlySet<ErrorCode> = new Set(['DiskFull', 'Io', 'OutcomeUnknown', 'WriterFailed']);

export interface RunOptions {
  readonly trace?: (line: string) => void;
  readonly promiseRounds?: number;
}

export class Stage {
  readonly plan: Plan;
  readonly timeline: Timeline;
  /** Whoever looks on, and never stops. */
  readonly world: SimProcess;
  readonly truth: LogTruth;
  readonly recorder: Recorder;
  readonly market: Market;
  readonly snapshots: Snapshot[] = [];
  readonly verifications: Verification[] = [];
  readonly leftovers: Leftovers[] = [];
  readonly damages: Damage[] = [];
  readonly backups: Backup[] = [];
  /** Of the backup that is gone on with: another begins where compaction has overtaken it. */
  backupNumber = 1;
  readonly restored: Evidence['restored'][number][] = [];
  /** When each life began, as orders of events. */
  readonly lives: number[] = [];
  /** When the connection of a client may have been lost. */
  readonly losses: { readonly client: string; readonly order: number }[] = [];
  readonly failures: string[] = [];
  /** Crashes and faults so far, by kind. */
  readonly faults: Record<string, number> = {};
  calmOrder = Infinity;
  kept: Kept | undefined;
  disk: Disk;
  readonly rotting: Rotting;
  #wallOffsetMs = 0;

  constructor(plan: Plan, { trace, promiseRounds }: RunOptions) {
    this.plan = plan;
    this.timeline = new Timeline({
      trace,
      onThrown: (error, label) => this.fail(`${label} threw ${describe(error)}`),
      ...(promiseRounds === undefined ? {} : { promiseRounds }),
    });
    this.world = new SimProcess('world', this.timeline, this.chance('world'));
    const log = { directory: DATA_PATH, segmentSizeBytes: SEGMENT_BYTES };
    this.truth = new LogTruth(log, () => this.timeline.order);
    this.recorder = new Recorder(this.timeline);
    this.market = new Market(plan.units, this.chance('market'));
    this.disk = new Disk({
      faults: new DiskFaults(plan.disk, this.chance('disk faults'), (kind) => this.count(kind)),
      chance: this.chance('disk'),
      watcher: this.truth,
      hasMappings: plan.hasMappings,
    });
    this.rotting = new Rotting(this, log, this.chance('rot'));
  }

  /** Begins a life of the database: its process. */
  beginLife(): SimProcess {
    this.lives.push(this.timeline.order);
    this.truth.beginLife();
    const name = `life ${this.lives.length}`;
    const process = new SimProcess(name, this.timeline, this.chance(name));
    process.wallOffsetMs = this.#wallOffsetMs;
    return process;
  }

  /** Nothing goes wrong any more. */
  calmDown(): void {
    this.rotting.end();
    this.disk.faults.isCalm = true;
    this.calmOrder = this.timeline.order;
  }

  /** Resolves when the planned crash of a life has come; the disk is what is left of it then. */
  expectCrash(process: SimProcess, crash: PlannedCrash): Promise<void> {
    const { disk } = this;
    return new Promise((resolve) => {
      disk.crashAt = crash.operation;
      disk.onCrash = () => {
        this.rotting.end();
        this.count(crash.kind);
        this.timeline.note(`== ${crash.kind} in operation ${disk.operations}`);
        this.disk = crash.kind === 'kill' ? disk.afterKill() : disk.afterPowerCut();
        process.kill();
        resolve();
      };
    });
  }

  /** Ends a life that outlived its work: by its crash, or by a kill that nobody minds. */
  endLife(process: SimProcess): void {
    const { disk } = this;
    this.rotting.end();
    if (!process.isAlive) return;
    if (this.world.random.happens(0.5)) disk.crash();
    else process.kill();
    if (this.disk === disk) this.disk = disk.afterKill();
  }

  openEmbedded(process: SimProcess): Promise<EmbeddedDatabase> {
    return openDatabase(DATA_PATH, {
      io: new SimIo(this.disk, process),
      clock: process,
      random: process.random,
      segmentSizeBytes: SEGMENT_BYTES,
      operationWindow: this.plan.operationWindow,
      checkpointBytes: this.plan.checkpointBytes,
      history: this.plan.history,
      ...(this.plan.hasArchive ? { archive: ARCHIVE_PATH } : {}),
    });
  }

  /** A reader beside the database: of the memory that they share, as another thread or process is. */
  attachReader(process: SimProcess, database: EmbeddedDatabase): SharedReader {
    return SharedReader.attach(database.share(), { io: new SimIo(this.disk, process), clock: process });
  }

  async closeEmbedded(process: SimProcess, database: EmbeddedDatabase): Promise<void> {
    await database.close();
    await this.noteLeftovers(process, { locks: 0, sessions: 0 });
  }

  /** Writes down what a process that has closed its database still has. */
  async noteLeftovers(process: SimProcess, { locks, sessions }: { locks: number; sessions: number }): Promise<void> {
    const { disk } = this;
    await this.world.sleep(SETTLE_MS);
    if (!process.isAlive) return;
    const { openFiles: files, openViews: views } = disk;
    this.leftovers.push({ process: process.name, files, views, locks, sessions, events: process.eventCount });
  }

  /** The same of a process that has nothing to do with the disk. */
  async noteLeftEvents(process: SimProcess): Promise<void> {
    await this.world.sleep(SETTLE_CLIENT_MS);
    this.leftovers.push({ process: process.name, files: 0, views: 0, locks: 0, sessions: 0, events: process.eventCount });
  }

  async snapshot(database: EmbeddedDatabase): Promise<void> {
    this.snapshots.push(takeSnapshot(database, await openTables(database), this.timeline.order));
  }

  /** Checks the whole log, with the database closed. */
  verify(): void {
    this.verifications.push(this.verificationOf(DATA_PATH));
  }

  /** What a check of the log in a directory comes to. */
  verificationOf(path: string): Verification {
    const process = new SimProcess('verify', this.timeline, this.world.random);
    let fault: string | undefined;
    let report: ReturnType<typeof verifyLog> | undefined;
    try {
      report = verifyLog(path, { io: new SimIo(this.disk, process) });
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      if (error.code !== 'NotFound') fault = error.message;
    }
    return {
      order: this.timeline.order,
      fault,
      sizeBytes: report?.sizeBytes ?? 0,
      batches: report?.batches ?? 0,
      headHash: report?.headHash ?? '',
    };
  }

  /** Lets something happen to the process, by chance. */
  disturb(process: SimProcess): void {
    const { random } = this.world;
    if (this.calmOrder !== Infinity) return;
    this.rotting.disturb();
    if (random.happens(this.plan.pauses)) {
      this.count('pause');
      process.pause(random.between(1, PAUSE_MS_MAX));
    }
    if (random.happens(this.plan.clockJumps)) {
      this.count('jump of the clock');
      this.#wallOffsetMs += random.between(-DAY_MS, this.#jumpMsMax);
      process.wallOffsetMs = this.#wallOffsetMs;
    }
  }

  /** What `attempt` came to; `undefined` when the disk, which fails, did not let it. */
  async unlessRefused<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KLaniError) || !OPENING_FAULTS.has(error.code)) throw error;
      this.timeline.note(`== refused: ${error.code}`);
      return undefined;
    }
  }

  /** Where history is kept by days the clock goes far beyond them. */
  get #jumpMsMax(): number {
    const { history } = this.plan;
    return typeof history === 'object' ? 2 * history.days * DAY_MS : DAY_MS;
  }

  chance(purpose: string): Chance {
    return Chance.of(this.plan.seed, purpose);
  }

  count(kind: string): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    this.timeline.note(`== ${kind}`);
  }

  fail(what: string): void {
    this.failures.push(what);
    this.timeline.note(`== ${what}`);
  }
}

/** An error for people. */
export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
