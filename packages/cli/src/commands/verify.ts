/** `k-lani verify`: the check of a whole log, of a running database too. */
import { Command } from 'commander';
import { checkCheckpoints, type CheckpointCheck, type LogReport, parseAnchor, verifyLogInThreads } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { expectDatabase } from '../data/expect-database.ts';
import { plain } from '../output/plain-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, fieldsText, sizeText } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';

interface VerifyCommandOptions {
  readonly data?: string;
  readonly anchor?: string;
}

/** The command. */
export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check every record of a database')
    .description(
      'Check the whole log in a directory, whether a server has it open or not: every segment, every batch and its hash, the chain of ' +
        'batches, every record and its checksum. Nothing is changed. Damage ends with exit code 3 and names file and offset.\n\n' +
        'The anchor stands for everything up to its batch: keep it elsewhere, and give it to a later check. Whether what it covers was ' +
        'changed or cut off since then shows.',
    )
    .argument('[dir]', 'the database’s directory, or a backup')
    .option('--data <dir>', 'the same')
    .option('--anchor <lsn:hash>', 'what an earlier check or backup has told; it must still be true')
    .addHelpText(
      'after',
      examples(
        ['a database', 'k-lani verify ./tickets'],
        ['a backup, against an anchor that is kept elsewhere', 'k-lani verify --data /backup/tickets --anchor "$(cat tickets.anchor)"'],
        ['the anchor, in a script', 'k-lani verify ./tickets --json | jq -r .anchor > tickets.anchor'],
      ),
    )
    .action(async (argument: string | undefined, options: VerifyCommandOptions, command: Command) => {
      const terminal = terminalOf(command);
      const directory = directoryOf(argument, options.data);
      const anchor = options.anchor === undefined ? undefined : parseAnchor(options.anchor.trim());
      expectDatabase(directory);
      using bar = terminal.progress('Verifying');
      const startMs = performance.now();
      const report = await verifyLogInThreads(directory, {
        anchor,
        progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
      });
      bar.end();
      const checkpoints = checkCheckpoints(directory);
      const seconds = Number(((performance.now() - startMs) / 1000).toFixed(3));
      const json = { ok: true, ...report, time: report.time.toISOString(), seconds, checkpoints };
      terminal.result(json, () => [reportText(terminal, report, seconds), ...checkpointsText(terminal, checkpoints)].join('\n'));
    });
}

function directoryOf(argument: string | undefined, data: string | undefined): string {
  const directory = argument ?? data;
  if (directory !== undefined && (argument === undefined || data === undefined)) return directory;
  throw new KLaniError('InvalidArgument', `Cannot verify: ${directory === undefined ? 'no directory is' : 'two directories are'} given`);
}

function reportText(terminal: Terminal, report: LogReport, seconds: number): string {
  const facts = fieldsText(terminal, [
    ['directory', `${report.path}${report.isRunning ? ', running' : ''}`],
    ['database', `${report.databaseId}, opened ${countText(report.epoch)} times`],
    ['segments', `${countText(report.segments)} of ${sizeText(report.segmentSizeBytes)}, the first is ${report.firstSegment}`],
    ['batches', countText(report.batches)],
    ['records', countText(report.records)],
    ['bytes', `${countText(report.sizeBytes)} (${sizeText(report.sizeBytes)}) in ${seconds.toFixed(1)} s`],
    ['last lsn', `${report.lsnLast}, written ${report.time.toISOString()}`],
    ['head hash', report.headHash],
    ['anchor', report.anchor ?? 'none yet'],
    ['ended', endText(report)],
  ]);
  const verdict = terminal.style('green', 'Whole: every batch and every record matches its checksum, and the chain is unbroken.');
  return [facts, verdict, ...anchorGivenText(terminal, report), ...tornText(terminal, report)].join('\n');
}

function checkpointsText(terminal: Terminal, checkpoints: readonly CheckpointCheck[]): string[] {
  return checkpoints.map(({ name, fault }) => {
    if (fault === undefined) return terminal.style('green', `Whole: ${name}.`);
    const what = `${plain(fault)}. A checkpoint is a cache: the next start reads the log instead, and makes another.`;
    return terminal.style('yellow', `${name} is not whole: ${what}`);
  });
}

function endText({ isRunning, isClosed }: LogReport): string {
  if (isRunning) return 'not yet: a process has it open';
  return isClosed ? 'in good order' : 'without being closed (killed, or crashed)';
}

function anchorGivenText(terminal: Terminal, { anchorGiven }: LogReport): string[] {
  if (anchorGiven === undefined) return [];
  if (anchorGiven === 'matches') return [terminal.style('green', 'The anchor that was given is in it: nothing before it was changed.')];
  const what = 'The anchor that was given lies before the first segment: history that old is no longer kept, so nothing is proven by it.';
  return [terminal.style('yellow', what)];
}

function tornText(terminal: Terminal, { isRunning, tornBytes }: LogReport): string[] {
  if (tornBytes === 0) return [];
  if (isRunning) return [`${sizeText(tornBytes)} behind the last batch are being written.`];
  const what =
    `${sizeText(tornBytes)} behind the last batch do not count: a write that a kill or a power cut cut short, which nobody was answered, ` +
    'or damage to what was the last batch, which nothing later proves. If nothing was killed, or you kept another anchor, restore a backup.';
  return [terminal.style('yellow', what)];
}
