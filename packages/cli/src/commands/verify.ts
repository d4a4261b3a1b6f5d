/** `k-lani verify`: the offline check of a whole log. */
import { Command } from 'commander';
import { type LogReport, verifyLog } from '@k-lani/engine';
import { expectDatabase } from '../data/expect-database.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, fieldsText, sizeText } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';

/** The command. */
export function verifyCommand(): Command {
  return new Command('verify')
    .summary('check every record of a database')
    .description(
      'Check the whole log in a directory that no server has open: every segment, every batch and its hash, the chain of batches, every ' +
        'record and its checksum. Nothing is changed. Damage ends with exit code 3 and names file and offset.\n\n' +
        'The head hash stands for everything up to the last batch: keep it elsewhere, and a later change of what it covers shows.',
    )
    .argument('<dir>', 'the database’s directory, or a copy of it')
    .addHelpText(
      'after',
      examples(
        ['a database, after its server has ended', 'k-lani verify ./tickets'],
        ['a backup, in a script', 'k-lani verify /backup/tickets --json | jq -r .headHash'],
      ),
    )
    .action((directory: string, _options: object, command: Command) => {
      const terminal = terminalOf(command);
      expectDatabase(directory);
      using bar = terminal.progress('Verifying');
      const report = verifyLog(directory, {
        progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
      });
      bar.end();
      terminal.result({ ok: true, ...report, time: report.time.toISOString() }, () => reportText(terminal, report));
    });
}

function reportText(terminal: Terminal, report: LogReport): string {
  const facts = fieldsText(terminal, [
    ['directory', report.path],
    ['database', `${report.databaseId}, opened ${countText(report.epoch)} times`],
    ['segments', `${countText(report.segments)} of ${sizeText(report.segmentSizeBytes)}`],
    ['batches', countText(report.batches)],
    ['records', countText(report.records)],
    ['bytes', `${countText(report.sizeBytes)} (${sizeText(report.sizeBytes)})`],
    ['last lsn', `${report.lsnLast}, written ${report.time.toISOString()}`],
    ['head hash', report.headHash],
    ['ended', report.isClosed ? 'in good order' : 'without being closed (killed, or crashed)'],
  ]);
  const verdict = terminal.style('green', 'Whole: every batch and every record matches its checksum, and the chain is unbroken.');
  if (report.tornBytes === 0) return `${facts}\n${verdict}`;
  const tail =
    `${sizeText(report.tornBytes)} behind the last batch do not count: a write that a kill or a power cut cut short, which nobody was answered, ` +
    'or damage to what was the last batch, which nothing later proves. If nothing was killed, or you kept another head hash, restore a backup.';
  return `${facts}\n${verdict}\n${terminal.style('yellow', tail)}`;
}
