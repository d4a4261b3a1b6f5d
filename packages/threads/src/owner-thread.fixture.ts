/** For tests: a thread that opens databases, shares them, and closes them, as it is told to. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type EmbeddedDatabase, openDatabase, type OpenOptions } from '@k-lani/engine';
import { share } from './sharing.ts';
import type { ThreadHandle } from './thread-handle.ts';

/** What such a thread is told. */
type Order = { readonly open: string; readonly options: OpenOptions } | { readonly close: string } | 'end';

/** Its `workerData`. */
const ROLE = 'owner of databases';

/** Small, so that tests write few zeros. */
const OPTIONS: OpenOptions = { segmentSizeBytes: 1024 * 1024 };

/** Seen from another thread. */
export class OwnerThread {
  readonly worker = new Worker(new URL(import.meta.url), { workerData: ROLE, execArgv: [] });

  /** Opens a database in a new directory. It is closed with the test, if the thread lives then. */
  async open(context: TestContext, options: OpenOptions = {}): Promise<{ readonly path: string; readonly handle: ThreadHandle }> {
    const path = newDirectory(context);
    const handle = (await this.#tell({ open: path, options: { ...OPTIONS, ...options } })) as ThreadHandle;
    context.after(() => this.close(path));
    return { path, handle };
  }

  /** Closes a database. */
  async close(path: string): Promise<void> {
    if (this.worker.threadId > 0) await this.#tell({ close: path });
  }

  /** Lets the thread end by itself. */
  async end(): Promise<void> {
    const exited = once(this.worker, 'exit');
    this.#post('end');
    await exited;
  }

  async #tell(order: Order): Promise<unknown> {
    const answered = once(this.worker, 'message');
    this.#post(order);
    const [answer] = (await answered) as [unknown];
    return answer;
  }

  #post(order: Order): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.worker.postMessage(order);
  }
}

/** A directory that is gone after the test. */
export function newDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-threads-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'data');
}

if (parentPort !== null && workerData === ROLE) {
  const port = parentPort;
  const databases = new Map<string, EmbeddedDatabase>();
  const carryOut = async (order: Order): Promise<void> => {
    if (order === 'end') port.close();
    else if ('open' in order) {
      const database = await openDatabase(order.open, order.options);
      databases.set(order.open, database);
      port.postMessage(share(database));
    } else {
      await databases.get(order.close)?.close();
      port.postMessage('closed');
    }
  };
  port.on('message', (order: Order) => void carryOut(order));
}
