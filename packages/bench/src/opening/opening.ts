/**
 * `npm run bench:open -- [--rows 10000000] [--tail-mb 100] [--rounds 3]`: how long a database of many seats takes to open after SIGKILL, with
 * a checkpoint and some log behind it, and from the log alone. The files are in the page cache. Nothing is asserted.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatFigure, medianOf, type Figure } from '../figures/figure.ts';
import { describeHost, filesystemOf } from '../report/host.ts';
import type { FillReport, OpenReport } from './opening-process.ts';

const MB = 1_000_000;
/** As a database has them unless it is told otherwise. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Checkpoints are read, and none is built meanwhile. */
const READ_ONLY_CHECKPOINTS = 2 ** 50;

/** What is measured. */
export interface OpeningOptions {
  readonly rows: number;
  readonly tailBytes: number;
  readonly rounds: number;
  readonly segmentSizeBytes: number;
}

/** Measures in an empty `directory`. The process that wrote the rows is killed before they are read. */
export async function openingFigures(directory: string, { rows, tailBytes, rounds, segmentSizeBytes }: OpeningOptions): Promise<Figure[]> {
  const filled = await runAndKill<FillReport>(['fill', directory, String(rows), String(tailBytes), String(segmentSizeBytes)]);
  const opened: OpenReport[] = [];
  for (let round = 0; round < rounds; round += 1) opened.push(await openOnce(directory, READ_ONLY_CHECKPOINTS));
  const rebuilt = await openOnce(directory, 0);
  const last = opened.at(-1);
  if (last === undefined || last.openedFrom === 0) throw new Error('Cannot measure: no checkpoint was opened');
  if (last.liveRows !== rebuilt.liveRows || last.freeRows !== rebuilt.freeRows) throw new Error('The checkpoint and the log differ');
  const scale = `${rows.toLocaleString('en')} rows, ${mb(filled.logBytes)} of log`;
  const seconds = opened.map((report) => report.seconds).toSorted((a, b) => a - b);
  return [
    {
      name: 'open after SIGKILL, with a checkpoint',
      value: medianOf(seconds),
      unit: 's',
      bound: 3,
      direction: 'atMost',
      detail: `${scale}, ${mb(filled.tailBytes)} of it behind a checkpoint of ${mb(filled.checkpointBytes)}; ${seconds.map((one) => one.toFixed(2)).join(', ')} s`,
    },
    {
      name: 'the same from the log alone',
      value: rebuilt.seconds,
      unit: 's',
      bound: Number.POSITIVE_INFINITY,
      direction: 'atMost',
      detail: `${(rebuilt.seconds / medianOf(seconds)).toFixed(1)} times as long`,
    },
    {
      name: 'most memory of the opening process',
      value: last.peakBytes / MB,
      unit: 'MB',
      bound: (rebuilt.peakBytes / MB) * 1.5,
      direction: 'atMost',
      detail: `${mb(last.derivedBytes)} of it derived state; from the log alone ${mb(rebuilt.peakBytes)}; files read through mappings count`,
    },
    {
      name: 'building the checkpoint, from the beginning of the log',
      value: filled.checkpointSeconds,
      unit: 's',
      bound: Number.POSITIVE_INFINITY,
      direction: 'atMost',
      detail: `in a thread of low priority; rows were written at ${Math.round(filled.rowsPerSecond).toLocaleString('en')} rows/s`,
    },
  ];
}

function openOnce(directory: string, checkpointBytes: number): Promise<OpenReport> {
  return runAndKill<OpenReport>(['open', directory, String(checkpointBytes)]);
}

async function runAndKill<Report>(words: readonly string[]): Promise<Report> {
  const child = fork(new URL('./opening-process.ts', import.meta.url), words);
  const exited = once(child, 'exit');
  const report = await Promise.race([
    once(child, 'message').then(([message]) => message as Report),
    exited.then(([code]) => Promise.reject(new Error(`Cannot measure: the process exited with ${String(code)}`))),
  ]);
  child.kill('SIGKILL');
  await exited;
  return report;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / MB).toLocaleString('en')} MB`;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '10000000' },
      'tail-mb': { type: 'string', default: '100' },
      rounds: { type: 'string', default: '3' },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'k-lani-opening-'));
  try {
    process.stdout.write(`${JSON.stringify({ ...describeHost(), node: process.version, filesystem: filesystemOf(directory) })}\n`);
    const options = {
      rows: Number(values.rows),
      tailBytes: Number(values['tail-mb']) * MB,
      rounds: Number(values.rounds),
      segmentSizeBytes: SEGMENT_BYTES,
    };
    const figures = await openingFigures(join(directory, 'database'), options);
    process.stdout.write(`${figures.map(formatFigure).join('\n')}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
