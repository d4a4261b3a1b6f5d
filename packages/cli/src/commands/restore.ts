/** `k-lani restore`: a database of a backup, as it was at its end, at an lsn or at a time. */
import { statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type BackupSource, DirectorySource, NodeIo, restore, type RestoreReport } from '@k-lani/engine';
import { integerBetween } from '../integer-option.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, fieldsText, sizeText } from '../output/text-table.ts';
import { TarSource } from '../tar/tar-source.ts';
import { examples, terminalOf } from './context.ts';

const LSN_MAX = 999_999_999_999_999;

interface RestoreCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly lsn?: number;
  readonly time?: Date;
}

/** The command. */
export function restoreCommand(): Command {
  return new Command('restore')
    .summary('make a database of a backup')
    .description(
      'Make a database of a backup in a new directory. Everything is checked; a backup with damage is refused, and nothing is left of it.\n\n' +
        'With --lsn or --time the log is cut behind the last batch that lies wholly at or before it. What was written at the same moment ' +
        'belongs to one batch and stays together, so a cut can fall a little before the lsn.',
    )
    .requiredOption('--from <place>', 'a backup: a directory, FILE.tar, or - for a tar stream on standard input')
    .requiredOption('--to <dir>', 'the directory of the new database, which is empty or missing')
    .option('--lsn <lsn>', 'keep nothing behind this lsn', integerBetween(1, LSN_MAX))
    .option('--time <time>', 'keep nothing written after this time, in ISO 8601 such as 2026-11-21T18:30:00Z', timeOption)
    .addHelpText(
      'after',
      examples(
        ['all of it', 'k-lani restore --from /backup/tickets --to ./tickets'],
        ['as it was on Saturday at half past six', 'k-lani restore --from /backup/tickets --to ./tickets-then --time 2026-11-21T18:30:00Z'],
        ['from another machine', 'ssh vault zstdcat tickets.tar.zst | k-lani restore --from - --to ./tickets'],
      ),
    )
    .action(async ({ from, to, lsn, time }: RestoreCommandOptions, command: Command) => {
      const terminal = terminalOf(command);
      const startMs = performance.now();
      const source = sourceOf(from);
      try {
        using copying = terminal.progress('Copying');
        using checking = terminal.progress('Checking');
        const report = await restore(source, to, {
          lsn,
          time,
          progress: (done) => copying.update(done, source.sizeBytes ?? 0, sizeText(done)),
          checkProgress: (done, total) => {
            copying.end();
            checking.update(done, total, `${sizeText(done)} of ${sizeText(total)}`);
          },
        });
        checking.end();
        const seconds = (performance.now() - startMs) / 1000;
        terminal.result({ ok: true, ...report, seconds: Number(seconds.toFixed(3)) }, () => reportText(terminal, report, seconds));
      } finally {
        source.close();
      }
    });
}

function sourceOf(from: string): BackupSource {
  if (from === '-') return TarSource.fromInput();
  if (statSync(from, { throwIfNoEntry: false })?.isFile() === true) return TarSource.fromFile(from);
  return DirectorySource.open(new NodeIo(), from);
}

function timeOption(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a time with its zone, such as 2026-11-21T18:30:00Z.');
}

function reportText(terminal: Terminal, { databaseId, path, source, segments, kept, anchor, cut }: RestoreReport, seconds: number): string {
  const size = `${countText(kept.batches)} batches, ${countText(kept.records)} records, ${sizeText(kept.sizeBytes)}`;
  const facts = fieldsText(terminal, [
    ['database', `${databaseId} in ${path}`],
    ['from', source],
    ['restored', `${size} in ${countText(segments)} segments, ${seconds.toFixed(1)} s`],
    ['last lsn', `${kept.lsnLast}, written ${kept.timeLast.toISOString()}`],
    ['anchor', anchor],
  ]);
  if (cut === undefined) return facts;
  const from = `lsn ${cut.lsnFirst} of ${cut.timeFirst.toISOString()}`;
  const to = `lsn ${cut.lsnLast} of ${cut.timeLast.toISOString()}`;
  const what = `Cut off: ${countText(cut.batches)} batches with ${countText(cut.records)} records, from ${from} to ${to}. They are in the backup still.`;
  return `${facts}\n${terminal.style('yellow', what)}`;
}
