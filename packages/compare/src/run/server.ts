/**
 * The server of a system, from an empty directory to its end.
 *
 * | state | ends when |
 * | --- | --- |
 * | down | `start()` has got an answer from it |
 * | up | it is killed, stopped, or ends by itself |
 *
 * 1. It listens on loopback only, at the port it was given, in every life.
 * 2. It runs as whoever runs the harness; as root, as the first of its recipe's users.
 * 3. `kill()` is SIGKILL to the process and all its descendants, so that none of them writes anything more.
 * 4. It does not outlive the harness, unless that is itself ended by SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerCommand, ServerRecipe, ServerSite } from '../systems/server-recipe.ts';
import { isRunning, killAll, withDescendants } from './processes.ts';
import { serverUser, type User } from './users.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const PROBE_MS = 10;
const LAST_WORDS_BYTES = 2000;
/** What servers see of the environment: nothing that configures them. */
const ENVIRONMENT_KEPT = ['PATH', 'TMPDIR', 'LANG', 'HOME'];

export class Server {
  readonly #recipe: ServerRecipe;
  readonly #site: ServerSite;
  readonly #user: User | undefined;
  readonly #logFile: string;
  #process: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve('was not started');
  readonly #killWithUs = (): void => this.#killNow();

  private constructor(recipe: ServerRecipe, site: ServerSite) {
    this.#recipe = recipe;
    this.#site = site;
    this.#user = serverUser(recipe.users);
    this.#logFile = `${site.directory}.log`;
  }

  /** Lets the programs of the recipe fill the data directory. @throws Error when one of the programs for that fails */
  static async prepare(recipe: ServerRecipe, site: ServerSite): Promise<Server> {
    const server = new Server(recipe, site);
    if (server.#user !== undefined) {
      chmodSync(dirname(site.directory), 0o711);
      chownSync(site.directory, server.#user.uid, server.#user.gid);
      chmodSync(site.directory, 0o700);
    }
    for (const command of recipe.prepare(site)) {
      const how = await server.#endOf(server.#spawn(command));
      if (how !== 'ended with exit code 0') throw new Error(`Cannot prepare the server: ${command.program} ${how}${server.#lastWords()}`);
    }
    return server;
  }

  /** Resolves with the milliseconds until it answered. @throws Error when it ends before, or does not answer within a minute */
  async start(): Promise<number> {
    const startedMs = performance.now();
    const child = this.#spawn(this.#recipe.command(this.#site));
    this.#process = child;
    this.#ended = this.#endOf(child);
    process.once('exit', this.#killWithUs);
    let isOver = false;
    void this.#ended.then(() => (isOver = true));
    while (true) {
      try {
        await this.#recipe.probe(this.#site);
        return performance.now() - startedMs;
      } catch (error) {
        if (isOver) throw new Error(`Cannot start the server: it ${await this.#ended}${this.#lastWords()}`, { cause: error });
        if (performance.now() - startedMs < START_MS_MAX) await delay(PROBE_MS);
        else throw new Error(`Cannot start the server: no answer within ${START_MS_MAX} ms${this.#lastWords()}`, { cause: error });
      }
    }
  }

  /** Its processes; none when it is down. */
  get pids(): readonly number[] {
    const pid = this.#process?.pid;
    return pid === undefined || !isRunning(pid) ? [] : withDescendants(pid);
  }

  /** Ends it with SIGKILL. Resolves when all its processes are gone. */
  async kill(): Promise<void> {
    const { pids } = this;
    killAll(pids);
    await this.#gone(pids);
  }

  /** Lets it finish; with SIGKILL after 30 s. Resolves when all its processes are gone. */
  async stop(): Promise<void> {
    const { pids } = this;
    this.#process?.kill(this.#recipe.stopSignal);
    const late = new AbortController();
    const isLate = delay(STOP_MS_MAX, true, { signal: late.signal }).catch(() => false);
    void isLate.then((hasPassed) => hasPassed && killAll(pids));
    await this.#gone(pids);
    late.abort();
  }

  #killNow(): void {
    killAll(this.pids);
  }

  async #gone(pids: readonly number[]): Promise<void> {
    await this.#ended;
    while (pids.some((pid) => isRunning(pid))) await delay(PROBE_MS);
    process.off('exit', this.#killWithUs);
    this.#process = undefined;
  }

  #spawn({ program, arguments: words }: ServerCommand): ChildProcess {
    const log = openSync(this.#logFile, 'a');
    try {
      const kept = ENVIRONMENT_KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]));
      return spawn(program, words, {
        cwd: this.#site.directory,
        detached: true,
        stdio: ['ignore', log, log],
        env: Object.fromEntries(kept),
        ...(this.#user === undefined ? {} : { uid: this.#user.uid, gid: this.#user.gid }),
      });
    } finally {
      closeSync(log);
    }
  }

  async #endOf(child: ChildProcess): Promise<string> {
    try {
      const [code, signal] = await once(child, 'close');
      return `ended with ${signal === null ? `exit code ${String(code)}` : String(signal)}`;
    } catch (error) {
      return `did not start: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #lastWords(): string {
    const text = readFileSync(this.#logFile, 'utf8').slice(-LAST_WORDS_BYTES).trim();
    return text === '' ? '' : `: ${text}`;
  }
}
