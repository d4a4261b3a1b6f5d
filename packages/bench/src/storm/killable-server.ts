import { assert } from '@k-lani/base';
import { peakResidentBytes, type ServerOptions, type ServerProcess, type SpawnServer } from './server-process.ts';

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
   * Ends the process with SIGKILL, before this returns to its caller for the first time, and starts the next one. Resolves when that
   * listens.
   *
   * @throws Error when it does not come back
   */
  async killAndRestart(): Promise<void> {
    assert(this.#state !== 'down', 'KillableServer: killed while it was down');
    this.#state = 'down';
    const peakBytes = peakResidentBytes(this.#process.pid) ?? 0;
    if (peakBytes > 0) this.#peakBytes = Math.max(this.#peakBytes ?? 0, peakBytes);
    await this.#process.kill();
    try {
      this.#process = await this.#spawn(this.#options);
    } catch (error) {
      this.#state = 'over';
      this.#fail(error);
      throw error;
    }
    this.#state = 'up';
    void this.#watch();
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
