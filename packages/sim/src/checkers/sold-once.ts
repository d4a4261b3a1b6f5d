/** No unit is sold twice, none is stuck: every unit is there once, is booked once, keeps its buyer, and in the end all are sold. */
import type { Checker } from '../record/evidence.ts';
import type { TrueRecord } from '../record/log-truth.ts';
import { UNIT_TABLES } from '../workload/tables.ts';

/** The field that names a unit for good. */
const UNIT_FIELDS: Readonly<Record<string, string>> = { seats: 'seat_no', rooms: 'room_no' };

export const soldOnce: Checker = {
  name: 'sold once',
  check({ model, truth, calls, calmOrder }, report) {
    let checks = 0;
    const isEndReached = calls.some(({ worker, endedOrder }) => worker === 'last' && endedOrder > calmOrder);
    for (const table of UNIT_TABLES) {
      const units = new Map<number | null, number>();
      for (const rowId of model.rowIds(table)) {
        checks += 1;
        const versions = model.versions(table, rowId);
        const fault = faultOf(versions);
        if (fault !== undefined) report(`row ${rowId} of table ${table} ${fault}`);
        const row = model.rowAt(table, rowId, truth.end)?.row;
        const unit = row?.[UNIT_FIELDS[table] ?? ''] ?? null;
        const other = units.get(unit);
        if (other !== undefined) report(`unit ${unit} of table ${table} is both in row ${other} and in row ${rowId}`);
        units.set(unit, rowId);
        if (isEndReached && row?.['is_booked'] !== 1)
          report(`row ${rowId} of table ${table} is stuck: everything was bought that could be, and it is free`);
      }
    }
    return checks;
  },
};

/** How the versions of a unit contradict that it is sold once. */
function faultOf(versions: readonly TrueRecord[]): string | undefined {
  let buyer: number | null | undefined;
  for (const { kind, row, lsn } of versions) {
    if (kind === 'delete') return `was deleted at ${lsn}`;
    if (row?.['is_booked'] !== 1) {
      if (buyer !== undefined) return `was sold to buyer ${buyer} and is free again at ${lsn}`;
      continue;
    }
    if (buyer !== undefined) return `was sold to buyer ${buyer} and again to buyer ${row['buyer']} at ${lsn}`;
    buyer = row['buyer'] ?? null;
  }
  return undefined;
}
