/** For tests: a thread that opens a database, shares it, and closes it when it is told to. Its `workerData` is the directory and the options. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openDatabase, type OpenOptions } from '@k-lani/engine';
import { share } from './sharing.ts';
import type { ThreadHandle } from './thread-handle.ts';

interface OwnerTask {
  readonly ownerPath: string;
  readonly options: OpenOptions;
}

/** A thread that has a database open, seen from another one. */
export class OwnerThread {
  readonly path: string;
  readonly handle: ThreadHandle;
  readonly worker: Worker;
  readonly #exited: Promise<unknown>;

  /** Opens the database in `path`, or in a new directory; it ends with the test, unless it was closed before. */
  static async open(context: TestContext, options: OpenOptions = {}, path?: string): Promise<OwnerThread> {
    const ownerPath = path ?? newDirectory(context);
    const task: OwnerTask = { ownerPath, options };
    const worker = new Worker(new URL(import.meta.url), { workerData: task, execArgv: [] });
    const [handle] = (await once(worker, 'message')) as [ThreadHandle];
    const owner = new OwnerThread(ownerPath, handle, worker);
    context.after(() => owner.close());
    return owner;
  }

  private constructor(path: string, handle: ThreadHandle, worker: Worker) {
    this.path = path;
    this.handle = handle;
    this.worker = worker;
    this.#exited = once(worker, 'exit');
  }

  /** Closes the database; the thread ends by itself then. */
  async close(): Promise<void> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.worker.postMessage('close');
    await this.#exited;
  }

  /** Ends the thread where it stands. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }
}

/** A directory that is gone after the test. */
export function newDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-threads-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'data');
}

if (!isMainThread && parentPort !== null && (workerData as OwnerTask | null)?.ownerPath !== undefined) {
  const { ownerPath, options } = workerData as OwnerTask;
  const port = parentPort;
  const database = await openDatabase(ownerPath, options);
  port.postMessage(share(database));
  await once(port, 'message');
  await database.close();
  port.close();
}
