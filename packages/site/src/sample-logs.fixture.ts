/** Small raw logs for tests: a storm and a comparison. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRawLog, SAMPLE_LOG } from '@k-lani/bench';
import type { LineKind, Lines } from '@k-lani/compare';

const { host, filesystem, code } = SAMPLE_LOG.machine;

/** Figures of one round. */
function measured(which: { system: string; round: number; seconds: number; scenario?: string }): string {
  const { system, round, seconds, scenario = 'concert-loop-8' } = which;
  return line('measured', {
    scenario,
    system,
    round,
    way: { name: 'lock', connections: 8 },
    figures: {
      seconds: { value: seconds, unit: 's', better: 'lower' },
      rate: { value: 60 / seconds, unit: '1/s', better: 'higher' },
      'p99 at 2000': { value: seconds * 12_345.6, unit: 'µs', better: 'lower' },
    },
    counts: { sold: 60 },
    recount: { acknowledged: 60, verified: 60, lost: 0, wrong: 0 },
  });
}

function line<Kind extends LineKind>(kind: Kind, value: Lines[Kind]): string {
  return JSON.stringify({ [kind]: value });
}

function systemLine(name: string, title: string, kind: 'server' | 'embedded' = 'server'): string {
  const words = { version: '7.0.15', durability: 'after fsync <always>', isolation: 'serializable' };
  return line('system', { name, title, kind, ...words, configuration: ['save ""', 'backlog 511'] });
}

function killed(name: string, startMs: number, lost = 0): string {
  const recount = { acknowledged: 120, verified: 120 - lost, lost, wrong: 0 };
  return line('killed', { scenario: 'concert-loop-8', system: name, startMs, recount });
}

/** The lines of a comparison: k-lani wins against one system and loses against another; one is missing and one fails. */
export const COMPARISON_LINES: readonly string[] = [
  line('run', {
    format: 1,
    startedAt: '2026-02-03T04:05:06.789Z',
    command:
      'npm run bench:compare -- --scenarios concert-loop-8,concert-loop-128,read-sequential,read-random,range-scan,batched-insert,weight',
    size: 'small',
    rounds: 3,
    repeats: 4,
    seed: 17,
    systems: ['k-lani', 'slow', 'quick', 'absent', 'broken'],
    scenarios: ['concert-loop-8', 'read'],
    host,
    node: 'v26.10.0',
    filesystem,
    code,
    clients: { ioredis: '6.0.0' },
  }),
  systemLine('k-lani', 'k-lani'),
  systemLine('slow', 'Slow & Sure 2'),
  systemLine('quick', 'Quick'),
  systemLine('k-lani-embedded', 'k-lani, embedded', 'embedded'),
  systemLine('library', 'Library', 'embedded'),
  line('skipped', { system: 'absent', missing: 'absent-server', install: 'apt-get install absent-server-15' }),
  line('scenario', { name: 'concert-loop-8', title: 'Concert, 8 connections', what: '300 buyers, 60 seats', kinds: ['server'] }),
  line('trial', { scenario: 'concert-loop-8', system: 'k-lani', way: { name: 'lock', connections: 8 }, figures: {} }),
  ...[1, 2, 3].flatMap((round) => [
    measured({ system: 'k-lani', round, seconds: 0.041 + round * 0.003 }),
    measured({ system: 'slow', round, seconds: 0.31 + round * 0.02 }),
    measured({ system: 'quick', round, seconds: 0.02 + round * 0.001 }),
  ]),
  killed('k-lani', 52.25),
  killed('slow', 17.6),
  killed('quick', 14.4, 3),
  line('scenario', { name: 'read', title: 'Reads, 128 at once', what: 'by key', kinds: ['server'] }),
  ...[1, 2].map((round) => measured({ system: 'k-lani', round, seconds: 0.5 * round, scenario: 'read' })),
  line('scenario', { name: 'weight', title: 'Weight of 100 rows', what: 'memory', kinds: ['server', 'embedded'] }),
  ...['k-lani', 'k-lani-embedded', 'library', 'quick'].map((name, index) =>
    line('measured', {
      scenario: 'weight',
      system: name,
      round: 1,
      way: { name: 'plain', connections: 1 },
      figures: {
        memory: { value: 40.5 + index * 8, unit: 'MiB', better: 'lower' },
        point: { value: 840.25, unit: 'ns', better: 'lower' },
        amplification: { value: 1.25, unit: '×', better: 'lower' },
      },
      counts: {},
      recount: undefined,
    }),
  ),
  line('scenario', { name: 'insert', title: 'Batched insert in one transaction', what: '50,000 rows', kinds: ['server'] }),
  ...[1, 2, 3].flatMap((round) =>
    ['k-lani', 'slow'].map((name, index) =>
      line('measured', {
        scenario: 'insert',
        system: name,
        round,
        way: { name: 'one-by-one', connections: 1 },
        figures: { rate: { value: 122_512.3 * round * (3 - index), unit: 'rows/s', better: 'higher' } },
        counts: {},
        recount: undefined,
      }),
    ),
  ),
  line('failed', { system: 'broken', scenario: 'read', round: 1, reason: 'exit code 70\nmore' }),
  line('end', { finishedAt: '2026-02-03T04:06:00.000Z', seconds: 53.2, state: 'complete' }),
];

/** Writes both logs, one of them in a folder, and gives the directory. */
export function writeSampleLogs(directory: string): string {
  mkdirSync(join(directory, 'storms'), { recursive: true });
  writeFileSync(join(directory, 'storms', 'concert.ndjson'), encodeRawLog(SAMPLE_LOG));
  const { run } = SAMPLE_LOG;
  const holiday = { ...SAMPLE_LOG, run: { ...run, bench: 'holiday', flow: 'claim' }, unknown: [], windows: [] } as const;
  writeFileSync(join(directory, 'holiday.ndjson'), encodeRawLog(holiday));
  writeFileSync(join(directory, 'compare.ndjson'), `${COMPARISON_LINES.join('\n')}\n`);
  return directory;
}
