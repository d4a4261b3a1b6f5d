/** A restored backup is the database as it was: every row as the log had it at the backup's last lsn, and none besides. */
import type { Checker } from '../record/evidence.ts';

export const backups: Checker = {
  name: 'backups',
  check({ restored, model }, report) {
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
    return restored.length;
  },
};
