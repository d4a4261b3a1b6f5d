/**
 * `npm run bench:backup -- [--rows 10000000] [--rounds 5]`: how fast a database is verified, and how fast it is backed up, against `cp` and a
 * sync of the same bytes. Both run in each round, one after the other, and a ratio is taken round by round. The files are in the page cache.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DirectoryTarget, NodeIo, backUp, openDatabase, verifyLogInThreads } from '@k-lani/engine';
import { defineTable } from '@k-lani/protocol';
import { formatFigure, medianOf, type Figure } from '../figures/figure.ts';
import { describeHost, filesystemOf } from '../report/host.ts';

const MB = 1_000_000;
const BATCH_ROWS = 4096;

const seats = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32' },
    is_booked: { type: 'bool', index: 'non_unique', default: false },
    buyer: { type: 'fixed_string', length: 64, required: false },
  },
});

/** What is measured. */
export interface BackupBenchOptions {
  readonly rows: number;
  readonly rounds: number;
  readonly segmentSizeBytes?: number;
}

/** Measures in an empty `directory`. */
export async function backupFigures(directory: string, options: BackupBenchOptions): Promise<Figure[]> {
  const data = join(directory, 'data');
  await fill(data, options);
  const segments = readdirSync(data).filter((name) => name.endsWith('.segment') && name !== 'next.segment');
  const files = segments.map((name) => join(data, name));
  const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
  const copied: number[] = [];
  const backedUp: number[] = [];
  const verified: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    copied.push(await secondsOf(join(directory, 'copy'), async (to) => copyAndSync(files, to)));
    backedUp.push(await secondsOf(join(directory, 'backup'), async (to) => backUpInto(data, to)));
    verified.push(await secondsOf(data, async () => void (await verifyLogInThreads(data)), false));
  }
  const ratios = copied.map((seconds, round) => seconds / (backedUp[round] ?? Number.NaN));
  const detail = `${mb(bytes)} in ${files.length} segments, ${options.rows.toLocaleString('en')} rows`;
  return [
    figure('verify', { values: verified.map((seconds) => bytes / MB / seconds), unit: 'MB/s', bound: 500, detail }),
    figure('backup, as a share of cp and sync', {
      values: ratios,
      unit: 'x',
      bound: 0.5,
      detail: `backup ${speeds(bytes, backedUp)}; cp and sync ${speeds(bytes, copied)}`,
    }),
  ];
}

function figure(name: string, { values, ...rest }: { values: readonly number[]; unit: string; bound: number; detail: string }): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const spread = `${sorted.at(0)?.toPrecision(3)} to ${sorted.at(-1)?.toPrecision(3)} ${rest.unit}`;
  return { name, value: medianOf(sorted), direction: 'atLeast', ...rest, detail: `${spread}; ${rest.detail}` };
}

async function fill(data: string, { rows, segmentSizeBytes }: BackupBenchOptions): Promise<void> {
  await using database = await openDatabase(data, {
    durability: 'os',
    checkpointBytes: 0,
    ...(segmentSizeBytes === undefined ? {} : { segmentSizeBytes }),
  });
  const table = await database.table(seats);
  for (let done = 0; done < rows; done += BATCH_ROWS) {
    await database.batch((batch) => {
      for (let row = done; row < Math.min(rows, done + BATCH_ROWS); row += 1) {
        batch.append(table, { rank: row % 10, seat_no: row, buyer: `buyer-${row}` });
      }
    });
  }
}

/** How long `run` takes; the directory is removed after it, and the disk is at rest before. */
async function secondsOf(to: string, run: (to: string) => Promise<void>, isRemoved = true): Promise<number> {
  execFileSync('sync');
  const startMs = performance.now();
  await run(to);
  const seconds = (performance.now() - startMs) / 1000;
  if (isRemoved) rmSync(to, { recursive: true, force: true });
  return seconds;
}

async function copyAndSync(files: readonly string[], to: string): Promise<void> {
  execFileSync('mkdir', [to]);
  execFileSync('cp', ['--reflink=never', ...files, to]);
  execFileSync(
    'sync',
    readdirSync(to).map((name) => join(to, name)),
  );
}

async function backUpInto(data: string, to: string): Promise<void> {
  const target = DirectoryTarget.open(new NodeIo(), to);
  try {
    await backUp(data, target);
  } finally {
    target.close();
  }
}

function speeds(bytes: number, seconds: readonly number[]): string {
  return `${seconds.map((one) => Math.round(bytes / MB / one)).join(', ')} MB/s`;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / MB).toLocaleString('en')} MB`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' }, rounds: { type: 'string', default: '5' } } });
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-backup-'));
  try {
    process.stdout.write(`${JSON.stringify({ ...describeHost(), node: process.version, filesystem: filesystemOf(directory) })}\n`);
    const figures = await backupFigures(directory, { rows: Number(values.rows), rounds: Number(values.rounds) });
    process.stdout.write(`${figures.map(formatFigure).join('\n')}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
