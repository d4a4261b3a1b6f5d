/**
 * Real trouble: the real server, as a process, is killed, stopped, and given bad disks while buyers buy; what the buyers were told is held
 * against what the restarted server has.
 *
 * | trouble | what is done | where |
 * | --- | --- | --- |
 * | `kill` | SIGKILL at seeded moments: while it serves, starts and closes; every other storm while it makes checkpoints and compacts its log, half of those into an archive | `killing.ts`, `churn.ts`, `archived.ts` |
 * | `readers` | SIGKILL for processes that read beside it, in the middle of their reads; on Linux | `killing-readers.ts` |
 * | `stop` | SIGSTOP, and SIGCONT after leases and time-outs are over | `stopping.ts` |
 * | `disk-full` | a small file system is filled, and given room again | `bad-disks.ts` |
 * | `read-only` | that file system turns read-only | `bad-disks.ts` |
 * | `failing-device` | the device below it takes no more writes, so that a sync fails | `bad-disks.ts` |
 *
 * 1. A sale that was acknowledged is there after the restart, for that buyer, once; nothing that is there is unexplained.
 * 2. No more outcomes are unknown than requests were in flight.
 * 3. Nobody was refused while units were left.
 * 4. An operation that is asked for again gets its first answer, and has no second effect.
 * 5. In the end the whole log verifies.
 * 6. After each kill the archive and what is kept are one whole log.
 * 7. Every round ends with a kill of its own, which is not counted.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, SeededRandom } from '@k-lani/base';
import { verifyLog } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { checkOption } from '../options.ts';
import { describeMachine } from '../report/machine.ts';
import { encodeRawLog } from '../report/raw-log.ts';
import type { SpawnServer } from '../storm/server-process.ts';
import type { Market, OpenShop } from '../storm/shop.ts';
import { archiveFault } from './archived.ts';
import { type BadDiskPlan, FailingDevice, FullDisk, isWriterFailure, ReadOnlyDisk } from './bad-disks.ts';
import { addRound, type CrashRow, emptyRow } from './crash-row.ts';
import { STORM_KINDS, type StormKind, withGoods } from './goods.ts';
import { Killing } from './killing.ts';
import { KillingReaders } from './killing-readers.ts';
import { type RoundCount, runRound } from './round.ts';
import { SmallDisk } from './small-disk.ts';
import { BUYER_TIMEOUT_MS, LEASE_MS, Stopping } from './stopping.ts';
import { type Trouble, TroubleLog } from './trouble.ts';

/** What can be done to a server. */
export const TROUBLES = ['kill', 'readers', 'stop', 'disk-full', 'read-only', 'failing-device'] as const;

export type TroubleName = (typeof TROUBLES)[number];

type DiskTrouble = Exclude<TroubleName, 'kill' | 'readers' | 'stop'>;

/** What `k-lani bench crashes` can be told. */
export interface CrashOptions {
  /** SIGKILLs of the server, and as many of readers, over all storms. */
  readonly kills: number;
  /** SIGSTOPs of each storm that is stopped. */
  readonly stops: number;
  readonly seed: number;
  /** Seats or rooms of one storm. */
  readonly units: number;
  readonly troubles: readonly TroubleName[];
  /** Directory for the databases; that of a storm with something wrong is kept. */
  readonly out: string;
}

/** What holds where nothing is said; the directory is the caller's choice. */
export const CRASH_DEFAULTS: Omit<CrashOptions, 'out'> = { kills: 300, stops: 3, seed: 1, units: 6000, troubles: TROUBLES };

/** What it needs from whoever runs it. */
export interface CrashEnvironment {
  readonly spawnServer: SpawnServer;
  /** Called often. */
  readonly progress?: (progress: CrashProgress) => void;
}

/** How far it is. */
export interface CrashProgress {
  readonly trouble: TroubleName;
  readonly storm: string;
  readonly kills: number;
  readonly killsWanted: number;
  /** Sales acknowledged in all storms so far. */
  readonly acknowledged: number;
}

