/**
 * `npm run bench:compare`: k-lani side by side with what else people would use.
 *
 * Exit codes: 0 when everything went well, 1 when a system failed or a recount was not exact, 2 for wrong options, 130 when interrupted.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KLaniError } from '@k-lani/protocol';
import { catalogue, CATALOGUE_URL } from './catalogue.ts';
import { readOptions, type Request, USAGE } from './options.ts';
import { progressLine } from './progress-line.ts';
import { summarize } from './report/summary.ts';
import { formatReport } from './report/tables.ts';
import { runComparison } from './run/comparison.ts';
import { readRawLog } from './run/raw-log.ts';

const EXIT_INTERRUPTED = 130;
const LOG_FILE = 'compare.ndjson';
const TABLES_FILE = 'compare.md';

try {
  process.exitCode = await carryOut(readOptions(process.argv.slice(2), catalogue, Date.now()));
} catch (error) {
  if (!(error instanceof KLaniError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

async function carryOut(request: Request): Promise<number> {
  if (request.kind === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (request.kind === 'list') {
    process.stdout.write(listed());
    return 0;
  }
  if (request.kind === 'tables') {
    report(request.log, request.write);
    return 0;
  }
  const exitCode = await compare(request.options);
  report(request.options.log, exitCode === EXIT_INTERRUPTED ? undefined : request.write);
  return exitCode;
}

async function compare(options: Extract<Request, { kind: 'run' }>['options']): Promise<number> {
  const over = new AbortController();
  // A second signal does not wait; what was started ends with this process.
  const stop = (signal: NodeJS.Signals): void =>
    over.signal.aborted ? process.exit(EXIT_INTERRUPTED) : over.abort(new Error(`ended by ${signal}`));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  using line = progressLine(process.stderr);
  process.stderr.write(`Raw log: ${resolve(options.log)}\n`);
  const { state, failures } = await runComparison(options, {
    catalogue,
    catalogueUrl: CATALOGUE_URL,
    signal: over.signal,
    progress: (text) => line.show(text),
    tell: (text) => line.tell(text),
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (state === 'interrupted') return EXIT_INTERRUPTED;
  return failures.length === 0 ? 0 : 1;
}

/** Tables are made of the log alone, as it stands in its file. */
function report(log: string, directory: string | undefined): void {
  const text = formatReport(summarize(readRawLog(log)));
  process.stdout.write(text);
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  const kept = join(directory, LOG_FILE);
  if (resolve(kept) !== resolve(log)) copyFileSync(log, kept);
  writeFileSync(join(directory, TABLES_FILE), text);
}

function listed(): string {
  const systems = catalogue.systems.map(({ name, title }) => `  ${name.padEnd(24)} ${title}`);
  const scenarios = catalogue.scenarios.map(({ name, title, kinds }) => `  ${name.padEnd(24)} ${title} (${kinds.join(', ')})`);
  return `systems\n${systems.join('\n')}\n\nscenarios\n${scenarios.join('\n')}\n`;
}
