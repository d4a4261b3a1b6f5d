/** Runs the command line of this process. Started by `bin/k-lani.js`, once that knows that this Node can run it. */
import { CommanderError } from 'commander';
import { KLaniError } from '@k-lani/protocol';
import { ExitCode, exitCodeOf } from './exit-code.ts';
import { withRemedy } from './output/failure.ts';
import { Terminal } from './output/terminal.ts';
import { commandNameIn, programFor } from './program.ts';

const words = process.argv.slice(2);

process.stdout.on('error', endWithReader);
process.stderr.on('error', endWithReader);

process.on('uncaughtException', (error) => {
  fail(error);
  process.exit(ExitCode.bug);
});

const failure = await run();
if (failure !== undefined) {
  fail(failure);
  process.exitCode = exitCodeOf(failure);
}

/** Gives what the command failed with. */
async function run(): Promise<unknown> {
  try {
    const program = await programFor(words);
    if (words.every((word) => word === '--json')) program.outputHelp();
    else await program.parseAsync(asked(words), { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) return error;
    if (error.exitCode === 0) return undefined;
    const reason = error.code === 'commander.help' ? missingCommand() : error.message.replace(/^error: /, '');
    return new KLaniError('InvalidArgument', `Cannot read command line: ${reason}`);
  }
}

/** `help table create` asks what `table create --help` asks; the library's own help goes one level deep. */
function asked(given: readonly string[]): string[] {
  const [first, ...rest] = given;
  return first === 'help' && rest.length > 1 ? [...rest, '--help'] : [...given];
}

/** Why the help was printed instead. */
function missingCommand(): string {
  return words[0] === 'help' ? `unknown command '${words[1] ?? ''}'` : 'a subcommand is missing';
}

function fail(error: unknown): void {
  if (error instanceof KLaniError && error.code === 'InvalidArgument') {
    const name = commandNameIn(words);
    withRemedy(error, `"k-lani help${name === undefined ? '' : ` ${name}`}" shows how it is used.`);
  }
  new Terminal({ isJson: words.includes('--json') }).fail(error);
}

/** Nobody reads on: nothing is left to be done. */
function endWithReader(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit(ExitCode.readerGone);
  throw error;
}
