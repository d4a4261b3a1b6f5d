import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CheckpointRun, SEGMENT, copyOf, newPath, observe, removeCheckpointsIn } from './checkpoint-run.fixture.ts';

const SEEDS = [1, 2, 3];
const ROUNDS = 3;
const STEPS = 300;

/** Opens a copy of a directory, with the checkpoint that is there or without any. */
async function opened(run: CheckpointRun, path: string, options: { context: TestContext; isFromLog: boolean }): Promise<CheckpointRun> {
  const copy = copyOf(path, options.context);
  if (options.isFromLog) removeCheckpointsIn(copy);
  const other = run.resumed(run.database, 99);
  // Nothing is given up while the two are compared.
  await other.open(copy, { checkpointBytes: options.isFromLog ? 0 : SEGMENT, history: 'all' });
  return other;
}

/** With the whole history; and with only the latest versions, so that segments are given up again and again. */
const POLICIES = [{ history: 'all' }, { history: 'latest', operationWindow: 20 }] as const;

for (const [seed, policy] of SEEDS.flatMap((one) => POLICIES.map((other) => [one, other] as const))) {
  const { history } = policy;
  test(`a database opened from a checkpoint equals the one opened from the log alone (history ${history}, seed ${seed})`, async (context) => {
    const run = new CheckpointRun(seed, policy);
    const path = newPath(context);
    await run.open(path);
    let openedFromCheckpoint = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await run.go(STEPS);
      if (run.random.below(2) === 0) await run.database.compact();
      await run.go(run.random.below(STEPS));
      if (run.random.below(2) === 0) await run.database.checkpoint();
      if (run.random.below(2) === 0) await run.built();
      // Compaction goes on meanwhile.
      const moment = copyOf(path, context);
      const fromCheckpoint = await opened(run, moment, { context, isFromLog: false });
      const fromLog = await opened(run, moment, { context, isFromLog: true });
      if (fromCheckpoint.database.stats().checkpoint.openedFrom > 0) openedFromCheckpoint += 1;
      const unexpected = fromCheckpoint.database.stats().checkpoint.ignored.filter((why) => !why.includes('the log begins at'));
      assert.deepEqual(unexpected, []);
      assert.equal(fromLog.database.stats().checkpoint.openedFrom, 0);
      assertSame(await observe(fromCheckpoint), await observe(fromLog));
      // The next row ids, and everything that builds on what was restored.
      await fromCheckpoint.go(60);
      await fromLog.go(60);
      assertSame(withoutTimes(await observe(fromCheckpoint)), withoutTimes(await observe(fromLog)));
      await fromCheckpoint.database.close();
      await fromLog.database.close();
      if (run.random.below(3) !== 0) continue;
      await run.database.close();
      await run.open(path);
    }
    // Where segments are given up, so may be each checkpoint that there is.
    if (history === 'all') assert.ok(openedFromCheckpoint > 0, 'a checkpoint was opened');
    await run.database.close();
  });
}

/** The same without what differs between two runs: the times of records, and the sizes of their batches, which tell positions. */
function withoutTimes(observed: object): object {
  return JSON.parse(JSON.stringify(observed, (key, value: unknown) => (key === 'time' || key === 'lsn' ? undefined : value))) as object;
}

/** Says what differs, not how: the whole of both would take minutes to be shown. */
function assertSame(actual: object, expected: object): void {
  const others = new Map(Object.entries(expected));
  for (const [part, value] of Object.entries(actual)) assert.ok(isDeepStrictEqual(value, others.get(part)), `${part} differ`);
}
