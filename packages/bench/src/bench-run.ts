/**
 * One run of a benchmark, from an empty directory to the page.
 *
 * | file in the output directory | content |
 * | --- | --- |
 * | `raw-log.ndjson` | everything that was seen, see `report/raw-log.ts` |
 * | `result.json` | the figures and where they come from, see `report/result.ts` |
 * | `index.html` | the page, made from the other two |
 * | `database/` | the database that was sold from, removed when the next run begins |
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KLaniError } from '@k-lani/protocol';
import { buildPage } from './page/page.ts';
import { describeMachine } from './report/machine.ts';
import { encodeRawLog, RAW_LOG_FORMAT, type RawLog, type RunHeader } from './report/raw-log.ts';
import { type BenchResult, makeResult } from './report/result.ts';
import type { SpawnServer } from './storm/server-process.ts';
import type { Market, OpenShop } from './storm/shop.ts';
import { type BenchProgress, runStorm } from './storm/storm.ts';
import type { StormOptions } from './storm/storm-state.ts';

const RAW_LOG_FILE = 'raw-log.ndjson';
const RESULT_FILE = 'result.json';
const PAGE_FILE = 'index.html';
const DATABASE_DIRECTORY = 'database';

/** What a benchmark needs from whoever runs it. */
export interface BenchEnvironment {
  /** Starts the server as a process of its own; `serverCommand()` makes one from a command line. */
  readonly spawnServer: SpawnServer;
  /** Called about ten times a second. */
  readonly progress?: (progress: BenchProgress) => void;
}

/** How a benchmark ended. */
export interface BenchOutcome {
  /** The last line to print. */
  readonly line: string;
  /** What is wrong, one sentence each. */
  readonly failures: readonly string[];
  /** 0 when nothing is wrong, else 1. */
  readonly exitCode: 0 | 1;
  readonly result: BenchResult;
  readonly files: { readonly rawLog: string; readonly result: string; readonly page: string };
}

/** What tells one benchmark from another. */
export interface Bench<Row, Term> {
  readonly name: RunHeader['bench'];
  readonly market: Market<Row, Term>;
  readonly storm: StormOptions;
  readonly out: string;
  readonly durability: 'fsync' | 'os';
  /** The command that runs it again. */
  readonly command: string;
  readonly openShop: OpenShop<Row, Term>;
}

/** Runs a benchmark and writes its files. */
export async function runBench<Row, Term>(bench: Bench<Row, Term>, environment: BenchEnvironment): Promise<BenchOutcome> {
  const progress = environment.progress ?? (() => {});
  const directory = prepareDirectory(bench.out);
  const startedAt = new Date().toISOString();
  const record = await runStorm(bench.market, bench.storm, {
    spawnServer: environment.spawnServer,
    directory,
    durability: bench.durability,
    openShop: bench.openShop,
    progress,
  });
  const { sales, unknown, marks, meter } = record.state;
  const { buyers, workers, connections, flow, everyUser, kill, rehearsals, seed } = bench.storm;
  const run = { format: RAW_LOG_FORMAT, bench: bench.name, flow, buyers, workers, connections, everyUser, kill, rehearsals, seed };
  const log: RawLog = {
    run: {
      ...run,
      groupSizes: bench.market.groupSizes,
      unitsWithinTerms: bench.market.unitsWithinTerms,
      durability: record.durability,
      startedAt,
      command: bench.command,
    },
    machine: describeMachine(directory, record.serverVersion),
    sales,
    unknown,
    marks,
    windows: meter.windows(),
    rows: record.rows,
    end: record.end,
  };
  progress({ phase: 'report', done: 0, total: 3, sold: sales.length, isServerDown: false });
  const outcome = writeFiles(bench.out, log, record.serverPeakBytes);
  progress({ phase: 'report', done: 3, total: 3, sold: sales.length, isServerDown: false });
  return outcome;
}

function writeFiles(out: string, log: RawLog, serverPeakBytes: number | undefined): BenchOutcome {
  const files = { rawLog: join(out, RAW_LOG_FILE), result: join(out, RESULT_FILE), page: join(out, PAGE_FILE) };
  const rawLog = encodeRawLog(log);
  writeFileSync(files.rawLog, rawLog);
  const result = makeResult({ log, rawLog, rawLogFile: RAW_LOG_FILE, serverPeakBytes });
  writeFileSync(files.result, `${JSON.stringify(result, undefined, 2)}\n`);
  writeFileSync(files.page, buildPage(rawLog, result));
  return { line: result.line, failures: result.failures, exitCode: result.failures.length === 0 ? 0 : 1, result, files };
}

/** An empty directory for the database. One that is there already is removed only if a benchmark left it: its raw log lies beside it. */
function prepareDirectory(out: string): string {
  const directory = join(out, DATABASE_DIRECTORY);
  const isOurs = existsSync(join(out, RAW_LOG_FILE));
  if (existsSync(directory) && !isOurs) {
    throw new KLaniError(
      'InvalidArgument',
      `Cannot run in ${out}: ${directory} is there, and no benchmark left it; choose another directory`,
    );
  }
  for (const name of [DATABASE_DIRECTORY, RESULT_FILE, PAGE_FILE]) rmSync(join(out, name), { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(out, RAW_LOG_FILE), '');
  return directory;
}
