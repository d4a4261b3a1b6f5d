import assert from 'node:assert/strict';
import test from 'node:test';
import { failuresOf, type Figures, figuresOf } from '../report/figures.ts';
import { RAW_LOG_FORMAT, type StormLog } from '../report/raw-log.ts';
import { type FakeRow, FakeServer, type FakeTerm, fakeMarket, type Faults } from './fake-shop.ts';
import type { Market } from './shop.ts';
import { type BenchProgress, runStorm } from './storm.ts';
import type { StormOptions } from './storm-state.ts';

const OPTIONS: StormOptions = {
  flow: 'loop',
  buyers: 200,
  workers: 8,
  connections: 2,
  everyUser: false,
  seed: 1,
  kill: false,
  rehearsals: 0,
};
const GROUPS = [10, 10, 10, 10];
const FLOWS = ['loop', 'claim'] as const;

interface Outcome {
  readonly figures: Figures;
  readonly failures: readonly string[];
  readonly server: FakeServer;
  readonly log: StormLog;
  readonly progress: readonly BenchProgress[];
}

async function storm(
  options: Partial<StormOptions>,
  faults: Faults = {},
  market: Market<FakeRow, FakeTerm> = fakeMarket(GROUPS),
): Promise<Outcome> {
  const server = new FakeServer(faults);
  const progress: BenchProgress[] = [];
  const all = { ...OPTIONS, ...options };
  const record = await runStorm(market, all, {
    spawnServer: server.spawn,
    directory: '',
    durability: 'fsync',
    openShop: server.open,
    progress: (step) => progress.push(step),
  });
  const { groupSizes, unitsWithinTerms } = market;
  const facts = { format: RAW_LOG_FORMAT, bench: 'concert' as const, durability: record.durability, startedAt: '', command: '' };
  const log: StormLog = {
    run: { ...all, ...facts, groupSizes, unitsWithinTerms },
    sales: record.state.sales,
    unknown: record.state.unknown,
    marks: record.state.marks,
    windows: record.state.meter.windows(),
    rows: record.rows,
    end: record.end,
  };
  const figures = figuresOf(log);
  return { figures, failures: failuresOf(log, figures), server, log, progress };
}

for (const flow of FLOWS) {
  test(`a storm by ${flow} sells every unit once, refuses the other buyers, and recounts after a kill`, async () => {
    const { figures, failures, server } = await storm({ flow });
    assert.deepEqual(failures, []);
    assert.deepEqual([figures.sold, figures.verifiedSold, figures.noTicket], [40, 40, 160]);
    assert.deepEqual([server.starts, server.kills, figures.soldAtKill], [2, 1, 0]);
    assert.equal(figures.updates, 40);
  });

  test(`a storm by ${flow} goes on after the server was killed in its midst`, async () => {
    const { figures, failures, server, log } = await storm({ flow, kill: true, everyUser: true });
    assert.deepEqual(failures, []);
    assert.equal(figures.verifiedSold, 40);
    assert.ok(figures.soldAtKill >= 8 && figures.soldAtKill <= 32);
    assert.ok(figures.reasked > 0);
    assert.deepEqual([server.starts, server.kills], [3, 2]);
    assert.deepEqual(
      log.marks.map(({ what }) => what),
      ['kill', 'restarted', 'last-kill', 'last-restarted'],
    );
  });

  test(`a storm by ${flow} notices a unit that is sold twice`, async () => {
    const { figures, failures } = await storm({ flow }, { sellTwiceAt: 17 });
    assert.equal(figures.doubleSold, 1);
    assert.match(failures.join('\n'), /Sold twice: 1, must be 0/);
  });

  test(`a storm by ${flow} notices a sale that the restart lost`, async () => {
    const { figures, failures } = await storm({ flow }, { loseAt: 17 });
    assert.deepEqual([figures.sold, figures.verifiedSold, figures.lost], [40, 39, 1]);
    assert.match(failures.join('\n'), /Lost: 1 acknowledged sales/);
  });

  test(`a storm by ${flow} does not accept an unknown outcome without a kill, and sells nobody a second unit for it`, async () => {
    const { figures, failures } = await storm({ flow }, { unknownAt: 17 });
    assert.deepEqual([figures.sold, figures.unknown, figures.unknownSold, figures.doubleSold], [39, 1, 1, 0]);
    assert.deepEqual(failures, ['Unknown: 1 outcomes, must be <= 0 in flight at the kill']);
  });

  test(`a storm by ${flow} notes a worker that failed, and the others serve the rest`, async () => {
    const { figures, failures } = await storm({ flow }, { failAt: 17 });
    assert.deepEqual([figures.failedWorkers, figures.sold], [1, 40]);
    assert.match(failures.join('\n'), /A worker failed: buyer \d+: Cannot write: the disk is gone/);
    assert.match(failures.join('\n'), /Served: 199 buyers, must be 200/);
  });
}

test('with everyUser each buyer asks the server at least once; without it the shared knowledge spares most', async () => {
  const every = await storm({ flow: 'claim', everyUser: true });
  assert.ok((every.server.asked['claim'] ?? 0) >= 200);
  const spared = await storm({ flow: 'claim' });
  assert.ok((spared.server.asked['claim'] ?? 0) < 100);
});

test('the loop asks again under the lock, and gives every lock back that it took', async () => {
  const { server, figures } = await storm({});
  const { lock = 0, reread = 0, unlock = 0, replace = 0 } = server.asked;
  assert.equal(replace, 40);
  assert.equal(reread, unlock);
  assert.equal(lock, reread + figures.lockConflicts);
  assert.equal(reread, replace + figures.alreadySold);
});

test('a buyer whose group is sold out tries the others in order', async () => {
  const { log } = await storm({ flow: 'claim', workers: 1, connections: 1, buyers: 40 });
  assert.equal(log.sales.length, 40);
  assert.ok(new Set(log.sales.map(({ buyer }) => buyer)).size === 40);
});

test('the same seed kills at the same sale, another at another', async () => {
  const at = async (seed: number): Promise<number> => (await storm({ kill: true, seed }, {}, fakeMarket([200]))).figures.soldAtKill;
  assert.equal(await at(1), await at(1));
  assert.notEqual(await at(1), await at(2));
});

test('a server that does not come back fails the run at once', async () => {
  const server = new FakeServer();
  const spawnServer = (): ReturnType<typeof server.spawn> =>
    server.starts === 0 ? server.spawn() : Promise.reject(new Error('Cannot start the server: it is gone'));
  const site = { spawnServer, directory: '', durability: 'fsync' as const, openShop: server.open, progress: () => {} };
  await assert.rejects(runStorm(fakeMarket(GROUPS), { ...OPTIONS, kill: true }, site), /it is gone/);
});

test('a storm tells how far it is, phase by phase', async () => {
  const { progress } = await storm({});
  assert.deepEqual([...new Set(progress.map(({ phase }) => phase))], ['load', 'storm', 'recount']);
  assert.deepEqual(progress.at(-1), { phase: 'recount', done: 40, total: 40, sold: 40, isServerDown: false });
});
