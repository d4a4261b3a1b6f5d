/** `k-lani backup`: a copy of a database, running or stopped, into a directory or a tar stream. */
import { Command } from 'commander';
import { connect } from 'k-lani-client';
import { backUp, type BackupReport, type BackupTarget, DirectoryTarget, NodeIo } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { expectDatabase } from '../data/expect-database.ts';
import type { Terminal } from '../output/terminal.ts';
import { countText, fieldsText, sizeText } from '../output/text-table.ts';
import { TarTarget } from '../tar/tar-target.ts';
import { examples, terminalOf } from './context.ts';

const OUTPUT = '-';

interface BackupCommandOptions {
  readonly data: string;
  readonly to: string;
  readonly connect?: string;
}

/** The command. */
export function backupCommand(): Command {
  return new Command('backup')
    .summary('copy a database, also a running one')
    .description(
      'Copy the database in a directory, whether a server has it open or not. Into a directory that holds an earlier backup of it, only ' +
        'what is new is copied. Everything is checked as it is copied.\n\n' +
        'Of a running database only what is durable is taken: everything but the last moment. With --connect the server is asked first for a ' +
        'mark, and everything that was answered before it is taken.',
    )
    .requiredOption('--data <dir>', 'the database’s directory')
    .requiredOption('--to <place>', 'a directory for the backup; FILE.tar for a tar file; - for a tar stream on standard output')
    .option('--connect <url>', 'the server that has it open, to ask for a mark: tcp://HOST:PORT or unix:PATH')
    .addHelpText(
      'after',
      examples(
        ['every night, only what is new', 'k-lani backup --data ./tickets --to /backup/tickets'],
        [
          'with everything that was answered until now',
          'k-lani backup --data ./tickets --to /backup/tickets --connect tcp://127.0.0.1:7700',
        ],
        ['to another machine', "k-lani backup --data ./tickets --to - | zstd | ssh vault 'cat > tickets.tar.zst'"],
        ['the anchor, to keep elsewhere', 'k-lani backup --data ./tickets --to /backup/tickets --json | jq -r .anchor'],
      ),
    )
    .action(async ({ data, to, connect: url }: BackupCommandOptions, command: Command) => {
      const terminal = terminalOf(command);
      expectDatabase(data);
      const startMs = performance.now();
      const mark = url === undefined ? undefined : await markOf(url);
      const target = targetOf(to);
      try {
        using bar = terminal.progress('Backing up');
        const report = await backUp(data, target, {
          mark,
          progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
        });
        bar.end();
        tell(terminal, { ...report, seconds: (performance.now() - startMs) / 1000 }, to === OUTPUT);
      } finally {
        target.close();
      }
    });
}

function targetOf(to: string): BackupTarget {
  if (to === OUTPUT) {
    if (process.stdout.isTTY) throw new KLaniError('InvalidArgument', 'Cannot write a tar stream to a terminal: redirect standard output');
    return TarTarget.toOutput();
  }
  return to.endsWith('.tar') ? TarTarget.toFile(to) : DirectoryTarget.open(new NodeIo(), to);
}

/** A mark that the server synced, and which database that was. */
async function markOf(url: string): Promise<{ lsn: number; databaseId: Uint8Array }> {
  await using client = await connect(url, { name: 'backup' });
  const { lsn } = await client.checkpoint();
  return { lsn, databaseId: client.server.databaseId };
}

function tell(terminal: Terminal, report: BackupReport & { seconds: number }, isOutputTaken: boolean): void {
  const json = { ok: true, ...report, seconds: Number(report.seconds.toFixed(3)), time: report.time.toISOString() };
  if (isOutputTaken) terminal.resultBeside(json, () => reportText(terminal, report));
  else terminal.result(json, () => reportText(terminal, report));
}

function reportText(terminal: Terminal, report: BackupReport & { seconds: number }): string {
  const { seconds } = report;
  const part = (segments: number, bytes: number): string => `${countText(segments)} segments, ${sizeText(bytes)}`;
  return fieldsText(terminal, [
    ['database', `${report.databaseId} in ${report.path}${report.isRunning ? ', running' : ''}`],
    ['backup', report.target],
    ['copied', `${part(report.segmentsCopied, report.bytesCopied)} in ${seconds.toFixed(1)} s`],
    ['held already', part(report.segmentsHeld, report.bytesHeld)],
    ['last lsn', `${report.lsnLast}, written ${report.time.toISOString()}`],
    ['anchor', report.anchor],
  ]);
}
