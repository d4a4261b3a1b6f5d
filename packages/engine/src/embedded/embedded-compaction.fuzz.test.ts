import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '@k-lani/base';
import { CrashingDisk } from '../io/crashing-io.fixture.ts';
import { recover } from '../log/recovery.ts';
import { CompactionRun, SEGMENT_SIZE, type RunOptions } from './compaction-run.fixture.ts';

const STEPS = 500;
const CRASHES = 12;

const POLICIES: readonly RunOptions[] = [
  { history: 'all', archive: undefined, operationWindow: 20, checkpointBytes: 0 },
  { history: 'latest', archive: undefined, operationWindow: 20, checkpointBytes: 0 },
  { history: 'latest', archive: undefined, operationWindow: 20, checkpointBytes: 1 },
  { history: { days: 1 }, archive: undefined, operationWindow: 20, checkpointBytes: 100_000 },
  { history: 'latest', archive: '/archive', operationWindow: 20, checkpointBytes: 0 },
];

/** Reads and checks all that is in a directory. */
function verify(disk: CrashingDisk, path: string): void {
  const directory = disk.openDirectory(path, { create: false });
  assert.ok(recover(directory).databaseId);
  directory.close();
}

function nameOf({ history, archive, checkpointBytes }: RunOptions): string {
  const kept = typeof history === 'string' ? history : `${history.days} days`;
  return `${kept}${archive === undefined ? '' : ', archived'}${checkpointBytes === 0 ? '' : `, checkpoints every ${checkpointBytes} bytes`}`;
}

for (const options of POLICIES) {
  for (const seed of [1, 2]) {
    test(`A compacted database equals the model (history: ${nameOf(options)}; seed ${seed})`, async () => {
      const run = new CompactionRun(seed, new CrashingDisk(new SeededRandom(seed)), options);
      await run.open();
      let reclaimed = 0;
      for (let step = 0; step < STEPS; step += 1) {
        await run.step();
        if (step === STEPS / 2) await run.alter();
        if (run.random.below(60) === 0) run.check();
        if (run.random.below(60) === 0) reclaimed += (await run.database.compact()).reclaimedBytes;
        if (run.random.below(120) === 0) {
          await run.database.close();
          verify(run.disk, '/data');
          await run.open();
        }
      }
      await run.database.compact();
      run.check();
      const { compaction, durable } = run.database.stats();
      const logBytes = durable - compaction.firstSegment * SEGMENT_SIZE;
      if (options.history === 'latest')
        assert.ok(logBytes < 2 * compaction.liveBytes + 4 * SEGMENT_SIZE, `${logBytes} bytes of log, ${compaction.liveBytes} live`);
      assert.equal(reclaimed > 0, options.history !== 'all');
      assert.equal(run.openedFromCheckpoint > 0, options.checkpointBytes > 0);
      await run.database.close();
      verify(run.disk, '/data');
      assert.ok(run.disk.sizeBytes('/data', '.segment') <= logBytes + 3 * SEGMENT_SIZE, 'No segment that was given up is left');
      if (options.archive !== undefined) verify(run.disk, options.archive);
    });

    test(`A crash anywhere in a compaction is harmless (history: ${nameOf(options)}; seed ${seed})`, async () => {
      const run = new CompactionRun(seed, new CrashingDisk(new SeededRandom(seed)), options);
      await run.open();
      for (let step = 0; step < STEPS / 4; step += 1) await run.step();
      for (let crash = 0; crash < CRASHES; crash += 1) {
        run.disk.crashAt = run.disk.operations + 1 + run.random.below(run.random.below(2) === 0 ? 60 : 600);
        await Promise.race([run.disk.died, untilDeath(run)]);
        run.disk = run.disk.after(run.random.below(2) === 0 ? 'kill' : 'power cut');
        await run.open();
        await run.settle();
        run.check();
        for (let step = 0; step < 10; step += 1) await run.step();
      }
      assert.equal(run.openedFromCheckpoint > 0, options.checkpointBytes > 0);
      await run.database.compact();
      run.check();
      await run.database.close();
      verify(run.disk, '/data');
      if (options.archive !== undefined) verify(run.disk, options.archive);
    });
  }
}

/** Requests and compactions side by side, until the disk dies. */
async function untilDeath(run: CompactionRun): Promise<void> {
  const { disk } = run;
  try {
    await Promise.all([requests(run), compactions(run)]);
  } catch (error) {
    if (!disk.isDead) throw error;
  }
}

async function requests(run: CompactionRun): Promise<void> {
  const { disk } = run;
  while (!disk.isDead) await run.step();
}

async function compactions(run: CompactionRun): Promise<void> {
  const { disk, database } = run;
  while (!disk.isDead) {
    await database.compact();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
