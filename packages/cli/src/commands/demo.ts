/** `k-lani demo`: both proofs on a directory of its own, and where their pages are. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { type BenchOutcome, CONCERT_DEFAULTS, HOLIDAY_DEFAULTS, runConcert, runHoliday } from '@k-lani/bench';
import { NodeIo, verifyLog } from '@k-lani/engine';
import { demoDirectory } from '../demo-directory.ts';
import { demoPage } from '../demo-page.ts';
import { ExitCode } from '../exit-code.ts';
import { integerBetween } from '../integer-option.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, sizeText } from '../output/text-table.ts';
import { endOnSignals } from '../signals.ts';
import { withProgress } from './bench.ts';
import { examples, terminalOf } from './context.ts';

interface DemoOptions {
  readonly dir?: string;
  readonly users: number;
  readonly seats: number;
}

const COUNT_MAX = 10_000_000;

/** The command. */
export function demoCommand(): Command {
  return new Command('demo')
    .summary('watch a concert sell out, and what is left after a kill')
    .description(
      'Start a server in a directory of its own, let 100,000 buyers take 10,000 seats over TCP, kill the server in the middle and at the ' +
        'end, count every seat again from disk; then the same with hotel rooms. Ends by itself and says where the page is. A later run ' +
        'begins anew in the same directory.',
    )
    .option('--dir <dir>', 'directory for database, logs and pages; by default with your other data')
    .option('--users <n>', 'buyers of the concert', integerBetween(1, COUNT_MAX), CONCERT_DEFAULTS.users)
    .option('--seats <n>', 'seats of the concert', integerBetween(1, COUNT_MAX), CONCERT_DEFAULTS.seats)
    .addHelpText(
      'after',
      examples(['both proofs', 'k-lani demo'], ['a small one, here', 'k-lani demo --users 2000 --seats 200 --dir ./demo']),
    )
    .action(async (options: DemoOptions, command: Command) => {
      await runDemo(terminalOf(command), options);
    });
}

async function runDemo(terminal: Terminal, { dir, users, seats }: DemoOptions): Promise<void> {
  const base = resolve(dir ?? demoDirectory());
  const directory = new NodeIo().openDirectory(base, { create: true });
  try {
    // Two demos at once would remove each other's files.
    directory.acquireLock();
    endOnSignals();
    terminal.note(`Directory ${base}`);
    terminal.note(
      `Concert: ${countText(users)} buyers, ${countText(seats)} seats, over TCP; the server will be killed while they are sold.`,
    );
    const concert = await withProgress(terminal, 'Concert', (environment) =>
      runConcert({ ...CONCERT_DEFAULTS, users, seats, everyUser: true, kill: true, out: join(base, 'concert') }, environment),
    );
    tell(terminal, concert);
    terminal.note(`Holiday Rush: ${countText(HOLIDAY_DEFAULTS.sessions)} sessions look for rooms; killed in the middle as well.`);
    const holiday = await withProgress(terminal, 'Holiday Rush', (environment) =>
      runHoliday({ ...HOLIDAY_DEFAULTS, kill: true, out: join(base, 'holiday') }, environment),
    );
    tell(terminal, holiday);
    finish(terminal, base, { concert, holiday });
  } finally {
    directory.close();
  }
}

/** Says in a sentence how a proof ended. */
function tell(terminal: Terminal, { result, failures }: BenchOutcome): void {
  const { verifiedSold, soldAtKill, doubleSold, lost, unknown, wallSecs } = result.figures;
  const words = [
    `${countText(verifiedSold)} sold in ${wallSecs.toFixed(1)} s`,
    `server killed after ${countText(soldAtKill)}`,
    `recounted from disk: ${countText(doubleSold)} sold twice, ${countText(lost)} lost, ${countText(unknown)} unknown`,
  ];
  terminal.note(`  ${words.join('; ')}.`);
  for (const failure of failures) terminal.note(`  WRONG: ${failure}`);
}

function finish(terminal: Terminal, base: string, proofs: { readonly concert: BenchOutcome; readonly holiday: BenchOutcome }): void {
  const { concert, holiday } = proofs;
  const report = verifyLog(join(base, 'concert', 'database'));
  const isRight = concert.exitCode === 0 && holiday.exitCode === 0;
  terminal.note(
    `Log of the concert verified: ${countText(report.records)} records in ${countText(report.batches)} batches, ${sizeText(report.sizeBytes)}.`,
  );
  const page = join(base, 'index.html');
  writeFileSync(page, demoPage(proofs));
  const pageUrl = pathToFileURL(page).href;
  if (terminal.isJson) {
    terminal.printJson({
      ok: isRight,
      page,
      concert: concert.line,
      holiday: holiday.line,
      files: { concert: concert.files, holiday: holiday.files },
    });
  } else {
    terminal.print(concert.line);
    terminal.print(holiday.line);
    terminal.print(terminal.style('bold', `Page: ${pageUrl}`));
  }
  if (!isRight) process.exitCode = ExitCode.failed;
}
