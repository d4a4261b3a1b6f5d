/** `k-lani help exit-codes`. */
import { Command } from 'commander';
import { EXIT_CODE_MEANINGS } from '../exit-code.ts';
import { terminalOf } from './context.ts';

const MEANING_COLUMNS = 72;

/** A topic of the help; run as a command it prints the same. */
export function exitCodesCommand(): Command {
  return new Command('exit-codes')
    .summary('what the exit codes mean')
    .description('What the command ends with.')
    .addHelpText('after', `\n${tableText()}`)
    .action((_options: object, command: Command) => {
      const terminal = terminalOf(command);
      if (terminal.isJson) for (const entry of EXIT_CODE_MEANINGS) terminal.printJson(entry);
      else terminal.print(tableText());
    });
}

function tableText(): string {
  return EXIT_CODE_MEANINGS.map(({ code, meaning }) => `${String(code).padStart(4)}  ${wrapped(meaning).join('\n      ')}`).join('\n');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > MEANING_COLUMNS) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
