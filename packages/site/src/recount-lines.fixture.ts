/** The recount of a storm from the lines of its raw log, in the plainest way: every sale and row is looked at against all others. */

type Line = Readonly<Record<string, readonly number[]>>;

export function recountLines(lines: readonly unknown[]): Readonly<Record<string, number>> {
  const of = (kind: string): (readonly number[])[] => listsOf(lines, kind);
  const sales = of('sale').map(([, buyer = 0, rowId = 0]) => ({ buyer, rowId }));
  const open = of('unknown').map(([, buyer = 0, rowId = 0]) => ({ buyer, rowId }));
  const rows = of('row').map(([rowId = 0, , , isBooked = 0, buyer = 0]) => ({ rowId, isBooked, buyer }));
  const soldRows = new Set(sales.map(({ rowId }) => rowId));
  const isTold = (row: { rowId: number; buyer: number }): boolean =>
    sales.some((sale) => sale.rowId === row.rowId && sale.buyer === row.buyer);
  const booked = rows.filter(({ isBooked }) => isBooked !== 0);
  const verifiedSold = booked.filter(isTold).length;
  const rest = booked.filter((row) => !isTold(row));
  const unknownSold = rest.filter((row) =>
    open.some((one) => one.buyer === row.buyer && (one.rowId === 0 || one.rowId === row.rowId)),
  ).length;
  return {
    verifiedSold,
    unknownSold,
    lost: soldRows.size - verifiedSold,
    doubleSold: sales.length - soldRows.size + rest.length - unknownSold,
    free: rows.length - booked.length,
  };
}

function listsOf(lines: readonly unknown[], kind: string): (readonly number[])[] {
  return lines.flatMap((line) => {
    const list = (line as Line)[kind];
    return list === undefined ? [] : [list];
  });
}
