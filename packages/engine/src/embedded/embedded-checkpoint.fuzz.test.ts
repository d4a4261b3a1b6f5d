import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { CheckpointRun, SEGMENT, copyOf, newPath, observe, removeCheckpointsIn } from './checkpoint-run.fixture.ts';

const SEEDS = [1, 2, 3, 4];
const ROUNDS = 4;
const STEPS = 350;

/** Opens a copy of a directory, with the checkpoint that is there or without any. */
async function opened(run: CheckpointRun, path: string, options: { context: TestContext; isFromLog: boolean }): Promise<CheckpointRun> {
  const copy = copyOf(path, options.context);
  if (options.isFromLog) removeCheckpointsIn(copy);
  const other = run.resumed(run.database, 99);
  await other.open(copy, { checkpointBytes: options.isFromLog ? 0 : SEGMENT });
  return other;
}

for (const seed of SEEDS) {
  test(`a database opened from a checkpoint equals the one opened from the log alone (seed ${seed})`, async (context) => {
    const run = new CheckpointRun(seed);
    const path = newPath(context);
    await run.open(path);
    let openedFromCheckpoint = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await run.go(STEPS);
      if (run.random.below(2) === 0) await run.database.checkpoint();
      if (run.random.below(2) === 0) await run.built();
      const fromCheckpoint = await opened(run, path, { context, isFromLog: false });
      const fromLog = await opened(run, path, { context, isFromLog: true });
      if (fromCheckpoint.database.stats().checkpoint.openedFrom > 0) openedFromCheckpoint += 1;
      assert.deepEqual(fromCheckpoint.database.stats().checkpoint.ignored, []);
      assert.equal(fromLog.database.stats().checkpoint.openedFrom, 0);
      assert.deepEqual(await observe(fromCheckpoint), await observe(fromLog));
      // The next row ids, and everything that builds on what was restored.
      await fromCheckpoint.go(60);
      await fromLog.go(60);
      assert.deepEqual(withoutTimes(await observe(fromCheckpoint)), withoutTimes(await observe(fromLog)));
      await fromCheckpoint.database.close();
      await fromLog.database.close();
      if (run.random.below(3) !== 0) continue;
      await run.database.close();
      await run.open(path);
    }
    assert.ok(openedFromCheckpoint > 0, 'a checkpoint was opened');
    await run.database.close();
  });
}

/** The same without what differs between two runs: the times of records, and the sizes of their batches, which tell positions. */
function withoutTimes(observed: object): unknown {
  return JSON.parse(JSON.stringify(observed, (key, value: unknown) => (key === 'time' || key === 'lsn' ? undefined : value)));
}
