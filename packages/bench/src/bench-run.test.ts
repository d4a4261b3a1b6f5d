import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type BenchOutcome, runBench } from './bench-run.ts';
import { runConcert, CONCERT_DEFAULTS } from './concert.ts';
import { runHoliday, HOLIDAY_DEFAULTS } from './holiday.ts';
import { figuresOf } from './report/figures.ts';
import { decodeRawLog } from './report/raw-log.ts';
import { type Faults, FakeServer, fakeMarket } from './storm/fake-shop.ts';
import type { BenchProgress } from './storm/storm.ts';

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bench-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function run(out: string, faults: Faults = {}, progress: BenchProgress[] = []): Promise<BenchOutcome> {
  const server = new FakeServer(faults);
  const storm = { flow: 'claim', buyers: 50, workers: 4, connections: 2, everyUser: true, seed: 7, kill: true, rehearsals: 0 } as const;
  return runBench(
    {
      name: 'concert',
      market: fakeMarket([10, 10]),
      storm,
      out,
      durability: 'fsync',
      command: 'k-lani bench concert',
      openShop: server.open,
    },
    { spawnServer: server.spawn, progress: (step) => progress.push(step) },
  );
}

test('runBench() writes a raw log, a result and a page that agree with each other', async (t) => {
  const out = directory(t);
  const progress: BenchProgress[] = [];
  const { line, failures, exitCode, result, files } = await run(out, {}, progress);
  assert.deepEqual([failures, exitCode], [[], 0]);
  assert.deepEqual(readdirSync(out).toSorted(), ['database', 'index.html', 'raw-log.ndjson', 'result.json']);
  const log = decodeRawLog(readFileSync(files.rawLog, 'utf8'));
  assert.deepEqual(figuresOf(log), result.figures);
  assert.deepEqual(JSON.parse(readFileSync(files.result, 'utf8')), JSON.parse(JSON.stringify(result)));
  assert.match(line, /^thundering_herd_done users=50 seats=20 sold=20 verified_sold=20 double_sold=0 lost=0 unknown=0 sold_at_kill=\d+ /);
  assert.ok(readFileSync(files.page, 'utf8').includes(line));
  assert.equal(progress.at(-1)?.phase, 'report');
});

test('runBench() ends with exit code 1 when a unit was sold twice or a sale lost', async (t) => {
  const out = directory(t);
  const twice = await run(out, { sellTwiceAt: 3 });
  assert.equal(twice.exitCode, 1);
  assert.match(twice.line, / double_sold=1 /);
  const lost = await run(out, { loseAt: 3 });
  assert.equal(lost.exitCode, 1);
  assert.match(lost.line, / lost=1 /);
});

test('runBench() removes the database that a run left, and no other', async (t) => {
  const out = directory(t);
  await run(out);
  writeFileSync(join(out, 'database', 'left-over'), '');
  await run(out);
  assert.ok(!existsSync(join(out, 'database', 'left-over')));
  const other = directory(t);
  mkdirSync(join(other, 'database'));
  writeFileSync(join(other, 'database', 'precious'), '');
  await assert.rejects(run(other), { code: 'InvalidArgument', message: /database is there, and no benchmark left it/ });
  assert.ok(existsSync(join(other, 'database', 'precious')));
});

test('runConcert() and runHoliday() refuse options out of their bounds, with option, value and bounds', async () => {
  const environment = { spawnServer: new FakeServer().spawn };
  const concert = { ...CONCERT_DEFAULTS, out: '' };
  await assert.rejects(runConcert({ ...concert, users: 0 }, environment), {
    message: /--users is 0, must be a whole number, 1 to 10000000/,
  });
  await assert.rejects(runConcert({ ...concert, seats: 5, ranks: 6 }, environment), { message: /--ranks is 6, .* 1 to 5/ });
  await assert.rejects(runConcert({ ...concert, workers: 1.5 }, environment), { code: 'InvalidArgument' });
  await assert.rejects(runConcert({ ...concert, seed: Number.NaN }, environment), { message: /--seed is NaN/ });
  const holiday = { ...HOLIDAY_DEFAULTS, out: '' };
  await assert.rejects(runHoliday({ ...holiday, hotels: 1001 }, environment), { message: /--hotels is 1001/ });
  await assert.rejects(runHoliday({ ...holiday, connections: 5000 }, environment), { message: /--connections is 5000, .* 1 to 4096/ });
});
