import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { probePort } from '../systems/port-probe.ts';
import { type ComparisonOptions, type ComparisonOutcome, runComparison } from './comparison.ts';
import { catalogue, CATALOGUE_URL } from './fake-catalogue.fixture.ts';
import { type Line, type Lines, readRawLog } from './raw-log.ts';

/** A run of fakes, and what it left. */
interface Ran extends ComparisonOutcome {
  readonly lines: readonly Line[];
  readonly told: readonly string[];
}

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-compare-test-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function optionsFor(directory: string, systems: readonly string[], more: Partial<ComparisonOptions> = {}): ComparisonOptions {
  return {
    systems: catalogue.systems.filter(({ name }) => systems.includes(name)),
    scenarios: catalogue.scenarios,
    rounds: 2,
    repeats: 3,
    size: 'small',
    seed: 1,
    log: join(directory, 'log.ndjson'),
    directory: join(directory, 'data'),
    firstPort: undefined,
    command: 'test',
    ...more,
  };
}

async function run(
  options: ComparisonOptions,
  signal = new AbortController().signal,
  progress: (text: string) => void = () => {},
): Promise<Ran> {
  const told: string[] = [];
  const environment = { catalogue, catalogueUrl: CATALOGUE_URL, signal, progress, tell: (text: string) => void told.push(text) };
  const outcome = await runComparison(options, environment);
  return { ...outcome, told, lines: readRawLog(options.log) };
}

function valuesOf<Kind extends keyof Lines>(lines: readonly Line[], kind: Kind): Lines[Kind][] {
  return lines.flatMap((line) => (line.kind === kind ? [line.value as Lines[Kind]] : []));
}

test('systems take turns round by round, with the faster way, and are counted after the round and after a kill', async (context) => {
  const { state, failures, lines } = await run(optionsFor(scratch(context), ['good', 'other']));
  assert.equal(state, 'complete');
  assert.deepEqual(failures, []);
  const measured = valuesOf(lines, 'measured').filter(({ scenario }) => scenario === 'store');
  assert.deepEqual(
    measured.map(({ system, round }) => `${system} ${round}`),
    ['good 1', 'other 1', 'good 2', 'other 2'],
  );
  for (const { way, recount } of measured) {
    assert.equal(way.name, 'fast');
    assert.deepEqual(recount, { acknowledged: 100, verified: 100, lost: 0, wrong: 0 });
  }
  const killed = valuesOf(lines, 'killed');
  assert.deepEqual(
    killed.map(({ system, scenario, recount }) => [system, scenario, recount.verified]),
    [
      ['good', 'store', 200],
      ['other', 'store', 200],
    ],
  );
});

test('repeats are shared among the rounds', async (context) => {
  const { lines } = await run(optionsFor(scratch(context), ['good']));
  const idle = valuesOf(lines, 'measured').filter(({ scenario }) => scenario === 'idle');
  assert.deepEqual(
    idle.map(({ figures }) => figures['seconds']?.value),
    [2, 2],
  );
});

test('a missing peer is left out by name, with the command that installs it, and the rest goes on', async (context) => {
  const { failures, lines, told } = await run(optionsFor(scratch(context), ['absent', 'good']));
  assert.deepEqual(failures, []);
  assert.deepEqual(valuesOf(lines, 'skipped'), [{ system: 'absent', missing: 'absent-server', install: 'apt-get install absent-server' }]);
  assert.match(told[0] ?? '', /absent.*apt-get install absent-server/);
  assert.equal(valuesOf(lines, 'measured').length, 4);
});

for (const [name, reason] of [
  ['shut', /the door is shut/],
  ['failing', /made of cheese/],
  ['dying', /driver ended with exit code 3/],
  ['losing', /99 of 100 acknowledged, 1 lost/],
] as const) {
  test(`the ${name} peer is reported, and the rest goes on`, async (context) => {
    const { state, failures, lines } = await run(optionsFor(scratch(context), [name, 'good']));
    assert.equal(state, 'complete');
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', reason);
    const [failed] = valuesOf(lines, 'failed');
    assert.equal(failed?.system, name);
    assert.match(failed?.reason ?? '', reason);
    assert.equal(valuesOf(lines, 'measured').filter(({ system }) => system === 'good').length, 4);
  });
}

test('an interrupted run stops its servers, keeps its raw log, and leaves no data', async (context) => {
  const directory = scratch(context);
  const over = new AbortController();
  const firstPort = await freePort();
  const options = optionsFor(directory, ['hanging', 'other'], { firstPort });
  const running = run(options, over.signal, (text) => {
    if (text.includes('round 1/2 · hanging')) over.abort(new Error('ended by SIGINT'));
  });
  const { state, lines } = await running;
  assert.equal(state, 'interrupted');
  assert.equal(valuesOf(lines, 'end')[0]?.state, 'interrupted');
  assert.equal(valuesOf(lines, 'system').length, 2);
  await assert.rejects(probePort(firstPort), { code: 'ECONNREFUSED' });
  await assert.rejects(probePort(firstPort + 1), { code: 'ECONNREFUSED' });
  assert.deepEqual(readdirSync(directory), ['log.ndjson']);
});

test('a port in use is refused before anything starts', async (context) => {
  const directory = scratch(context);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  const options = optionsFor(directory, ['good'], { firstPort: address.port });
  await assert.rejects(run(options), { code: 'InvalidArgument', message: new RegExp(`port ${address.port} is in use`) });
  assert.deepEqual(readdirSync(directory), []);
});

test('a folder in use is refused before anything starts, and left as it is', async (context) => {
  const directory = scratch(context);
  mkdirSync(join(directory, 'data'));
  writeFileSync(join(directory, 'data', 'precious'), '');
  await assert.rejects(run(optionsFor(directory, ['good'])), { code: 'InvalidArgument', message: /is not empty/ });
  assert(existsSync(join(directory, 'data', 'precious')));
  assert(!existsSync(join(directory, 'log.ndjson')));
});

test('a folder that is a file is refused', async (context) => {
  const directory = scratch(context);
  writeFileSync(join(directory, 'data'), 'precious');
  await assert.rejects(run(optionsFor(directory, ['good'])), { code: 'InvalidArgument', message: /is no directory/ });
});

test('a raw log that is there already is refused, and left as it is', async (context) => {
  const directory = scratch(context);
  writeFileSync(join(directory, 'log.ndjson'), 'precious');
  await assert.rejects(run(optionsFor(directory, ['good'])), { code: 'InvalidArgument', message: /is there already/ });
  assert.deepEqual(readdirSync(directory), ['log.ndjson']);
});

/** One that was free a moment ago, with the next one free too in all likelihood. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  server.close();
  await once(server, 'close');
  return address.port;
}