/** What it came to. */
export interface CrashReport {
  readonly seed: number;
  /** One for each trouble and storm. */
  readonly rows: readonly CrashRow[];
  /** What was left out, and why. */
  readonly skipped: readonly { readonly trouble: TroubleName; readonly reason: string }[];
  /** What is wrong, one sentence each; empty when nothing is. */
  readonly failures: readonly string[];
  /** 0 when nothing is wrong, else 1. */
  readonly exitCode: 0 | 1;
}

const KILLS_MAX = 100_000;
const STOPS_MAX = 1000;
const UNITS_MIN = 20;
const UNITS_MAX = 1_000_000;
/** Kills of one storm: with more, the log gets so long that the starts take all the time. */
const KILLS_OF_ROUND = 25;
/** Operations that a server remembers which compacts its log: it gives up no segment with one of them. */
const OPERATIONS_OF_COMPACTED = 4096;
/** So many of the last claims, and of the last writes, are among those for certain, whatever else was written. */
const ASKED_AGAIN_OF_COMPACTED = 256;
/** Storms of each trouble but kills. */
const STORMS_OF_RARE_TROUBLE = 2;
const FIRST_KIND: StormKind = { bench: 'concert', flow: 'claim' };
const DATABASE = 'database';
const ARCHIVE = 'archive';
/** Small segments, so that kills hit their beginnings. */
const SEGMENT_SIZE_MIN_BYTES = 65_536;
const SEGMENT_SIZES_BYTES = [SEGMENT_SIZE_MIN_BYTES, 262_144, 1_048_576];

/**
 * Puts the server into trouble until it was killed so many times, and counts every storm.
 *
 * @throws {KLaniError} `InvalidArgument` for options out of their bounds
 */
export async function runCrashes(options: CrashOptions, environment: CrashEnvironment): Promise<CrashReport> {
  const { kills, stops, seed, units, out } = options;
  checkOption('kills', kills, 1, KILLS_MAX);
  checkOption('stops', stops, 1, STOPS_MAX);
  checkOption('seed', seed, 0, 0xffff_ffff);
  checkOption('units', units, UNITS_MIN, UNITS_MAX);
  mkdirSync(out, { recursive: true });
  const run = new CrashRun(options, environment);
  for (const trouble of options.troubles) await run.make(trouble);
  return run.report();
}

class CrashRun {
  readonly #options: CrashOptions;
  readonly #environment: CrashEnvironment;
  readonly #random: SeededRandom;
  readonly #rows = new Map<string, CrashRow>();
  readonly #skipped: { trouble: TroubleName; reason: string }[] = [];
  readonly #failures: string[] = [];
  #acknowledged = 0;
  #kills = 0;

  constructor(options: CrashOptions, environment: CrashEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#random = new SeededRandom(options.seed);
  }

