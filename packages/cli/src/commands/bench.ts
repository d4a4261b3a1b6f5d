/** `k-lani bench`: the proofs, with the server as a process of its own. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import {
  type BenchEnvironment,
  type BenchOutcome,
  type BenchProgress,
  type CommonOptions,
  CONCERT_DEFAULTS,
  type ConcertOptions,
  HOLIDAY_DEFAULTS,
  type HolidayOptions,
  runConcert,
  runHoliday,
} from '@k-lani/bench';
import { KLaniError } from '@k-lani/protocol';
import { integerBetween } from '../integer-option.ts';
import { ownServer } from '../own-server.ts';
import type { ProgressBar } from '../output/progress-bar.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText } from '../output/text-table.ts';
import { endOnSignals } from '../signals.ts';
import { benchCrashesCommand } from './bench-crashes.ts';
import { examples, terminalOf } from './context.ts';

const COUNT_MAX = 10_000_000;
const REHEARSALS_MAX = 100;
const SEED_MAX = 0xffff_ffff;

/** What commander gives: switches that are off are left out. */
type GivenOptions<T extends CommonOptions> = Partial<T> & Pick<T, 'out'>;

/** The command and those below it. */
export function benchCommand(): Command {
  return new Command('bench')
    .summary('run a proof: concert, holiday or crashes')
    .description(
      'Run a proof against a server of its own, in a process of its own. At the end the server is killed and started again, and only then ' +
        'every row is counted. Writes raw-log.ndjson, result.json and index.html; the last line printed has the figures. Exit code 1 when ' +
        'anything was sold twice, lost, or went wrong.',
    )
    .addCommand(concertCommand())
    .addCommand(holidayCommand())
    .addCommand(benchCrashesCommand());
}

function concertCommand(): Command {
  const command = new Command('concert')
    .summary('many buyers, few seats')
    .description('A concert: every user wants a seat of one rank, and takes one of another when it is sold out.')
    .option('--users <n>', 'buyers', integerBetween(1, COUNT_MAX), CONCERT_DEFAULTS.users)
    .option('--seats <n>', 'seats', integerBetween(1, COUNT_MAX), CONCERT_DEFAULTS.seats)
    .option('--ranks <n>', 'ranks that the seats are divided among', integerBetween(1, COUNT_MAX), CONCERT_DEFAULTS.ranks)
    .option('--every-user', 'each user asks the server at least once, even for a rank that is known to be sold out');
  return withCommonOptions(command, { defaults: CONCERT_DEFAULTS, out: join('k-lani-bench', 'concert') })
    .addHelpText(
      'after',
      examples(
        ['as published', 'k-lani bench concert'],
        ['with the server killed in the middle', 'k-lani bench concert --kill'],
        ['one command a sale, over few connections', 'k-lani bench concert --flow claim --every-user --connections 8'],
      ),
    )
    .action(async (options: GivenOptions<ConcertOptions>, of: Command) => {
      await runBench(terminalOf(of), 'Concert', (environment) => runConcert({ ...CONCERT_DEFAULTS, ...options }, environment));
    });
}

function holidayCommand(): Command {
  const command = new Command('holiday')
    .summary('many sessions, few rooms under a price ceiling')
    .description('The Holiday Rush: sessions look for a room of one hotel below a price, and book what they find.')
    .option('--sessions <n>', 'sessions', integerBetween(1, COUNT_MAX), HOLIDAY_DEFAULTS.sessions)
    .option('--hotels <n>', 'hotels', integerBetween(1, COUNT_MAX), HOLIDAY_DEFAULTS.hotels)
    .option('--rooms-per-hotel <n>', 'rooms of each hotel', integerBetween(1, COUNT_MAX), HOLIDAY_DEFAULTS.roomsPerHotel)
    .option('--ceiling <price>', 'the most that a room may cost', integerBetween(0, COUNT_MAX), HOLIDAY_DEFAULTS.ceiling);
  return withCommonOptions(command, { defaults: HOLIDAY_DEFAULTS, out: join('k-lani-bench', 'holiday') })
    .addHelpText(
      'after',
      examples(['as published', 'k-lani bench holiday'], ['with the server killed in the middle', 'k-lani bench holiday --kill']),
    )
    .action(async (options: GivenOptions<HolidayOptions>, of: Command) => {
      await runBench(terminalOf(of), 'Holiday Rush', (environment) => runHoliday({ ...HOLIDAY_DEFAULTS, ...options }, environment));
    });
}

