/**
 * `npm run bench:storm -- [--seconds 30] [--rounds 3] [--rows 2000000] [--workers 32]`: claims over TCP while checkpoints are built, against the
 * same storm without checkpoints. The two take turns, each on a fresh copy of one database; the round in the middle counts. Nothing is
 * asserted.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SeededRandom } from '@k-lani/base';
import { connect, type Client } from 'k-lani-client';
import { SEATS } from '../concert.ts';
import { formatFigure, type Figure } from '../figures/figure.ts';
import { describeHost, filesystemOf } from '../report/host.ts';
import { histogramOf, latenciesOf, type Latencies } from '../report/latencies.ts';
import { serverCommand, type SpawnServer } from '../storm/server-process.ts';

const COMMAND = join(import.meta.dirname, '../../../cli/bin/k-lani.js');
/** Small segments and checkpoints as often as possible, so that a storm has several. */
const SEGMENT_BYTES = 16 * 1024 * 1024;
const CONNECTIONS = 8;
const RANKS = 10;
const WARM_UP_SECONDS = 2;
const P99_RATIO_MAX = 1.5;

/** What is measured. */
export interface StormOptions {
  readonly seconds: number;
  readonly rounds: number;
  readonly rows: number;
  readonly workers: number;
}

/** One storm. */
interface Storm {
  readonly latencies: Latencies;
  /** Checkpoints finished while it blew. */
  readonly built: number;
  readonly checkpointBytes: number;
  readonly claimsPerSecond: number;
}

/** Measures in an empty `directory`. */
export async function stormFigures(directory: string, spawnServer: SpawnServer, options: StormOptions): Promise<Figure[]> {
  const prepared = join(directory, 'prepared');
  await fillSeats(prepared, options.rows);
  const rounds: { without: Storm; with: Storm; ratio: number }[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    const without = await stormOn(prepared, { directory: join(directory, `without-${round}`), checkpointBytes: 0, spawnServer, options });
    const building = await stormOn(prepared, { directory: join(directory, `with-${round}`), checkpointBytes: 1, spawnServer, options });
    rounds.push({ without, with: building, ratio: building.latencies.p99Us / without.latencies.p99Us });
  }
  rounds.sort((a, b) => a.ratio - b.ratio);
  const middle = rounds[rounds.length >> 1];
  if (middle === undefined) throw new Error('Cannot measure: there are no rounds');
  const { without, with: built } = middle;
  const ratios = rounds.map(({ ratio }) => ratio.toFixed(2)).join(', ');
  return [
    {
      name: `claims at p99, ${options.seconds} s with whole checkpoints`,
      value: middle.ratio,
      unit: '× without',
      bound: P99_RATIO_MAX,
      direction: 'atMost',
      detail: `${tell(built)} and ${built.built} checkpoints, the last of ${(built.checkpointBytes / 1e6).toFixed(0)} MB; without ${tell(without)}; rounds ${ratios}`,
    },
  ];
}

function tell({ latencies, claimsPerSecond }: Storm): string {
  const ms = (us: number): string => (us / 1000).toFixed(2);
  return `p50 ${ms(latencies.p50Us)}, p99 ${ms(latencies.p99Us)}, p99.9 ${ms(latencies.p999Us)} ms at ${Math.round(claimsPerSecond).toLocaleString('en')} claims/s`;
}

async function stormOn(
  prepared: string,
  storm: { directory: string; checkpointBytes: number; spawnServer: SpawnServer; options: StormOptions },
): Promise<Storm> {
  const { directory, checkpointBytes, spawnServer, options } = storm;
  cpSync(prepared, directory, { recursive: true });
  const flags = ['--checkpoint-bytes', String(checkpointBytes)];
  const server = await spawnServer({ directory, listen: 'tcp://127.0.0.1:0', durability: 'fsync', flags });
  const clients: Client[] = [];
  try {
    for (let count = 0; count < CONNECTIONS; count += 1) clients.push(await connect(server.address));
    await claimFor(clients, options, WARM_UP_SECONDS);
    const before = await checkpointOf(clients[0]);
    const lists = await claimFor(clients, options, options.seconds);
    const after = await checkpointOf(clients[0]);
    const latencies = latenciesOf(histogramOf(lists));
    const claimsPerSecond = latencies.count / options.seconds;
    return { latencies, built: after.built - before.built, checkpointBytes: after.sizeBytes, claimsPerSecond };
  } finally {
    for (const client of clients) await client.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Lets every worker claim one seat after the other; returns their latencies in microseconds. */
async function claimFor(clients: readonly Client[], { workers }: StormOptions, seconds: number): Promise<number[][]> {
  const endMs = performance.now() + seconds * 1000;
  return Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const client = clients[worker % clients.length];
      if (client === undefined) throw new Error('Cannot claim: there is no connection');
      const table = await client.table(SEATS);
      const random = new SeededRandom(worker + 1);
      const latencies: number[] = [];
      for (;;) {
        const startedMs = performance.now();
        if (startedMs >= endMs) return latencies;
        const where = [
          { field: 'rank', eq: random.below(RANKS) },
          { field: 'is_booked', eq: 0 },
        ] as const;
        const { outcome } = await table.claim({ where, set: { is_booked: 1, buyer: worker + 1 } });
        if (outcome !== 'claimed') throw new Error(`Cannot measure: a claim came to ${outcome}, there are too few rows`);
        latencies.push(Math.round((performance.now() - startedMs) * 1000));
      }
    }),
  );
}

interface CheckpointReport {
  readonly built: number;
  readonly sizeBytes: number;
}

async function checkpointOf(client: Client | undefined): Promise<CheckpointReport> {
  const report: unknown = await client?.stats();
  return (report as { checkpoint: CheckpointReport }).checkpoint;
}

async function fillSeats(directory: string, rows: number): Promise<void> {
  const child = fork(new URL('./fill-seats.ts', import.meta.url), [directory, String(rows), String(SEGMENT_BYTES)]);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`Cannot fill the database: the process exited with ${String(code)}`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: '2000000' },
      workers: { type: 'string', default: '32' },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-storm-'));
  try {
    process.stdout.write(`${JSON.stringify({ ...describeHost(), node: process.version, filesystem: filesystemOf(directory) })}\n`);
    const options = {
      seconds: Number(values.seconds),
      rounds: Number(values.rounds),
      rows: Number(values.rows),
      workers: Number(values.workers),
    };
    const figures = await stormFigures(directory, serverCommand([process.execPath, COMMAND]), options);
    process.stdout.write(`${figures.map(formatFigure).join('\n')}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
