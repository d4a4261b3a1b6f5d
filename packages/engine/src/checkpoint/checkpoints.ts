/**
 * The checkpoints of an open database: decides when one is built, and knows the newest.
 *
 * | state | what holds |
 * | --- | --- |
 * | idle | nothing is built; the newest checkpoint is recent enough, or the last attempt failed |
 * | building | a runner builds the checkpoint before the newest segment |
 * | closed | nothing is begun: before `begin` and after `close` |
 *
 * 1. One is begun when a segment is sealed, after opening, and when somebody asks; not more than one at a time.
 * 2. Whatever becomes of it concerns nobody: a failure is told in the stats, and the next occasion tries again.
 */
import { KLaniError } from '@k-lani/protocol';
import type { Directory } from '../io/io.ts';
import { SEGMENT_HEADER_SIZE } from '../log/segment.ts';
import type { CheckpointFacts } from './builder.ts';
import { removeCheckpoints } from './checkpoint-files.ts';
import type { CheckpointRun, CheckpointRunner } from './runner.ts';

/** How many bytes of log lie at least between two checkpoints unless configured otherwise: 64 MiB. */
export const CHECKPOINT_BYTES = 64 * 1024 * 1024;

/** At most so many bytes of checkpoints are written for each byte of log: a large one waits for more log. */
const WRITE_AMPLIFICATION_MAX = 4;

/** How checkpoints stand. */
export interface CheckpointStats {
  /** What lies before this position need not be read at the next opening; 0 for no checkpoint. */
  readonly position: number;
  /** The oldest segment that the newest checkpoint refers to; 0 for none. */
  readonly oldestSegment: number;
  readonly sizeBytes: number;
  /** Where this opening began to read the log; 0 when it read all of it. */
  readonly openedFrom: number;
  /** Which files this opening passed over, and why: nothing is lost by it but time. */
  readonly ignored: readonly string[];
  /** How many were built since this opening. */
  readonly built: number;
  readonly isBuilding: boolean;
  /** Why the last attempt failed; it is made again. */
  readonly failure: string | undefined;
}

export interface CheckpointsOptions {
  readonly directory: Directory;
  /** `undefined`: none are built. */
  readonly runner: CheckpointRunner | undefined;
  /** How many bytes of log lie at least between two. */
  readonly bytesMin: number;
  readonly operationWindow: number;
  readonly segmentSizeBytes: number;
  /** The checkpoint that this opening began with. */
  readonly opened: CheckpointFacts | undefined;
  readonly ignored: readonly string[];
  /** The newest segment that has begun and about where the log before it ends; 0 and 0 for none. */
  readonly newestSegment: { readonly index: number; readonly previousEnd: number };
  /** Everything before this position is durable. */
  readonly durableEnd: number;
  /** The segment that begins the log now. */
  readonly firstSegment: () => number;
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #newest: CheckpointFacts | undefined;
  /** The newest segment that has begun, and about where the log before it ends. */
  #segment: number;
  #previousEnd: number;
  #durableEnd: number;
  #run: CheckpointRun | undefined;
  /** Whether somebody asked while one was being built. */
  #isAskedFor = false;
  #isClosed = true;
  #onIdle: (() => void) | undefined;
  #builtCount = 0;
  #failure: string | undefined;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#newest = options.opened;
    this.#segment = options.newestSegment.index;
    this.#previousEnd = options.newestSegment.previousEnd;
    this.#durableEnd = options.durableEnd;
  }

  /** The newest checkpoint that an opening could use now: where it stands, and the oldest segment that must be kept for it. */
  get newest(): CheckpointFacts | undefined {
    const newest = this.#newest;
    return newest !== undefined && newest.oldestSegment >= this.#options.firstSegment() ? newest : undefined;
  }

  /** Whether segments are being read by a builder. */
  get isBuilding(): boolean {
    return this.#run !== undefined;
  }

  /**
   * Begins with what opening calls for: the log holds what the checkpoints that are there prove of it. Where none are to be built, they go.
   */
  begin(): void {
    this.#isClosed = false;
    if (this.#options.runner === undefined) removeCheckpoints(this.#options.directory);
    this.#beginIfDue();
  }

  /** Hears of each durable batch, of its place and end. */
  durable(position: number, end: number): void {
    const previousEnd = this.#durableEnd;
    this.#durableEnd = end;
    const segment = Math.floor(position / this.#options.segmentSizeBytes);
    if (segment === this.#segment) return;
    this.#segment = segment;
    this.#previousEnd = previousEnd;
    this.#beginIfDue();
  }

  /** Asks for a checkpoint of everything before the newest segment, however little that is. */
  request(): void {
    this.#isAskedFor = true;
    this.#beginIfDue();
    this.#isAskedFor = this.isBuilding;
  }

  stats(): CheckpointStats {
    const { newest } = this;
    return {
      position: newest?.end ?? 0,
      oldestSegment: newest?.oldestSegment ?? 0,
      sizeBytes: newest?.sizeBytes ?? 0,
      openedFrom: this.#options.opened?.end ?? 0,
      ignored: this.#options.ignored,
      built: this.#builtCount,
      isBuilding: this.isBuilding,
      failure: this.#failure,
    };
  }

  /** Begins no more, and resolves when nothing is built any more: what is under way is given up. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#run?.cancel();
    return new Promise((resolve) => {
      if (this.#run === undefined) resolve();
      else this.#onIdle = resolve;
    });
  }

  #beginIfDue(): void {
    const { directory, runner, operationWindow } = this.#options;
    if (runner === undefined || this.#isClosed || this.#run !== undefined || !this.#isDue()) return;
    this.#isAskedFor = false;
    this.#run = runner.run(directory, { segment: this.#segment, operationWindow }, (result) => this.#end(result));
  }

  #isDue(): boolean {
    const { bytesMin, firstSegment, segmentSizeBytes } = this.#options;
    const { newest } = this;
    // A first segment that was torn in its first write has a header, and no log.
    const newBytes = this.#previousEnd - (newest?.end ?? firstSegment() * segmentSizeBytes + SEGMENT_HEADER_SIZE);
    if (newBytes <= 0 || this.#segment === newest?.segment) return false;
    return this.#isAskedFor || newBytes >= Math.max(bytesMin, (newest?.sizeBytes ?? 0) / WRITE_AMPLIFICATION_MAX);
  }

  #end(result: CheckpointFacts | KLaniError): void {
    this.#run = undefined;
    if (result instanceof KLaniError) this.#failure = result.message;
    else {
      this.#newest = result;
      this.#builtCount += 1;
      this.#failure = undefined;
      this.#beginIfDue();
    }
    // What failed is tried again at the next occasion, not at once.
    if (this.#run !== undefined) return;
    this.#isAskedFor = false;
    this.#onIdle?.();
  }
}
