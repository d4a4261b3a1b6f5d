import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '@k-lani/base';
import { peakResidentBytes, type ServerOptions, type ServerProcess, type SpawnServer } from './server-process.ts';

/** What becomes of a process, and of those after it, until one listens again. */
export interface Fate {
  /** Milliseconds between SIGTERM and SIGKILL; by default it gets no SIGTERM. */
  readonly closingMs?: number;
  /**
   * Runs when the process is gone, before the next one starts.
   *
   * @param tryStart starts a process, and kills it as soon as it listens; gives why it did not, or `undefined` when it did
   */
  readonly meanwhile?: (tryStart: () => Promise<string | undefined>) => Promise<void>;
  /** For each start that does not live, in order: makes the signal that kills it. */
  readonly deathsInStart?: readonly (() => AbortSignal)[];
}

/** What a kill came to. */
export interface Death {
  /** False when the process had closed by itself before SIGKILL came. */
  readonly wasKilled: boolean;
  /** Starts that were killed before they listened. */
  readonly diedStarting: number;
  /** From the start of the process that listens now until it did so. */
  readonly startMs: number;
}

/**
 * The server of a storm through its kills: each time another process, on the same directory and address.
 *
 * | state | ends when |
 * | --- | --- |
 * | up | it is killed or stopped by us, or ends by itself |
 * | down | the next process listens |
 * | over | never: it ended by itself, did not come back, or was stopped |
 */
export class KillableServer {
  readonly #spawn: SpawnServer;
  readonly #options: ServerOptions;
  #process: ServerProcess;
  #state: 'up' | 'down' | 'over' = 'up';
  #peakBytes: number | undefined;
  #fail: (error: unknown) => void = () => {};
  readonly #failed: Promise<never>;

  private constructor(spawn: SpawnServer, options: ServerOptions, process: ServerProcess) {
    this.#spawn = spawn;
    this.#options = { ...options, listen: process.address };
    this.#process = process;
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => {});
    void this.#watch();
  }

  /** Starts a server, on any free port unless `options.listen` says otherwise. */
  static async start(spawn: SpawnServer, options: ServerOptions): Promise<KillableServer> {
    return new KillableServer(spawn, options, await spawn(options));
  }

  get address(): string {
    return this.#options.listen;
  }

  /** Killed by us, and not back yet. */
  get isDown(): boolean {
    return this.#state === 'down';
  }

  /** The most memory that one of its processes had resident when it was killed, in bytes; undefined where the system does not tell. */
  get peakBytes(): number | undefined {
    return this.#peakBytes;
  }

  /** Waits for `work`, but no longer than the server is there. @throws Error when it ended though nobody ended it, or did not come back */
  whileThere<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([work, this.#failed]);
  }

  /**
   * Ends the process with SIGKILL, or as `fate` says, and starts the next one. The first signal is sent before this returns to its caller
   * for the first time. Resolves when the next one listens.
   *
   * @throws Error when it does not come back
   */
  async killAndRestart({ closingMs, meanwhile, deathsInStart = [] }: Fate = {}): Promise<Death> {
    assert(this.#state !== 'down', 'KillableServer: killed while it was down');
    this.#state = 'down';
    const peakBytes = peakResidentBytes(this.#process.pid) ?? 0;
    if (peakBytes > 0) this.#peakBytes = Math.max(this.#peakBytes ?? 0, peakBytes);
    try {
      const wasKilled = await this.#end(closingMs);
      await meanwhile?.(() => this.#tryStart());
      let diedStarting = 0;
      for (const makeSignal of deathsInStart) if (await this.#startInVain(makeSignal())) diedStarting += 1;
      const startedMs = performance.now();
      this.#process = await this.#spawn(this.#options);
      this.#state = 'up';
      void this.#watch();
      return { wasKilled, diedStarting, startMs: performance.now() - startedMs };
    } catch (error) {
      this.#state = 'over';
      this.#fail(error);
      throw error;
    }
  }

  /** Lets the process stand still while `work` runs: it neither runs nor ends, and its connections stay. */
  async pauseWhile(work: () => Promise<unknown>): Promise<void> {
    assert(this.#state === 'up', 'KillableServer: paused while it was not up');
    const process = this.#process;
    process.signal('SIGSTOP');
    try {
      await work();
    } finally {
      process.signal('SIGCONT');
    }
  }

  /** Returns whether it took a SIGKILL to end the process. */
  async #end(closingMs: number | undefined): Promise<boolean> {
    const process = this.#process;
    if (closingMs !== undefined) {
      process.signal('SIGTERM');
      const isClosed = await Promise.race([process.ended.then(() => true), delay(closingMs, false)]);
      if (isClosed) return false;
    }
    await process.kill();
    return true;
  }

  async #tryStart(): Promise<string | undefined> {
    try {
      const process = await this.#spawn(this.#options);
      await process.kill();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Starts a process that `signal` kills; one that listens before is killed then. Returns whether it died while it started. */
  async #startInVain(signal: AbortSignal): Promise<boolean> {
    let process: ServerProcess;
    try {
      process = await this.#spawn({ ...this.#options, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      return true;
    }
    await process.kill();
    return false;
  }

  /** Lets it finish and ends it, after `goodBye`; but does not wait for that where nobody is left to take leave of. */
  async stop(goodBye: () => Promise<unknown>): Promise<void> {
    const leaving = goodBye();
    if (this.#state === 'up') await leaving;
    this.#state = 'over';
    await this.#process.stop();
  }

  async #watch(): Promise<void> {
    const process = this.#process;
    const how = await process.ended;
    if (this.#state !== 'up' || process !== this.#process) return;
    this.#state = 'over';
    this.#fail(new Error(`the server ${how}, and nobody had ended it`));
  }
}
