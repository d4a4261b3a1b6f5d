import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { openDatabase } from './open-database.ts';
import { ReaderProcess } from './reader-process.fixture.ts';
import { SeatWriter, schema, type Seen } from './read-seats.fixture.ts';

const options = { skip: process.platform === 'linux' ? false : 'memory is shared on Linux alone' };

/** How many readers are killed. `npm run crashes` kills hundreds. */
const KILLS = 12;

/** The longest that a commit may take on a machine that is busy with other things, milliseconds. */
const COMMIT_MS_MAX = 2000;

/** A database with seats in it, and who changes them. */
async function place(context: TestContext, seed: number) {
  const path = mkdtempSync(join(tmpdir(), 'k-lani-readers-'));
  const database = await openDatabase(path, { durability: 'os', segmentSizeBytes: 1 << 20 });
  context.after(async () => {
    await database.close();
    rmSync(path, { recursive: true, force: true });
  });
  const writer = new SeatWriter(database, await database.table(schema), new SeededRandom(seed));
  for (let batch = 0; batch < 20; batch += 1) await writer.change();
  return { path, database, writer };
}

function judge(writer: SeatWriter, seen: readonly Seen[]): number {
  const snapshots = new Set<number>();
  for (const one of seen) {
    assert.equal(writer.judge(one), undefined);
    snapshots.add(one.lsn);
  }
  return snapshots.size;
}

test(
  'Two processes beside a writer see nothing but whole snapshots, each as it was written at its lsn, and the last one',
  options,
  async (context) => {
    const { path, database, writer } = await place(context, 1);
    const readers = [new ReaderProcess('see', path), new ReaderProcess('see', path)];
    for (const reader of readers) await reader.begun;
    for (let batch = 0; batch < 300 || readers.some(({ lines }) => lines.length < 20); batch += 1) await writer.change();
    const seen = (await Promise.all(readers.map((reader) => reader.finish()))) as Seen[][];
    for (const own of seen) {
      assert.ok(judge(writer, own) >= 5, `${own.length} snapshots were seen`);
      assert.equal(own.at(-1)?.lsn, database.stats().durable);
    }
  },
);

test('A judge of snapshots that knows of one change less finds what is wrong', options, async (context) => {
  const { path, database, writer } = await place(context, 2);
  const reader = new ReaderProcess('see', path);
  await reader.begun;
  await (await database.table(schema)).append({ zone: 1, price: 1, code: 4_000_000_000 });
  const seen = (await reader.finish()) as Seen[];
  assert.notEqual(writer.judge(seen.at(-1) as Seen), undefined);
});

test(
  'Readers that are killed, whatever they are at, hold up no commit for long and leave nothing behind',
  { ...options, timeout: 240_000 },
  async (context) => {
    const { path, writer } = await place(context, 3);
    const random = new SeededRandom(3);
    const before = leftInThisProcess();
    let slowestMs = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const reader = new ReaderProcess('linger', path);
      assert.ok(await reader.begun);
      for (let batch = random.below(20); batch >= 0; batch -= 1) slowestMs = Math.max(slowestMs, await timed(() => writer.change()));
      const killed = reader.kill();
      for (let batch = 0; batch < 10; batch += 1) slowestMs = Math.max(slowestMs, await timed(() => writer.change()));
      await killed;
    }
    assert.ok(slowestMs <= COMMIT_MS_MAX, `a commit took ${slowestMs} ms`);
    assert.deepEqual(leftInThisProcess(), before);
    const last = new ReaderProcess('see', path);
    await last.begun;
    for (let batch = 0; batch < 50; batch += 1) await writer.change();
    assert.ok(judge(writer, (await last.finish()) as Seen[]) > 0);
  },
);

test('A reader that is stopped in the middle of a read holds up no commit, and reads on when it goes on', options, async (context) => {
  const { path, writer } = await place(context, 4);
  const stopped = new ReaderProcess('see', path);
  const other = new ReaderProcess('see', path);
  assert.ok((await stopped.begun) && (await other.begun));
  for (let stop = 0; stop < 10; stop += 1) {
    stopped.process.kill('SIGSTOP');
    for (let batch = 0; batch < 30; batch += 1) assert.ok((await timed(() => writer.change())) <= COMMIT_MS_MAX);
    stopped.process.kill('SIGCONT');
    const { length } = stopped.lines;
    while (stopped.lines.length === length) await writer.change();
  }
  for (const reader of [stopped, other]) {
    const snapshots = judge(writer, (await reader.finish()) as Seen[]);
    assert.ok(snapshots >= 3, `${snapshots} snapshots were seen`);
  }
});

test('A reader that outlives the database is told so at once, and with what to do', options, async (context) => {
  const { path, database } = await place(context, 5);
  const reader = new ReaderProcess('outlive', path);
  assert.ok(await reader.begun);
  await database.close();
  const [end] = (await reader.finish()) as { code: string; message: string; waitedMs: number }[];
  assert.equal(end?.code, 'Closed');
  assert.match(end?.message ?? '', /has closed it or is gone; open a new reader when it runs again$/);
});

/** What a reader could leave behind in the process that it reads from. */
function leftInThisProcess(): { descriptors: number; mappings: number } {
  const mappings = readFileSync('/proc/self/maps', 'latin1').split('memfd:k-lani').length - 1;
  const descriptors = readdirSync('/proc/self/fd').map((name) => linkOf(`/proc/self/fd/${name}`));
  return { descriptors: descriptors.filter((link) => link.includes('memfd:k-lani')).length, mappings };
}

/** Where a descriptor leads; one that is closed meanwhile, nowhere. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

async function timed(run: () => Promise<void>): Promise<number> {
  const beginMs = performance.now();
  await run();
  return performance.now() - beginMs;
}
