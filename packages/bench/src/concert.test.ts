import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BenchOutcome } from './bench-run.ts';
import { CONCERT_DEFAULTS, type ConcertOptions, runConcert } from './concert.ts';
import { spawnTestServer } from './storm/test-server.ts';

const SMALL = { ...CONCERT_DEFAULTS, users: 2000, seats: 200, ranks: 4, workers: 32, connections: 8, kill: true };

function concert(t: TestContext, options: Partial<ConcertOptions>): Promise<BenchOutcome> {
  const out = mkdtempSync(join(tmpdir(), 'concert-'));
  t.after(() => rmSync(out, { recursive: true }));
  return runConcert({ ...SMALL, out, ...options }, { spawnServer: spawnTestServer });
}

for (const flow of ['loop', 'claim'] as const) {
  test(`a concert by ${flow} sells every seat of the real server once, though it is killed in the middle`, async (t) => {
    const { failures, result, line } = await concert(t, { flow, everyUser: true });
    assert.deepEqual(failures, []);
    const { figures } = result;
    assert.deepEqual([figures.sold, figures.verifiedSold, figures.doubleSold, figures.lost, figures.free], [200, 200, 0, 0, 0]);
    assert.equal(figures.sold + figures.noTicket + figures.unknown, 2000);
    assert.ok(figures.soldAtKill >= 40 && figures.soldAtKill <= 160, line);
    assert.ok(figures.outageUs > 0 && figures.lastOutageUs > 0);
    assert.ok(figures.unknown <= figures.unknownMax);
    assert.equal(result.durability, 'fsync');
  });
}

test('a concert without a kill, over one connection, with few users and after rehearsals, sells to each of them', async (t) => {
  const { failures, result, files } = await concert(t, {
    users: 90,
    workers: 8,
    connections: 1,
    kill: false,
    rehearsals: 2,
    durability: 'os',
  });
  assert.deepEqual(failures, []);
  const { figures } = result;
  assert.deepEqual([figures.sold, figures.noTicket, figures.free, figures.soldAtKill, figures.unknownMax], [90, 0, 110, 0, 0]);
  assert.equal(JSON.parse(readFileSync(files.rawLog, 'utf8').split('\n', 1)[0] ?? '').run.rehearsals, 2);
  assert.equal(result.durability, 'os');
});
