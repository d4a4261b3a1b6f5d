/**
 * Damage is found and never passed on: a call is told of damage only while a bit is rotten, and of the file that it is in (that none reads a rotten bit as data
 * is what the other checkers see). And a database with a flipped bit cannot be opened or read, and the error names the file; or the bit is of no account and
 * readers see exactly what they saw before. A check of the whole log finds what opening finds.
 */
import type { Checker, Damage, Evidence } from '../record/evidence.ts';

export const damage: Checker = {
  name: 'damage',
  check(evidence, report) {
    for (const found of evidence.damages) {
      const fault = found.snapshot === undefined ? refusalFault(found) : snapshotFault(found.snapshot, evidence);
      if (fault !== undefined) report(`with a bit of ${found.file} flipped at ${found.offset}, ${fault}`);
    }
    return evidence.damages.length + checkCalls(evidence, report);
  },
};

function checkCalls({ calls, rots }: Evidence, report: (what: string) => void): number {
  let checks = 0;
  for (const { kind, error, begunOrder, endedOrder } of calls) {
    if (error?.code !== 'ChecksumMismatch' && error?.code !== 'Damaged') continue;
    checks += 1;
    const isRight = rots.some((rot) => rot.fromOrder <= endedOrder && rot.untilOrder >= begunOrder && error.message.includes(rot.file));
    if (!isRight) report(`${kind} was told by event ${endedOrder} of damage where there was none: ${error.message}`);
  }
  return checks;
}

function refusalFault({ file, fault, openFault }: Damage): string | undefined {
  // What lies before a checkpoint is not read by opening: readers come upon it.
  const isFound = openFault?.code === 'Damaged' || openFault?.code === 'ChecksumMismatch';
  if (!isFound) return `the database did not open: ${openFault?.code} ${openFault?.message}`;
  if (!openFault.message.includes(file)) return `the error names another file: ${openFault.message}`;
  return fault === undefined ? 'the database did not open, and a check of the log found nothing' : undefined;
}

function snapshotFault(snapshot: NonNullable<Damage['snapshot']>, { model }: Evidence): string | undefined {
  for (const { table, rows } of snapshot.tables) {
    const expected = model.rowsAt(table, Infinity);
    const isSame = expected.length === rows.length && rows.every((row, place) => model.isSame(row, expected[place]));
    if (!isSame) return `the database opened, and table ${table} is not what it was`;
  }
  const missing = [...model.tables()].find((name) => !snapshot.tables.some(({ table }) => table === name));
  return missing === undefined ? undefined : `the database opened without table ${missing}`;
}
