/**
 * The command line: every command, and what holds for all of them.
 *
 * Only the command that is asked for is loaded: a server that comes back after a crash does not wait for the benchmarks' code.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';

const AFTER_HELP = `
Begin with:
  k-lani demo                        100,000 buyers, 10,000 seats, and a page that shows it
  k-lani serve --data ./tickets      a server on a directory of its own
  k-lani help <command>              every command has examples
  k-lani help exit-codes             what scripts go by`;

/** The commands by name, in the order of the help. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['serve', async () => (await import('./commands/serve.ts')).serveCommand()],
  ['table', async () => (await import('./commands/table.ts')).tableCommand()],
  ['append', async () => (await import('./commands/append.ts')).appendCommand()],
  ['claim', async () => (await import('./commands/claim.ts')).claimCommand()],
  ['replace', async () => (await import('./commands/replace.ts')).replaceCommand()],
  ['delete', async () => (await import('./commands/delete.ts')).deleteCommand()],
  ['operation', async () => (await import('./commands/operation.ts')).operationCommand()],
  ['seek', async () => (await import('./commands/seek.ts')).seekCommand()],
  ['query', async () => (await import('./commands/query.ts')).queryCommand()],
  ['history', async () => (await import('./commands/history.ts')).historyCommand()],
  ['stats', async () => (await import('./commands/stats.ts')).statsCommand()],
  ['backup', async () => (await import('./commands/backup.ts')).backupCommand()],
  ['restore', async () => (await import('./commands/restore.ts')).restoreCommand()],
  ['verify', async () => (await import('./commands/verify.ts')).verifyCommand()],
  ['repair', async () => (await import('./commands/repair.ts')).repairCommand()],
  ['bench', async () => (await import('./commands/bench.ts')).benchCommand()],
  ['demo', async () => (await import('./commands/demo.ts')).demoCommand()],
  ['exit-codes', async () => (await import('./commands/exit-codes.ts')).exitCodesCommand()],
]);

/** The command line for the words that follow the program's name: all of it, or only the command that they begin with. */
export async function programFor(words: readonly string[]): Promise<Command> {
  const root = new Command('k-lani')
    .description('A narrow inventory and reservation engine: seats, rooms, slots, stock.')
    .version(version(), '-V, --version', 'print the version')
    .option('--json', 'print results, and errors, as JSON, one object a line')
    .addHelpText('after', AFTER_HELP);
  settle(root);
  const wanted = COMMANDS.get(commandNameIn(words) ?? '');
  for (const load of wanted === undefined ? COMMANDS.values() : [wanted]) {
    const command = await load();
    for (const one of [command, ...command.commands]) settle(one);
    root.addCommand(command);
  }
  return root;
}

/** The command that the words begin with, if there is one of that name. */
export function commandNameIn(words: readonly string[]): string | undefined {
  const first = words.find((word) => !word.startsWith('-'));
  return first !== undefined && COMMANDS.has(first) ? first : undefined;
}

/** Nothing but the caller ends the process or tells an error; options of the whole program show in every help. */
function settle(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true })
    .helpOption('-h, --help', 'print this help');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
