/** A disk whose syncs wait for the test: it sees what leaves before they return, and what becomes of what waits when one fails. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Io, NodeIo } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { openClient, openServer, seat, SEATS } from './wire-client.test.ts';

type Directory = ReturnType<Io['openDirectory']>;
type File = ReturnType<Directory['openFile']>;
type Done = Parameters<File['syncLater']>[0];

interface WaitingSync {
  readonly file: File;
  readonly done: Done;
}

export class HeldDisk {
  readonly io: Io;
  #isHeld = false;
  #waiting: WaitingSync | undefined;
  #onSync: (() => void) | undefined;

  constructor(io: Io = new NodeIo()) {
    this.io = { openDirectory: (path, options) => this.#directory(io.openDirectory(path, options)) };
  }

  /** From now on a sync waits for `release` or `fail`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Resolves when a sync waits. */
  async waiting(): Promise<void> {
    if (this.#waiting !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#onSync = resolve;
    });
  }

  /** Lets the sync that waits and all later ones happen. */
  release(): void {
    this.#isHeld = false;
    const { file, done } = this.#take();
    file.syncLater(done);
  }

  /** Lets only the sync that waits happen. */
  releaseOne(): void {
    const { file, done } = this.#take();
    file.syncLater(done);
  }

  /** Ends the sync that waits with an error. */
  fail(): void {
    this.#isHeld = false;
    this.#take().done(new KLaniError('Io', 'Cannot sync: the disk was pulled out'));
  }

  #take(): WaitingSync {
    const waiting = this.#waiting ?? assert.fail('A sync waits');
    this.#waiting = undefined;
    return waiting;
  }

  #directory(directory: Directory): Directory {
    return standIn(directory, {
      createFile: (name: string) => this.#file(directory.createFile(name)),
      openFile: (name: string, mode: 'read' | 'write') => this.#file(directory.openFile(name, mode)),
    });
  }

  #file(file: File): File {
    return standIn(file, {
      syncLater: (done: Done) => {
        if (!this.#isHeld) {
          file.syncLater(done);
          return;
        }
        this.#waiting = { file, done };
        this.#onSync?.();
      },
    });
  }
}

/** The same object, with some of its methods replaced. */
function standIn<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get(target, key) {
      const value: unknown = Reflect.get(key in methods ? methods : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('No answer to a write leaves before its sync has returned; reads overtake it', async (context) => {
  const disk = new HeldDisk();
  const server = await openServer(context, {}, { io: disk.io });
  const client = await openClient(context, server);
  const table = await client.create(SEATS);
  await client.append(table, seat(1));
  disk.hold();
  const answered: string[] = [];
  const write = client.append(table, seat(2)).then((answer) => answered.push(`append ${answer.status}`));
  await disk.waiting();
  await client.seek(table, 1).then((answer) => answered.push(`seek 1: ${answer.status}`));
  await client.seek(table, 2).then((answer) => answered.push(`seek 2: ${String(answer.code)}`));
  assert.deepEqual(answered, ['seek 1: 0', 'seek 2: NotFound']);
  assert.equal(server.stats.server.answersHeld, 1);
  disk.release();
  await write;
  assert.deepEqual(answered.slice(2), ['append 0']);
  assert.equal((await client.seek(table, 2)).status, 0);
  assert.equal(server.stats.server.answersHeld, 0);
});
