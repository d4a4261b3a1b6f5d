import assert from 'node:assert/strict';
import test from 'node:test';
import { PROMISE_ROUNDS } from '../world/timeline.ts';
import { judge } from './judge.ts';
import { KEPT_SEEDS, keptPlan } from './kept-seeds.ts';
import { type Plan, planOf } from './plan.ts';
import { shrink } from './shrink.ts';

/** One in the process, one with a server. */
const SEEDS = [4, 6] as const;

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  await judge(planOf(seed), { trace: (line) => lines.push(line) });
  return lines.join('\n');
}

for (const seed of SEEDS) {
  test(`A run is the same, byte for byte, whenever it is made (seed ${seed}, ${planOf(seed).mode})`, async () => {
    const first = await traceOf(seed);
    assert.ok(first.length > 1000);
    assert.equal(await traceOf(seed), first);
  });

  test(`No chain of promises is so long that it goes on beside the next event (seed ${seed}, ${planOf(seed).mode})`, async () => {
    const usual = await judge(planOf(seed));
    const patient = await judge(planOf(seed), { promiseRounds: 2 * PROMISE_ROUNDS });
    assert.equal(patient.fingerprint, usual.fingerprint);
  });
}

test('Runs of different seeds go different ways', async () => {
  const fingerprints = await Promise.all([1, 2, 4, 5].map(async (seed) => (await judge(planOf(seed))).fingerprint));
  assert.equal(new Set(fingerprints).size, fingerprints.length);
});

test('The seeds that once showed a fault are clean', async () => {
  for (const kept of [...KEPT_SEEDS, { seed: 1, found: 'nothing' }]) {
    assert.deepEqual((await judge(keptPlan(kept))).problems, [], `seed ${kept.seed}, which once showed: ${kept.found}`);
  }
});

test('shrink() takes away everything that the fault does not need', async () => {
  const needed = (plan: Plan): boolean => plan.crashes.some(({ kind }) => kind === 'power cut') && plan.workers >= 2;
  const plan = Array.from({ length: 100 }, (_, seed) => planOf(seed)).find(
    (candidate) => needed(candidate) && candidate.crashes.length > 1,
  );
  assert.ok(plan);
  const smallest = await shrink(
    plan,
    async (candidate) => needed(candidate),
    () => undefined,
  );
  assert.deepEqual([smallest.workers, smallest.steps, smallest.units], [2, 1, 1]);
  assert.deepEqual(smallest.crashes, [{ kind: 'power cut', operation: 1 }]);
  assert.deepEqual(smallest.disk, { syncFails: 0, writeFails: 0, isFull: 0, isSlow: 0 });
});
