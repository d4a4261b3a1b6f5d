import assert from 'node:assert/strict';
import test from 'node:test';
import { CANARIES, canaryNamed } from './canaries.ts';
import { type Hunted, canaryTable, isFound } from './canary-table.ts';
import { hunt, inParallel } from './hunt.ts';

const SEEDS = { seed: 1, runs: 10 };

test('hunt() finds a planted canary, and nothing with the same seeds without it', async () => {
  const [found, clean] = await Promise.all([
    hunt('simulation', SEEDS, canaryNamed('overlay-not-consulted')),
    hunt('simulation', SEEDS, undefined),
  ]);
  assert.ok(
    found.findings?.some(({ checker }) => checker === 'sold once'),
    JSON.stringify(found),
  );
  assert.deepEqual(clean, { runs: SEEDS.runs });
});

test('hunt() finds what only a reader in another thread can see', async () => {
  const found = await hunt('interleaving', SEEDS, canaryNamed('swap-without-drain'));
  assert.equal(found.findings?.[0]?.checker, 'whole snapshots');
});

test('hunt() tells of a process that fails', async () => {
  const [canary] = CANARIES;
  const gone = await hunt('simulation', { seed: 1, runs: 1 }, { ...(canary ?? canaryNamed('')), name: 'gone' });
  assert.match(gone.failure ?? '', /^exit code 1 [^]*There is no canary "gone"/);
});

test('inParallel() keeps the order of its items', async () => {
  const results = await inParallel([3, 1, 2], async (turns) => {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    return turns * 10;
  });
  assert.deepEqual(results, [30, 10, 20]);
});

test('canaryTable() tells who found a canary, and which was not found', () => {
  const [first, second] = CANARIES;
  assert.ok(first !== undefined && second !== undefined);
  const findings = ['locks', 'guards', 'locks'].map((checker) => ({ checker, what: '' }));
  const hunted: Hunted[] = [
    { canary: first, hunt: { runs: 7, seed: 9, findings } },
    { canary: second, hunt: { runs: 200 } },
  ];
  assert.deepEqual(hunted.map(isFound), [true, false]);
  const clean = { simulation: 200, interleaving: undefined, compaction: undefined };
  const [head, ...rows] = canaryTable(hunted, clean)
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  assert.deepEqual(head, ['canary', 'found by', 'seed', 'runs', 'clean without', 'what it breaks']);
  assert.deepEqual(rows, [
    [first.name, 'locks, guards', '9', '7', '200 runs', first.breaks],
    [second.name, 'NOT FOUND', '–', '200', '200 runs', second.breaks],
  ]);
});