  async make(trouble: TroubleName): Promise<void> {
    if (trouble === 'kill') {
      for (let round = 0; this.#kills < this.#options.kills; round += 1) {
        const kind = STORM_KINDS[Math.floor(round / 2) % STORM_KINDS.length] ?? FIRST_KIND;
        const base = this.#emptyDirectory();
        const isArchiving = round % 4 === 3;
        if (!(await this.#round({ trouble, kind, base, isCompacting: round % 2 === 1, isArchiving }))) return;
      }
      return;
    }
    if (trouble === 'readers' && process.platform !== 'linux') {
      this.#skipped.push({ trouble, reason: 'Cannot read beside a server: memory is shared on Linux alone' });
      return;
    }
    for (const kind of STORM_KINDS.slice(0, STORMS_OF_RARE_TROUBLE)) {
      if (trouble === 'stop' || trouble === 'readers') await this.#round({ trouble, kind, base: this.#emptyDirectory() });
      else if (!(await this.#onSmallDisk(trouble, kind))) return;
    }
  }

  report(): CrashReport {
    const failures = this.#failures;
    return {
      seed: this.#options.seed,
      rows: [...this.#rows.values()],
      skipped: this.#skipped,
      failures,
      exitCode: failures.length === 0 ? 0 : 1,
    };
  }

  /** Returns false where no small disk can be had. */
  async #onSmallDisk(trouble: DiskTrouble, kind: StormKind): Promise<boolean> {
    using disk = this.#smallDisk(trouble);
    if (disk === undefined) return false;
    await this.#round({ trouble, kind, base: disk.directory, disk });
    return true;
  }

  #smallDisk(trouble: DiskTrouble): SmallDisk | undefined {
    try {
      return SmallDisk.make(this.#options.out);
    } catch (error) {
      if (!(error instanceof KLaniError)) throw error;
      this.#skipped.push({ trouble, reason: error.message });
      return undefined;
    }
  }

  /** Returns false when the storm could not be led to its end, as when the server did not come back: that is a failure like another. */
  async #round(round: Round): Promise<boolean> {
    const directory = join(round.base, DATABASE);
    const seed = this.#random.uint32();
    const log = new TroubleLog();
    let count: RoundCount | undefined;
    try {
      count = await this.#storm(round, { directory, seed, log });
      log.segmentsGivenUp = firstSegment(directory) - 1;
      verifyLog(directory);
      const fault = round.isArchiving === true ? archiveFault(directory, join(round.base, ARCHIVE)) : undefined;
      log.expect(fault === undefined, fault ?? '');
    } catch (error) {
      if (!(error instanceof KLaniError || (error instanceof Error && error.constructor === Error))) throw error;
      log.failures.push(error.message);
    }
    if (round.trouble === 'kill') this.#kills += log.kills;
    this.#take(round, { seed, directory, count, log });
    return count !== undefined;
  }

  #storm(round: Round, { directory, seed, log }: { directory: string; seed: number; log: TroubleLog }): Promise<RoundCount> {
    const { trouble, kind, isCompacting = false } = round;
    const { units } = this.#options;
    return withGoods(kind.bench, { units, seed }, <Row, Term>(market: Market<Row, Term>, openShop: OpenShop<Row, Term>) =>
      runRound({
        kind,
        seed,
        market,
        openShop,
        spawnServer: this.#environment.spawnServer,
        directory,
        serverFlags: flagsOf(round, seed),
        trouble: this.#troubleOf<Row, Term>(round, { directory, random: new SeededRandom(seed), log }),
        onSold: (sold) => this.#tell(trouble, kind, { sold, kills: log.kills }),
        ...(isCompacting ? { askedAgainMax: ASKED_AGAIN_OF_COMPACTED } : {}),
        ...(trouble === 'stop' ? { timeoutMs: BUYER_TIMEOUT_MS } : {}),
        ...(trouble === 'read-only' || trouble === 'failing-device' ? { isExpected: isWriterFailure } : {}),
      }),
    );
  }

  #troubleOf<Row, Term>(round: Round, parts: { directory: string; random: SeededRandom; log: TroubleLog }): Trouble<Row, Term> {
    const { trouble, disk, base, isCompacting = false, isArchiving = false } = round;
    const { directory, random, log } = parts;
    const { units, stops } = this.#options;
    const kills = Math.min(KILLS_OF_ROUND, this.#options.kills - this.#kills);
    if (trouble === 'kill') {
      const archive = isArchiving ? join(base, ARCHIVE) : undefined;
      return new Killing({ kills, salesBetween: Math.ceil(units / kills), directory, archive, hasChurn: isCompacting, random }, log);
    }
    if (trouble === 'readers') {
      return new KillingReaders({ kills: Math.ceil(this.#options.kills / STORMS_OF_RARE_TROUBLE), directory, random }, log);
    }
    if (trouble === 'stop') return new Stopping({ stops, salesBetween: Math.ceil(units / (2 * stops)), random }, log);
    assert(disk !== undefined, 'Trouble with a disk has a disk');
    const badDisk: BadDiskPlan = { disk, salesBefore: 1 + random.below(units / 2) };
    if (trouble === 'disk-full') return new FullDisk(badDisk, log);
    return trouble === 'read-only' ? new ReadOnlyDisk(badDisk, log) : new FailingDevice(badDisk, log);
  }

  /** Takes down how a storm went; keeps its database when something is wrong. */
  #take(
    { trouble, kind, isCompacting = false, isArchiving = false }: Round,
    { seed, directory, count, log }: { seed: number; directory: string; count: RoundCount | undefined; log: TroubleLog },
  ): void {
    const storm = `${stormName(kind)}${isCompacting ? ', compacting' : ''}${isArchiving ? ' and archiving' : ''}`;
    const name = `${trouble}, ${storm}`;
    if (count !== undefined) {
      this.#rows.set(name, addRound(this.#rows.get(name) ?? emptyRow(trouble, storm), count, log));
      this.#acknowledged += count.figures.sold;
    }
    const wrong = [...(count?.failures ?? []), ...log.failures];
    if (wrong.length === 0) return;
    const kept = join(this.#options.out, `failed-${trouble}-${seed}`);
    rmSync(kept, { recursive: true, force: true });
    if (existsSync(directory)) cpSync(directory, kept, { recursive: true });
    if (count !== undefined) {
      const machine = describeMachine(this.#options.out, count.serverVersion);
      writeFileSync(`${kept}.ndjson`, encodeRawLog({ ...count.log, machine }));
    }
    this.#failures.push(...wrong.map((sentence) => `${name}, seed ${seed} (kept in ${kept}): ${sentence}`));
  }

  /** The directory to make a database in; the one of the round before is removed. */
  #emptyDirectory(): string {
    const { out } = this.#options;
    for (const name of [DATABASE, ARCHIVE]) rmSync(join(out, name), { recursive: true, force: true });
    return out;
  }

  #tell(trouble: TroubleName, kind: StormKind, { sold, kills }: { sold: number; kills: number }): void {
    this.#environment.progress?.({
      trouble,
      storm: stormName(kind),
      kills: this.#kills + (trouble === 'kill' ? kills : 0),
      killsWanted: this.#options.kills,
      acknowledged: this.#acknowledged + sold,
    });
  }
}

/** One storm and its trouble. */
interface Round {
  readonly trouble: TroubleName;
  readonly kind: StormKind;
  /** The directory in which the database's directory is made. */
  readonly base: string;
  readonly disk?: SmallDisk;
  /** Whether the server makes checkpoints and compacts its log meanwhile. */
  readonly isCompacting?: boolean;
  /** Whether what it gives up goes into an archive. */
  readonly isArchiving?: boolean;
}

function flagsOf({ trouble, base, disk, isCompacting = false, isArchiving = false }: Round, seed: number): string[] {
  // Where a disk fills up, the segments that are prepared must not hold all the rest of the storm.
  const isSmall = isCompacting || disk !== undefined;
  const sizeBytes = isSmall ? SEGMENT_SIZE_MIN_BYTES : (SEGMENT_SIZES_BYTES[seed % SEGMENT_SIZES_BYTES.length] ?? SEGMENT_SIZE_MIN_BYTES);
  const flags = ['--segment-size-bytes', String(sizeBytes)];
  if (isCompacting)
    flags.push('--checkpoint-bytes', String(sizeBytes), '--history', 'latest', '--operation-window', String(OPERATIONS_OF_COMPACTED));
  if (isArchiving) flags.push('--archive', join(base, ARCHIVE));
  if (trouble === 'stop') flags.push('--lock-lease-ms-max', String(LEASE_MS));
  return flags;
}

/** The lowest number of the log's segments. */
function firstSegment(directory: string): number {
  return Math.min(...readdirSync(directory).map((name) => (/^\d+\.segment$/.test(name) ? Number.parseInt(name, 10) : Infinity)));
}

function stormName({ bench, flow }: StormKind): string {
  return `${bench} ${flow}`;
}
