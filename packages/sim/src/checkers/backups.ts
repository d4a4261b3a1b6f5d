/**
 * A backup is of what is there for good, and of everything up to the mark that it was asked for with; restored, it is the database as it was: every
 * row as the log had it at the backup's last lsn, and none besides.
 */
import type { Checker } from '../record/evidence.ts';

export const backups: Checker = {
  name: 'backups',
  check({ backups: taken, restored, model, truth }, report) {
    for (const { order, lsnLast, lsnMark } of taken) {
      if (!truth.batches.some(({ position, end }) => position <= lsnLast && lsnLast < end))
        report(`the backup that was ready by event ${order} ends with ${lsnLast}, which is not in the log`);
      if (lsnMark !== undefined && lsnLast < lsnMark)
        report(`the backup that was ready by event ${order} ends with ${lsnLast}, before the mark at ${lsnMark}`);
    }
    for (const { lsnLast, snapshot } of restored) {
      for (const { table, rows } of snapshot.tables) {
        const expected = model.rowsAt(table, lsnLast + 1);
        const isSame = expected.length === rows.length && rows.every((row, place) => model.isSame(row, expected[place]));
        if (!isSame)
          report(
            `table ${table} was restored with ${rows.length} rows, which are not the ${expected.length} rows that it had at ${lsnLast}`,
          );
      }
    }
    return taken.length + restored.length;
  },
};