function withCommonOptions(command: Command, { defaults, out }: { defaults: Omit<CommonOptions, 'out'>; out: string }): Command {
  return command
    .option('--workers <n>', 'buyers at the counter at once', integerBetween(1, COUNT_MAX), defaults.workers)
    .option('--connections <n>', 'connections that the workers share', integerBetween(1, COUNT_MAX), defaults.connections)
    .addOption(
      new Option('--flow <flow>', 'loop: query, try lock, read again, replace, unlock; claim: one command')
        .choices(['loop', 'claim'])
        .default(defaults.flow),
    )
    .option('--seed <n>', 'decides who wants what, and when the server is killed', integerBetween(0, SEED_MAX), defaults.seed)
    .option('--kill', 'kill the server at a seeded moment between 20 and 80 % sold')
    .option('--rehearsals <n>', 'storms on other tables before the one that counts', integerBetween(0, REHEARSALS_MAX), defaults.rehearsals)
    .option('--out <dir>', 'directory for the files', out)
    .addOption(
      new Option('--durability <mode>', 'what an answer promises: fsync, on stable storage; os, it survives a killed process')
        .choices(['fsync', 'os'])
        .default(defaults.durability),
    );
}

/** Runs one and prints how it ended; sets the exit code when something is wrong. */
async function runBench(terminal: Terminal, label: string, run: (environment: BenchEnvironment) => Promise<BenchOutcome>): Promise<void> {
  endOnSignals();
  const outcome = await withProgress(terminal, label, run);
  printOutcome(terminal, outcome);
  if (outcome.exitCode !== 0) process.exitCode = outcome.exitCode;
}

/**
 * Runs one with servers of this command and a bar.
 *
 * @throws {KLaniError} `Io` when the server does not start, or ends without being told to
 */
export async function withProgress(
  terminal: Terminal,
  label: string,
  run: (environment: BenchEnvironment) => Promise<BenchOutcome>,
): Promise<BenchOutcome> {
  using bar = terminal.progress(label);
  try {
    return await run({ spawnServer: ownServer(), progress: (progress) => showProgress(bar, progress) });
  } catch (cause) {
    // A plain error says what became of the server; the errors of bugs are of other classes.
    const isOfServer = cause instanceof Error && cause.constructor === Error;
    throw isOfServer ? new KLaniError('Io', cause.message, { cause }) : cause;
  }
}

/** Prints what went wrong, where the files are, and last the line with the figures. */
function printOutcome(terminal: Terminal, { line, failures, files, result, exitCode }: BenchOutcome): void {
  if (terminal.isJson) {
    terminal.printJson({ ok: exitCode === 0, line, failures, files, figures: result.figures, durability: result.durability });
    return;
  }
  for (const failure of failures) terminal.print(`${terminal.style('red', 'WRONG')} ${failure}`);
  terminal.print(`page ${files.page}`);
  terminal.print(line);
}

function showProgress(bar: ProgressBar, { phase, done, total, sold, isServerDown }: BenchProgress): void {
  const counted = `${countText(done)} of ${countText(total)}`;
  const notes = {
    load: `put up for sale: ${counted}`,
    rehearsal: `rehearsed ${counted}`,
    storm: `served ${counted}, sold ${countText(sold)}${isServerDown ? ', server killed' : ''}`,
    recount: `recounted ${counted} rows`,
    report: 'writing the page',
  };
  bar.update(done, total, notes[phase]);
}
