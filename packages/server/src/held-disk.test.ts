/** A disk whose syncs wait for the test: it sees what leaves before they return, and what becomes of what waits when one fails. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Io, NodeIo } from '@k-lani/engine';
import { decodeChangeAnswer, decodeLockAnswer, errorCodeOf, KLaniError, Opcode } from '@k-lani/protocol';
import { type Answer, newOperationId, openClient, openServer, seat, SEATS } from './wire-client.test.ts';

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

test('When a sync fails, what waits ends as outcome unknown, writes are refused and reads go on', async (context) => {
  const disk = new HeldDisk();
  const server = await openServer(context, {}, { io: disk.io });
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  const shared = await other.openTable(SEATS);
  await client.append(table, seat(1));
  disk.hold();
  const first = client.append(table, seat(2));
  await disk.waiting();
  const queued = client.append(table, seat(3));
  const duplicate = other.append(shared, seat(2));
  const lock = (await other.lock(shared, 1)).read(decodeLockAnswer);
  disk.fail();
  const codes = (await Promise.all([first, queued, duplicate])).map(({ code }) => code);
  assert.deepEqual(codes, ['OutcomeUnknown', 'OutcomeUnknown', 'OutcomeUnknown']);
  assert.equal((await client.append(table, seat(4))).code, 'WriterFailed');
  assert.equal((await other.append(shared, seat(2))).code, 'WriterFailed');
  assert.equal((await client.seek(table, 1)).status, 0);
  assert.equal((await client.seek(table, 2)).code, 'NotFound');
  assert.equal((await other.unlock(shared, 1, lock)).status, 0);
  assert.match(server.stats.failure ?? '', /pulled out/);
});

test('A refusal waits for the change that it saw, and so does a read under a lock', async (context) => {
  const disk = new HeldDisk();
  const server = await openServer(context, {}, { io: disk.io });
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  const shared = await other.openTable(SEATS);
  await client.append(table, seat(1));
  disk.hold();
  const answered: string[] = [];
  const note = (name: string) => (answer: Answer) => answered.push(`${name} ${answer.status === 0 ? 'done' : errorCodeOf(answer.status)}`);
  const line = { where: [{ field: 'is_booked', eq: 0 }] as const, set: { is_booked: 1 }, count: 1 };
  const sold = client.claim(table, [line]).then(note('first claim'));
  await disk.waiting();
  const late = [
    other.claim(shared, [line]).then(note('second claim')),
    other.append(shared, seat(1)).then(note('duplicate')),
    other.lock(shared, 1).then(note('lock')),
    other.seek(shared, 1).then(note('read under the lock')),
  ];
  // The answers of one session leave in their order, so this one comes after those that wait for nothing.
  await other.call(Opcode.ListTables);
  assert.deepEqual(answered, []);
  disk.release();
  await Promise.all([sold, ...late]);
  assert.deepEqual(
    new Set(answered),
    new Set(['duplicate DuplicateKey', 'first claim done', 'lock done', 'read under the lock done', 'second claim NoneAvailable']),
  );
});

test('A repeated write gets its first answer, which waits for the first sync', async (context) => {
  const disk = new HeldDisk();
  const server = await openServer(context, {}, { io: disk.io });
  const client = await openClient(context, server);
  const other = await openClient(context, server);
  const table = await client.create(SEATS);
  const shared = await other.openTable(SEATS);
  disk.hold();
  const id = newOperationId();
  const first = client.append(table, seat(1), id);
  await disk.waiting();
  const before = other.answers.length;
  const again = other.append(shared, seat(1), id);
  await other.call(Opcode.ListTables);
  assert.equal(other.answers.length, before + 1);
  disk.release();
  assert.deepEqual((await again).read(decodeChangeAnswer), (await first).read(decodeChangeAnswer));
  assert.equal((await other.append(shared, seat(2), id)).code, 'OperationMismatch');
});
