import assert from 'node:assert/strict';
import test from 'node:test';
import { type Faults, FakeServer, fakeMarket } from '../storm/fake-shop.ts';
import { type RoundCount, runRound } from './round.ts';

/** One round on a database in memory, which knows no operation ids: it contradicts itself whenever it is asked again. */
function round(faults: Faults, flow: 'loop' | 'claim'): Promise<RoundCount> {
  const server = new FakeServer(faults);
  return runRound({
    kind: { bench: 'concert', flow },
    seed: 1,
    market: fakeMarket([10, 10]),
    openShop: server.open,
    spawnServer: server.spawn,
    directory: '',
    serverFlags: [],
    trouble: { during: async () => {} },
    onSold: () => {},
  });
}

test('a sale that was acknowledged and is not there after the last kill counts as lost', async () => {
  const { figures, failures } = await round({ loseAt: 3 }, 'loop');
  assert.equal(figures.lost, 1);
  assert.ok(
    failures.some((failure) => failure.startsWith('Lost: 1 ')),
    failures.join('\n'),
  );
});

test('a unit that was sold twice counts as double', async () => {
  const { figures, failures } = await round({ sellTwiceAt: 3 }, 'claim');
  assert.equal(figures.doubleSold, 1);
  assert.ok(
    failures.some((failure) => failure.startsWith('Sold twice: 1')),
    failures.join('\n'),
  );
});

test('more unknown outcomes than requests in flight are too many', async () => {
  const { failures } = await round({ unknownAt: 3 }, 'loop');
  assert.ok(
    failures.some((failure) => failure.startsWith('Unknown: 1 outcomes, must be <= 0 ')),
    failures.join('\n'),
  );
});

test('an operation that is asked for again and gets another answer than at first is a contradiction', async () => {
  for (const flow of ['loop', 'claim'] as const) {
    const { testimony, failures } = await round({}, flow);
    assert.deepEqual([testimony.asked, testimony.contradicted], [20, 20]);
    assert.ok(failures.includes('Contradicted: 20 answers, must be 0'), failures.join('\n'));
  }
});
