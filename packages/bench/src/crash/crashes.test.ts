import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { serverCommand, type SpawnServer } from '../storm/server-process.ts';
import { CRASH_DEFAULTS, type CrashOptions, type CrashReport, runCrashes, type TroubleName } from './crashes.ts';

const SMALL = { ...CRASH_DEFAULTS, units: 600, kills: 12, stops: 1, seed: 7 };

const compiled = mkdtempSync(join(tmpdir(), 'crashes-compiled-'));
// Dozens of starts: they find what the first one has compiled.
const spawnServer = serverCommand([process.execPath, join(import.meta.dirname, '../storm/test-server.ts')], {
  ...process.env,
  NODE_COMPILE_CACHE: compiled,
});

before(async () => {
  const first = await spawnServer({ directory: join(compiled, 'database'), listen: 'tcp://127.0.0.1:0', durability: 'fsync' });
  await first.stop();
});
after(() => rmSync(compiled, { recursive: true }));

function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'crashes-'));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function run(context: TestContext, options: Partial<CrashOptions>): Promise<CrashReport> {
  const report = await runCrashes({ ...SMALL, out: directory(context), ...options }, { spawnServer });
  assert.deepEqual([report.failures, report.exitCode], [[], 0]);
  for (const { storm, acknowledged, found, lost, double, contradicted, askedAgain } of report.rows) {
    assert.ok(acknowledged > 0);
    assert.deepEqual({ found, lost, double, contradicted }, { found: acknowledged, lost: 0, double: 0, contradicted: 0 });
    assert.equal(askedAgain, storm.includes(', compacting') ? 256 : acknowledged);
  }
  return report;
}

test('a server that is killed again and again has everything that it acknowledged, once', async (context) => {
  const { rows } = await run(context, { troubles: ['kill'] });
  const kills = rows.reduce((sum, row) => sum + row.kills, 0);
  assert.ok(kills >= SMALL.kills, `${kills} kills`);
  assert.ok(rows.every(({ startsMs }) => startsMs.every((ms) => ms > 0)));
});

test('a server that stood still longer than leases and time-outs refuses what came late, and sells nothing twice', async (context) => {
  const { rows } = await run(context, { troubles: ['stop'] });
  assert.deepEqual(
    rows.map(({ storm, stops }) => [storm, stops]),
    [
      ['concert claim', 1],
      ['holiday loop', 1],
    ],
  );
});

test('processes that read beside a server, and are killed, see what was so and hold up nobody', async (context) => {
  const { rows, skipped } = await run(context, { troubles: ['readers'], kills: 6 });
  if (process.platform === 'linux')
    assert.deepEqual(
      rows.map(({ storm, kills }) => [storm, kills]),
      [
        ['concert claim', 3],
        ['holiday loop', 3],
      ],
    );
  else assert.match(skipped[0]?.reason ?? '', /on Linux alone$/);
});

for (const trouble of ['disk-full', 'read-only', 'failing-device'] as const satisfies readonly TroubleName[]) {
  test(`a server keeps what it acknowledged through this trouble with its disk: ${trouble}`, async (context) => {
    const out = directory(context);
    const { rows, skipped } = await run(context, { troubles: [trouble], units: 1500, out });
    assert.deepEqual(readdirSync(out), [], 'the small disk is gone');
    if (skipped.length > 0) {
      assert.match(skipped[0]?.reason ?? '', /^Cannot /);
      context.skip(skipped[0]?.reason);
      return;
    }
    assert.deepEqual(
      rows.map(({ kills }) => kills),
      [1, 1],
    );
  });
}

test('a server that does not come back is a failure with its seed and its database, not the end of the report', async (context) => {
  const out = directory(context);
  let starts = 0;
  const spawnOnce: SpawnServer = (options) => {
    starts += 1;
    return starts === 1 ? spawnServer(options) : Promise.reject(new Error('the log is gone'));
  };
  const { failures, exitCode } = await runCrashes({ ...SMALL, troubles: ['kill'], out }, { spawnServer: spawnOnce });
  assert.equal(exitCode, 1);
  const [, seed = '', kept = ''] = /^kill, concert claim, seed (\d+) \(kept in (.*)\): the log is gone$/.exec(failures.join('\n')) ?? [];
  assert.equal(kept, join(out, `failed-kill-${seed}`));
  assert.ok(readdirSync(kept).includes('0000000001.segment'));
});

test('runCrashes() refuses options out of their bounds, and begins nothing', async (context) => {
  const out = join(directory(context), 'never');
  const options = { ...SMALL, out };
  const environment = { spawnServer };
  await assert.rejects(runCrashes({ ...options, kills: 0 }, environment), { message: /--kills is 0, must be a whole number, 1 to 100000/ });
  await assert.rejects(runCrashes({ ...options, units: 19 }, environment), { message: /--units is 19, .* 20 to / });
  assert.equal(existsSync(out), false);
});
