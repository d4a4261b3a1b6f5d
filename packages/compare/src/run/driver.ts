import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from '../systems/system.ts';
import type { Answer, Order, Results } from './driver-messages.ts';

const PROGRAM = new URL('driver-process.ts', import.meta.url);
/** The longest that one order may take. */
const ORDER_MS_MAX = 300_000;
const CLOSE_MS_MAX = 15_000;

/** A driver process with its system open. It gets one order at a time. */
export class Driver {
  readonly version: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;

  private constructor(child: ChildProcess, ended: Promise<string>, version: string) {
    this.#process = child;
    this.#ended = ended;
    this.version = version;
  }

  /** Starts a driver. @throws Error when the system cannot be opened in it */
  static async open(catalogueUrl: string, system: string, place: Place): Promise<Driver> {
    const child = fork(PROGRAM, [catalogueUrl], { serialization: 'advanced', detached: true });
    const ended = once(child, 'exit').then(
      ([code, signal]) => `ended with ${signal === null ? `exit code ${String(code)}` : String(signal)}`,
    );
    try {
      const version = await send(child, ended, { do: 'open', system, place });
      return new Driver(child, ended, version);
    } catch (error) {
      child.kill('SIGKILL');
      await ended;
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Whether it still takes orders. */
  get isThere(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Carries out an order. @throws Error what it said went wrong, or that it ended, or took too long */
  carryOut<O extends Exclude<Order, { do: 'open' }>>(order: O): Promise<Results[O['do']]> {
    return send(this.#process, this.#ended, order);
  }

  /** Ends it at once. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Closes the system, and ends it; a driver that does not close in time is killed. */
  async close(): Promise<void> {
    const late = new AbortController();
    const closing = this.isThere ? this.carryOut({ do: 'close' }) : Promise.resolve();
    await Promise.race([closing, delay(CLOSE_MS_MAX, undefined, { signal: late.signal })]).finally(() => {
      late.abort();
      this.#process.kill('SIGKILL');
    });
    await this.#ended;
  }
}

async function send<O extends Order>(child: ChildProcess, ended: Promise<string>, order: O): Promise<Results[O['do']]> {
  const over = new AbortController();
  try {
    const answered = once(child, 'message', { signal: over.signal }).then(([answer]) => answer as Answer);
    child.send(order);
    const answer = await Promise.race([
      answered,
      ended.then((how): Answer => ({ error: `its driver ${how}` })),
      delay(ORDER_MS_MAX, undefined, { signal: over.signal }).then(() => giveUp(child)),
    ]);
    if ('error' in answer) throw new Error(answer.error);
    return answer.result as Results[O['do']];
  } finally {
    over.abort();
  }
}

/** A driver that is late does not take another order. */
function giveUp(child: ChildProcess): Answer {
  child.kill('SIGKILL');
  return { error: `no answer within ${ORDER_MS_MAX} ms` };
}
