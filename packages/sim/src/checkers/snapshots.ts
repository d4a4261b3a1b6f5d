/** Every snapshot equals a plain model of the log: those taken in the process at their lsn, those that clients read at some lsn of their time. */
import type { Call, SeenRow } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';
import type { Model } from '../record/model.ts';

export const snapshots: Checker = {
  name: 'snapshots',
  check(evidence, report) {
    const { model } = evidence;
    let checks = 0;
    for (const { order, durable, tables } of evidence.snapshots) {
      for (const { table, rows, count } of tables) {
        checks += 1;
        const fault = differenceAt(model, table, { rows, end: durable });
        if (fault !== undefined) report(`the snapshot at ${durable}, taken by event ${order}: table ${table}: ${fault}`);
        if (count !== rows.length)
          report(`the snapshot at ${durable}, taken by event ${order}: table ${table} counts ${count} rows, and has ${rows.length}`);
      }
    }
    for (const call of evidence.calls) {
      if (call.outcome !== 'done') continue;
      const isRight = momentOf(call, evidence);
      if (isRight === undefined) continue;
      checks += 1;
      if (!isRight)
        report(
          `${call.kind} ${JSON.stringify(call.request)} was answered by event ${call.endedOrder} as at no moment since event ${call.begunOrder}`,
        );
    }
    return checks;
  },
};

/** Whether there was a moment at which the answer was right; `undefined` for a call that reads no snapshot. */
function momentOf(call: Call, { model, horizon }: Evidence): boolean | undefined {
  const window = { low: horizon.before(call.begunOrder), order: call.endedOrder, step: 'batch' } as const;
  if (call.kind === 'scan') {
    const rows = call.answer ?? [];
    return model.hadMoment(window, (end) => differenceAt(model, call.request.table, { rows, end }) === undefined);
  }
  if (call.kind === 'count') {
    const { table, terms } = call.request;
    return model.hadMoment(window, (end) => model.matches(table, terms, end).length === call.answer);
  }
  if (call.kind === 'query') return model.hadMoment(window, (end) => isAnswerTo(model, call, end));
  return undefined;
}

function isAnswerTo(model: Model, call: Extract<Call, { kind: 'query' }>, end: number): boolean {
  const { table, terms, limit } = call.request;
  const found = call.answer ?? [];
  const matches = model.matches(table, terms, end);
  const wanted = limit === 0 ? matches.length : Math.min(limit, matches.length);
  return found.length === wanted && found.every((rowId) => matches.includes(rowId)) && new Set(found).size === found.length;
}

/** How rows differ from the model before position `end`. */
function differenceAt(model: Model, table: string, { rows, end }: { rows: readonly SeenRow[]; end: number }): string | undefined {
  const expected = model.rowsAt(table, end);
  if (expected.length !== rows.length) return `${rows.length} rows were seen, must be ${expected.length}`;
  for (const [place, record] of expected.entries()) {
    const seen = rows[place] as SeenRow;
    if (!model.isSame(seen, record))
      return `row ${seen.rowId} was seen as ${JSON.stringify(seen)}, must be version ${record.version} of row ${record.rowId}`;
  }
  return undefined;
}
