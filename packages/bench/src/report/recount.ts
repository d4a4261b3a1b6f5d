/**
 * The recount: what the buyers were told, held against the rows that the restarted server reads from disk.
 *
 * 1. Each acknowledged sale is a booked row with that buyer: it counts as verified, otherwise as lost.
 * 2. A row is acknowledged to one buyer at most: every further acknowledgement of it counts as sold twice.
 * 3. Each booked row belongs to a buyer who was acknowledged for it, or whose outcome was never learned and who asked for this row or for
 *    any. A booked row that neither explains counts as sold twice: its seat went to somebody who was not sold it.
 * 4. An outcome that was never learned explains one booked row, not two.
 */

/** A buyer was told: this row is yours. */
export interface AcknowledgedSale {
  readonly buyer: number;
  readonly rowId: number;
}

/** A buyer asked, and never learned the outcome. */
export interface UnknownOutcome {
  readonly buyer: number;
  /** The row asked for, or 0 where the server would have chosen it. */
  readonly rowId: number;
}

/** A row as it was read after the restart. */
export interface StoredRow {
  readonly rowId: number;
  readonly isBooked: boolean;
  readonly buyer: number;
}

/** What the recount found. Every number is 0 or more; `doubleSold` and `lost` must be 0. */
export interface Recount {
  /** Acknowledged sales that are booked rows with that buyer. */
  readonly verifiedSold: number;
  /** Acknowledgements and booked rows beyond one buyer a row. */
  readonly doubleSold: number;
  /** Acknowledged sales whose row is missing, free, or booked by somebody else. */
  readonly lost: number;
  /** Booked rows of buyers who never learned their outcome. */
  readonly unknownSold: number;
  /** Rows that nobody has booked. */
  readonly free: number;
}

/**
 * Counts `rows`, all rows of the table, against what was told. Pure.
 *
 * @example
 * ```ts
 * recount([{ buyer: 7, rowId: 1 }], [], [{ rowId: 1, isBooked: true, buyer: 7 }]); // verifiedSold 1, everything else 0
 * recount([{ buyer: 7, rowId: 1 }, { buyer: 8, rowId: 1 }], [], [{ rowId: 1, isBooked: true, buyer: 8 }]); // doubleSold 1
 * ```
 */
export function recount(
  acknowledged: readonly AcknowledgedSale[],
  unknown: readonly UnknownOutcome[],
  rows: readonly StoredRow[],
): Recount {
  const buyersOfRow = groupBuyers(acknowledged);
  const openOutcomes = groupOutcomes(unknown);
  let doubleSold = acknowledged.length - buyersOfRow.size;
  let verifiedSold = 0;
  let unknownSold = 0;
  let free = 0;
  const seen = new Set<number>();
  for (const row of rows) {
    const isFirst = !seen.has(row.rowId);
    seen.add(row.rowId);
    if (!row.isBooked) {
      free += 1;
    } else if (isFirst && buyersOfRow.get(row.rowId)?.includes(row.buyer) === true) {
      verifiedSold += 1;
    } else if (isFirst && takeOutcome(openOutcomes, row)) {
      unknownSold += 1;
    } else {
      doubleSold += 1;
    }
  }
  return { verifiedSold, doubleSold, lost: buyersOfRow.size - verifiedSold, unknownSold, free };
}

function groupBuyers(acknowledged: readonly AcknowledgedSale[]): Map<number, number[]> {
  const buyersOfRow = new Map<number, number[]>();
  for (const { rowId, buyer } of acknowledged) {
    const buyers = buyersOfRow.get(rowId);
    if (buyers === undefined) buyersOfRow.set(rowId, [buyer]);
    else buyers.push(buyer);
  }
  return buyersOfRow;
}

/** Buyer → the rows asked for without an answer. */
function groupOutcomes(unknown: readonly UnknownOutcome[]): Map<number, number[]> {
  const open = new Map<number, number[]>();
  for (const { buyer, rowId } of unknown) {
    const rowIds = open.get(buyer);
    if (rowIds === undefined) open.set(buyer, [rowId]);
    else rowIds.push(rowId);
  }
  return open;
}

/** Uses up the outcome that explains `row`; false when there is none. */
function takeOutcome(open: Map<number, number[]>, row: StoredRow): boolean {
  const rowIds = open.get(row.buyer) ?? [];
  const named = rowIds.indexOf(row.rowId);
  const index = named >= 0 ? named : rowIds.indexOf(0);
  if (index < 0) return false;
  rowIds.splice(index, 1);
  return true;
}
