import { assert } from '@k-lani/base';
import type { Row } from '../report/raw-log.ts';
import type { Market, Shop, Unit } from './shop.ts';

const LOAD_BATCH_ROWS = 500;

/**
 * Puts all units of a market up for sale.
 *
 * @param onLoaded called after each batch, with the units loaded so far
 * @returns the unit of each row id
 */
export async function loadUnits<RowOf, Term>(
  market: Market<RowOf, Term>,
  shop: Pick<Shop<RowOf, Term>, 'appendAll'>,
  onLoaded: (loaded: number) => void = () => {},
): Promise<ReadonlyMap<number, Unit>> {
  const units = unitsOf(market);
  const byRowId = new Map<number, Unit>();
  for (let start = 0; start < units.length; start += LOAD_BATCH_ROWS) {
    const batch = units.slice(start, start + LOAD_BATCH_ROWS);
    const rowIds = await shop.appendAll(batch.map((unit) => market.freeRow(unit)));
    assert(rowIds.length === batch.length, `Appended ${batch.length} rows and got ${rowIds.length} ids`);
    for (const [index, unit] of batch.entries()) byRowId.set(rowIds[index] ?? 0, unit);
    onLoaded(byRowId.size);
  }
  return byRowId;
}

/**
 * Reads what became of all units, as rows of a raw log.
 *
 * @param onRead called after each row, with the rows read so far
 */
export async function readUnits<RowOf, Term>(
  market: Market<RowOf, Term>,
  shop: Pick<Shop<RowOf, Term>, 'scan'>,
  onRead: (read: number) => void = () => {},
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { rowId, row } of shop.scan()) {
    const { group, unit, isBooked, buyer } = market.stateOf(row);
    rows.push({ rowId, group, unit, isBooked: isBooked ? 1 : 0, buyer });
    onRead(rows.length);
  }
  return rows;
}

/** Group by group, in the order of their numbers. */
function unitsOf<RowOf, Term>(market: Market<RowOf, Term>): Unit[] {
  return market.groupSizes.flatMap((size, index) =>
    Array.from({ length: size }, (_, position) => ({ group: index + 1, unit: position + 1 })),
  );
}
