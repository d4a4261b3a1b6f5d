/** What every command needs of the command line. */
import type { Command } from 'commander';
import { Terminal } from '../output/terminal.ts';

/** The terminal that the command line asks for. */
export function terminalOf(command: Command): Terminal {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  return new Terminal({ isJson: json === true });
}

/** Help text with examples; what each does stands above it. */
export function examples(...pairs: readonly (readonly [what: string, line: string])[]): string {
  return ['', 'Examples:', ...pairs.flatMap(([what, line]) => [`  # ${what}`, `  ${line}`])].join('\n');
}
