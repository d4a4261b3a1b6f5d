/** The door for embedded use. */
import type { Clock, Random, Scheduler } from '@k-lani/base';
import { KLaniError } from '@k-lani/protocol';
import type { HistoryPolicy } from '../database/compactor.ts';
import { WorkerRunner } from '../checkpoint/worker-runner.ts';
import { DATABASE_DEFAULTS, Database } from '../database/database.ts';
import type { Io } from '../io/io.ts';
import { NodeClock } from '../io/node-clock.ts';
import { NodeIo } from '../io/node-io.ts';
import { NodeRandom } from '../io/node-random.ts';
import type { Durability } from '../log/group-commit.ts';
import { ACTOR_SIZE_MAX } from '../log/record.ts';
import type { RecoveryProgress } from '../log/recovery.ts';
import { EmbeddedDatabase } from './embedded-database.ts';

/** Options of {@link openDatabase}; every one has a default. */
export interface OpenOptions {
  /** `fsync` (default): an answer is on stable storage. `os`: it survives a killed process, not a power cut. */
  readonly durability?: Durability;
  /**
   * Opens the database for reading only: nothing in the directory is written but its lock file, and not that where the directory cannot be
   * written. Shows what the next opening will keep. Every write answers ReadOnly.
   */
  readonly readOnly?: boolean;
  /** For a new database: bytes of a log segment, a power of two from 64 KiB to 1 GiB; 64 MiB. */
  readonly segmentSizeBytes?: number;
  /** How many operation ids are remembered; 1,048,576. */
  readonly operationWindow?: number;
  /**
   * How many bytes of log lie at least between two checkpoints, which make the next opening fast; 64 MiB, 0 for no checkpoints. They are
   * built in a thread of their own, and in turns of this one where `io` or `clock` is given.
   */
  readonly checkpointBytes?: number;
  /** Longest lease of a lock, milliseconds; 300,000. */
  readonly lockLeaseMsMax?: number;
  /** Longest pause between two pages of a scan or stream, milliseconds; 300,000. */
  readonly cursorIdleMsMax?: number;
  /** What is kept of the versions of a row: `all` (default), those of the last `days`, or the `latest`. */
  readonly history?: HistoryPolicy;
  /** Directory that takes the log segments that are given up; they are removed where there is none. */
  readonly archive?: string;
  /** Who writes, for the history: at most 64 bytes of UTF-8; `embedded`. */
  readonly actor?: string;
  /** Told how far the check of the log has come. */
  readonly progress?: RecoveryProgress;
  readonly io?: Io;
  readonly clock?: Clock & Scheduler;
  readonly random?: Random;
}

/**
 * Opens the database in `path`, and makes the directory and the database where there is none. One process at a time.
 *
 * @throws {KLaniError} DirectoryLocked with the other process's id, Damaged with file and offset, FormatUnsupported, DiskFull, ReadOnly,
 *   InvalidArgument, Io; NotFound with `readOnly` where there is no database
 */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<EmbeddedDatabase> {
  const actor = new TextEncoder().encode(options.actor ?? 'embedded');
  if (actor.length > ACTOR_SIZE_MAX) {
    throw new KLaniError('InvalidArgument', `Cannot open the database: actor is ${actor.length} bytes, must be <= ${ACTOR_SIZE_MAX}`);
  }
  const clock = options.clock ?? new NodeClock();
  const random = options.random ?? new NodeRandom();
  const database = await Database.open(path, {
    ...DATABASE_DEFAULTS,
    ...options,
    io: options.io ?? new NodeIo(),
    checkpointRunner: options.io === undefined && options.clock === undefined ? new WorkerRunner() : undefined,
    clock,
    scheduler: clock,
    random,
  });
  return new EmbeddedDatabase(database, random, actor);
}
