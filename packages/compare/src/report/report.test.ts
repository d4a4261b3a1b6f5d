import assert from 'node:assert/strict';
import test from 'node:test';
import type { Line, LineKind, Lines } from '../run/raw-log.ts';
import type { Recount } from '../scenarios/scenario.ts';
import { type Goal, GOALS, ratiosOf, speedOf } from './ratios.ts';
import { spreadOf, summarize } from './summary.ts';
import { formatNumber, formatReport } from './tables.ts';
import { catalogue } from '../catalogue.ts';

const RUN: Lines['run'] = {
  format: 1,
  startedAt: '2026-01-02T03:04:05.000Z',
  command: 'npm run bench:compare',
  size: 'published',
  rounds: 3,
  repeats: 100,
  seed: 1,
  systems: ['k-lani', 'redis'],
  scenarios: ['concert-loop-8'],
  host: { cpu: 'A processor', cores: 2, memoryBytes: 4 * 2 ** 30, platform: 'linux', kernel: '6.1', arch: 'x64' },
  node: 'v26.0.0',
  filesystem: 'ext4',
  code: { sha256: 'ab', files: 1, commit: 'cd' },
  clients: { ioredis: '6.0.0' },
};

const EXACT: Recount = { acknowledged: 10, verified: 10, lost: 0, wrong: 0 };

function line<Kind extends LineKind>(kind: Kind, value: Lines[Kind], number = 1): Line {
  return { kind, number, value } as Line;
}

function measured(system: string, round: number, seconds: number, recount: Recount | undefined = EXACT): Line {
  const figures = {
    seconds: { value: seconds, unit: 's', better: 'lower' },
    requests: { value: 100 / seconds, unit: '1/s', better: 'higher' },
  } as const;
  return line('measured', {
    scenario: 'concert-loop-8',
    system,
    round,
    way: { connections: 8, name: 'way' },
    figures,
    counts: {},
    recount,
  });
}

const SCENARIO = line('scenario', { name: 'concert-loop-8', title: 'Concert', what: 'all of it', kinds: ['server'] });
const ROUNDS = [
  measured('k-lani', 1, 1),
  measured('redis', 1, 4),
  measured('k-lani', 2, 2),
  measured('redis', 2, 4),
  measured('k-lani', 3, 1),
  measured('redis', 3, 3),
];
const KILLED = line('killed', { scenario: 'concert-loop-8', system: 'redis', startMs: 5, recount: { ...EXACT, verified: 9, lost: 1 } });
const LINES = [line('run', RUN), SCENARIO, ...ROUNDS, KILLED];

test('figures are the median of the rounds, with the least and the greatest', () => {
  const [scenario] = summarize(LINES).scenarios;
  const seconds = scenario?.rows.map(({ figures }) => figures.get('seconds'));
  assert.deepEqual(seconds, [
    { median: 1, min: 1, max: 2, unit: 's', better: 'lower' },
    { median: 4, min: 3, max: 4, unit: 's', better: 'lower' },
  ]);
  assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
});

test('a ratio is taken within each round, and its median is held against the bound', () => {
  const goal: Goal = {
    against: 'Redis',
    ours: { system: 'k-lani', scenario: 'concert-loop-8' },
    theirs: { system: 'redis', scenario: 'concert-loop-8' },
    bound: 3,
    direction: 'atLeast',
  };
  const summary = summarize(LINES);
  const [kept] = ratiosOf(summary, [goal]);
  assert.deepEqual(kept, { goal, spread: { median: 3, min: 2, max: 4 }, isKept: true });
  assert.equal(ratiosOf(summary, [{ ...goal, bound: 3.01 }])[0]?.isKept, false);
  // The same by another figure, of which more is better; and as a share of their time.
  const requests = { figure: 'requests', scenario: 'concert-loop-8' };
  const byRequests = { ...goal, ours: { system: 'k-lani', ...requests }, theirs: { system: 'redis', ...requests } };
  assert.equal(ratiosOf(summary, [byRequests])[0]?.spread?.median, 3);
  const share = ratiosOf(summary, [{ ...goal, direction: 'atMost', bound: 0.34 }])[0];
  assert.equal(share?.spread?.median, 1 / 3);
  assert.equal(share?.isKept, true);
});

test('a round that one of the two did not end is left out of the ratio, and a system that was not there has none', () => {
  const summary = summarize([line('run', RUN), SCENARIO, ...ROUNDS.slice(0, 3)]);
  const [ours, theirs] = summary.scenarios[0]?.rows ?? [];
  assert(ours !== undefined && theirs !== undefined);
  assert.deepEqual(speedOf(ours, theirs), { median: 4, min: 4, max: 4 });
  const mariadb = ratiosOf(summary).find(({ goal }) => goal.theirs.system === 'mariadb');
  assert.equal(mariadb?.spread, undefined);
  assert.equal(mariadb?.isKept, undefined);
});

test('every goal names systems and scenarios that exist', () => {
  const systems = catalogue.systems.map(({ name }) => name);
  const scenarios = catalogue.scenarios.map(({ name }) => name);
  for (const { ours, theirs, against } of GOALS) {
    for (const { system, scenario } of [ours, theirs]) {
      assert(systems.includes(system), `${against}: ${system}`);
      assert(scenarios.includes(scenario), `${against}: ${scenario}`);
    }
  }
});

test('the report says what was won and lost, left out, failed, and not found again', () => {
  const text = formatReport(
    summarize([
      ...LINES,
      line('skipped', { system: 'mariadb', missing: 'mariadbd', install: 'apt-get install mariadb-server' }),
      line('failed', { system: 'redis', scenario: 'concert-loop-8', round: undefined, reason: 'no room\nat all' }),
    ]),
  );
  assert.match(text, /\| Redis, concert loop, 8 connections +\| >= 2\.5 +\| 3\.00 +\| 2\.00 to 4\.00 +\| kept +\|/);
  assert.match(text, /\| redis +\| way, 8 connections +\| 4\.00 +\| 3\.00 to 4\.00 +\| 3\.00 × as fast \(2\.00 to 4\.00\) +\|/);
  assert.match(text, /30 exact +\| 9 of 10, 1 LOST, 0 WRONG/);
  assert.match(text, /- mariadb: no mariadbd; apt-get install mariadb-server/);
  assert.match(text, /- redis, concert-loop-8: no room$/m);
  assert.match(text, /cut off/);
});

test('numbers keep three digits, and all before the point', () => {
  assert.deepEqual([0, 0.01234, 1.5, 12.34, 123.4, 1234.5].map(formatNumber), ['0', '0.0123', '1.50', '12.3', '123', '1,235']);
});
