/** `k-lani bench crashes`: servers in real trouble, and the count of what they had promised. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  CRASH_DEFAULTS,
  type CrashOptions,
  type CrashReport,
  type CrashRow,
  runCrashes,
  type SpawnServer,
  TROUBLES,
  type TroubleName,
} from '@k-lani/bench';
import { integerBetween } from '../integer-option.ts';
import { ownServer } from '../own-server.ts';
import type { Terminal } from '../output/terminal.ts';
import { type Column, countText, textTable } from '../output/text-table.ts';
import { endOnSignals } from '../signals.ts';
import { examples, terminalOf } from './context.ts';

const KILLS_MAX = 100_000;
const STOPS_MAX = 1000;
const UNITS_MIN = 20;
const UNITS_MAX = 1_000_000;
const SEED_MAX = 0xffff_ffff;

/** A column of the table, and what stands in it. */
interface CrashColumn extends Column {
  readonly cell: (row: CrashRow) => string;
}

const COLUMNS: readonly CrashColumn[] = [
  { title: 'trouble', cell: ({ trouble }) => trouble },
  { title: 'storm', cell: ({ storm }) => storm },
  countColumn('kills', ({ kills }) => kills),
  countColumn('starting', ({ killsStarting }) => killsStarting),
  countColumn('closing', ({ killsClosing }) => killsClosing),
  countColumn('stops', ({ stops }) => stops),
  countColumn('given up', ({ segmentsGivenUp }) => segmentsGivenUp),
  countColumn('acknowledged', ({ acknowledged }) => acknowledged),
  countColumn('found', ({ found }) => found),
  countColumn('lost', ({ lost }) => lost),
  countColumn('double', ({ double }) => double),
  countColumn('unknown', ({ unknown }) => unknown),
  countColumn('asked again', ({ askedAgain }) => askedAgain),
  countColumn('otherwise', ({ contradicted }) => contradicted),
  { title: 'restart p50', isNumber: true, cell: ({ startsMs }) => msText(quantile(startsMs, 0.5)) },
  { title: 'max', isNumber: true, cell: ({ startsMs }) => msText(quantile(startsMs, 1)) },
];

/** The command. */
export function benchCrashesCommand(): Command {
  return new Command('crashes')
    .summary('kill the server hundreds of times, stop it, break its disk')
    .description(
      'Put servers of its own into trouble while buyers buy, and hold what the buyers were told against what the restarted server has: SIGKILL ' +
        'while it serves, starts and closes, and of processes that read beside it; SIGSTOP for longer than leases and time-outs; a disk that ' +
        'fills up, turns read-only, or fails a sync. The bad disks are small file systems, mounted for the test: it needs Linux and root for them, and leaves them out, with the ' +
        'reason, where it may not. Exit code 1 when anything was lost, sold twice, or answered otherwise when asked again.',
    )
    .option('--kills <n>', 'SIGKILLs, over all storms', integerBetween(1, KILLS_MAX), CRASH_DEFAULTS.kills)
    .option('--stops <n>', 'SIGSTOPs of each storm that is stopped', integerBetween(1, STOPS_MAX), CRASH_DEFAULTS.stops)
    .option('--units <n>', 'seats or rooms of one storm', integerBetween(UNITS_MIN, UNITS_MAX), CRASH_DEFAULTS.units)
    .option('--seed <n>', 'decides who wants what, and the moments', integerBetween(0, SEED_MAX), CRASH_DEFAULTS.seed)
    .addOption(
      new Option('--trouble <list>', `some of ${TROUBLES.join(',')}`).argParser(troublesIn).default(CRASH_DEFAULTS.troubles, 'all'),
    )
    .option('--out <dir>', 'directory for the databases', join('k-lani-bench', 'crashes'))
    .addHelpText(
      'after',
      examples(
        ['all of it', 'k-lani bench crashes'],
        ['a thousand kills, other moments', 'k-lani bench crashes --trouble kill --kills 1000 --seed 2'],
      ),
    )
    .action(async ({ trouble, ...options }: Omit<CrashOptions, 'troubles'> & { trouble: readonly TroubleName[] }, of: Command) => {
      endOnSignals();
      const terminal = terminalOf(of);
      const report = await run(terminal, { ...options, troubles: trouble });
      print(terminal, report);
      if (report.exitCode !== 0) process.exitCode = report.exitCode;
    });
}

async function run(terminal: Terminal, options: CrashOptions): Promise<CrashReport> {
  using bar = terminal.progress('Crashes');
  const spawnServer = await swiftServer(join(options.out, 'compiled'));
  return await runCrashes(options, {
    spawnServer,
    progress: ({ trouble, storm, kills, killsWanted, acknowledged }) =>
      bar.update(kills, killsWanted, `${trouble}, ${storm}: ${countText(kills)} kills, ${countText(acknowledged)} sales acknowledged`),
  });
}

/**
 * Servers that find in `directory` what one before them has compiled: otherwise most of a start is that. Only a process that ends in good
 * order keeps what it compiled, so one does so first.
 */
async function swiftServer(directory: string): Promise<SpawnServer> {
  const spawnServer = ownServer({ ...process.env, NODE_COMPILE_CACHE: directory });
  const first = await spawnServer({ directory: join(directory, 'database'), listen: 'tcp://127.0.0.1:0', durability: 'fsync' });
  await first.stop();
  return spawnServer;
}

function print(terminal: Terminal, { seed, rows, skipped, failures, exitCode }: CrashReport): void {
  if (terminal.isJson) {
    const told = rows.map(({ startsMs, ...row }) => ({ ...row, restartMs: { p50: quantile(startsMs, 0.5), max: quantile(startsMs, 1) } }));
    terminal.printJson({ ok: exitCode === 0, seed, rows: told, skipped, failures });
    return;
  }
  terminal.print(
    textTable(
      terminal,
      COLUMNS,
      rows.map((row) => COLUMNS.map(({ cell }) => cell(row))),
    ),
  );
  for (const { trouble, reason } of skipped) terminal.print(`left out: ${trouble}: ${reason}`);
  for (const failure of failures) terminal.print(`${terminal.style('red', 'WRONG')} ${failure}`);
  const sum = (pick: (row: CrashRow) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  terminal.print(
    `crashes_done kills=${sum((row) => row.kills)} stops=${sum((row) => row.stops)} acknowledged=${sum((row) => row.acknowledged)} ` +
      `found=${sum((row) => row.found)} lost=${sum((row) => row.lost)} double=${sum((row) => row.double)} ` +
      `unknown=${sum((row) => row.unknown)} otherwise=${sum((row) => row.contradicted)} seed=${seed}`,
  );
}

function countColumn(title: string, pick: (row: CrashRow) => number): CrashColumn {
  return { title, isNumber: true, cell: (row) => countText(pick(row)) };
}

function msText(ms: number | null): string {
  return ms === null ? '' : `${countText(Math.round(ms))} ms`;
}

/** The smallest value that the share of all does not exceed; null of none. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

function troublesIn(text: string): readonly TroubleName[] {
  return text.split(',').map((word) => {
    const trouble = TROUBLES.find((name) => name === word);
    if (trouble === undefined) throw new InvalidArgumentError(`"${word}" is none of ${TROUBLES.join(', ')}.`);
    return trouble;
  });
}
