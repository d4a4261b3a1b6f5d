/** `k-lani repair`: what is intact in a damaged directory, brought into a new one. */
import { Command } from 'commander';
import { type RepairReport, repairDatabase } from '@k-lani/engine';
import { expectDatabase } from '../data/expect-database.ts';
import { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../output/terminal.ts';
import { type Column, countText, fieldsText, sizeText, textTable } from '../output/text-table.ts';
import { examples, terminalOf } from './context.ts';

/** Entries of a list that are shown to people; programs get all of them. */
const SHOWN_MAX = 20;

interface RepairCommandOptions {
  readonly data: string;
  readonly to: string;
}

/** The command. */
export function repairCommand(): Command {
  return new Command('repair')
    .summary('bring what is intact in a damaged database into a new one')
    .description(
      'Read a database that does not open any more, or whose check fails, and write every record that is intact into a new directory, as a ' +
        'database that opens. What is lost is listed: where in which file, and which rows, as far as the damaged bytes can be read. The ' +
        'damaged directory is not touched; end its server first.\n\n' +
        'A row whose latest version is lost is what its latest intact version says, which may not be what its buyer was told: go through ' +
        'the list. Operation ids are forgotten, so a request that was answered before would be carried out again. If there is a backup, ' +
        'restore it instead. Ends with exit code 7 when something is lost.',
    )
    .requiredOption('--data <dir>', 'the damaged directory')
    .requiredOption('--to <dir>', 'the new directory; it is made, or must be empty')
    .addHelpText(
      'after',
      examples(
        ['repair, then check', 'k-lani repair --data ./tickets --to ./tickets-repaired && k-lani verify ./tickets-repaired'],
        ['the rows to look after', "k-lani repair --data ./tickets --to ./repaired --json | jq '.lostLatest[]'"],
      ),
    )
    .action(({ data, to }: RepairCommandOptions, command: Command) => {
      const terminal = terminalOf(command);
      expectDatabase(data);
      using bar = terminal.progress('Repairing');
      const report = repairDatabase(data, to, {
        progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
      });
      bar.end();
      terminal.result({ ok: isWhole(report), ...report }, () => reportText(terminal, report));
      if (!isWhole(report)) process.exitCode = ExitCode.partly;
    });
}

function isWhole({ damageCount, conflictCount, withoutSchema }: RepairReport): boolean {
  return damageCount === 0 && conflictCount === 0 && withoutSchema === 0;
}

function reportText(terminal: Terminal, report: RepairReport): string {
  const facts = fieldsText(terminal, [
    ['from', `${report.from}, ${countText(report.segments)} segments`],
    ['to', report.to],
    ...report.tables.map(({ name, liveRows, versions, rowIdMax }): [string, string] => [
      `table ${name}`,
      `${countText(liveRows)} rows, ${countText(versions)} versions of rows, row ids go on behind ${rowIdMax}`,
    ]),
    ['lost', `${countText(report.lostBytes)} bytes in ${countText(report.damageCount)} places`],
  ]);
  if (isWhole(report)) return `${facts}\n${terminal.style('green', 'Everything is intact: nothing is lost but the operation ids.')}`;
  return [facts, ...damageText(terminal, report), ...rowsText(terminal, report), verdict(terminal, report)].join('\n\n');
}

function damageText(terminal: Terminal, { damage, damageCount }: RepairReport): string[] {
  if (damageCount === 0) return [];
  const rows = damage
    .slice(0, SHOWN_MAX)
    .map(({ file, offset, length, what, record, table }) => [
      file,
      String(offset),
      String(length),
      record === undefined || table === undefined ? '' : `${table} ${record.rowId}, version ${record.version}`,
      what,
    ]);
  const columns = [{ title: 'file' }, number('offset'), number('bytes'), { title: 'row' }, { title: 'what' }];
  return [`Lost:\n${textTable(terminal, columns, rows)}${more(damageCount)}`];
}

function rowsText(terminal: Terminal, report: RepairReport): string[] {
  const sections: string[] = [];
  if (report.lostLatestCount > 0) {
    const rows = report.lostLatest
      .slice(0, SHOWN_MAX)
      .map(({ table, rowId, lost, kept }) => [table, String(rowId), String(lost), kept === 0 ? 'nothing' : String(kept)]);
    const columns = [{ title: 'table' }, number('row'), number('lost version'), number('kept version')];
    sections.push(`Rows whose latest version is lost:\n${textTable(terminal, columns, rows)}${more(report.lostLatestCount)}`);
  }
  if (report.conflictCount > 0) {
    const rows = report.conflicts.slice(0, SHOWN_MAX).map(({ table, rowId, keptRowId }) => [table, String(rowId), String(keptRowId)]);
    const columns = [{ title: 'table' }, number('row'), number('the row that has it')];
    const title = 'Rows left out, because a row written later has their value in a unique field:';
    sections.push(`${title}\n${textTable(terminal, columns, rows)}${more(report.conflictCount)}`);
  }
  if (report.withoutSchema > 0) {
    sections.push(`${countText(report.withoutSchema)} intact records are left out: the schema that says what they mean is lost.`);
  }
  return sections;
}

function verdict(terminal: Terminal, { lostLatestCount, unknownBytes, untoldSegments, to }: RepairReport): string {
  const rows = 'any row may be older than it was, missing, or back although it was deleted, without being listed.';
  const given = 'is not there, and the manifest that would tell whether it was given up or is lost is not whole';
  const untold = untoldSegments > 0 ? `What was before segment ${untoldSegments + 1} ${given}: if it is lost, ${rows} ` : '';
  const unknown =
    unknownBytes > 0
      ? `Of ${countText(unknownBytes)} lost bytes nothing tells which rows they held: ${rows}`
      : 'A damaged record may name another row than its own: other rows may be older than they were, or missing.';
  const look = lostLatestCount > 0 ? 'Look after the rows listed. ' : '';
  return terminal.style('yellow', `${look}${untold}${unknown} Check the result with: k-lani verify ${to}`);
}

function number(title: string): Column {
  return { title, isNumber: true };
}

function more(count: number): string {
  return count > SHOWN_MAX ? `\n… and ${countText(count - SHOWN_MAX)} more: --json lists them` : '';
}
