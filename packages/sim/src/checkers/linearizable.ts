/**
 * The history of every row is linearizable: the log gives the order, and it agrees with the time of the calls. A write stands behind all that was
 * known before it was asked, and was written before it was answered; a read saw the row as it was at a moment between its question and its answer.
 */
import { type Call, mayHaveHappened } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';

type Report = (what: string) => void;
type Write = Extract<Call, { kind: 'append' | 'replace' | 'delete' | 'claim' | 'batch' }>;

export const linearizable: Checker = {
  name: 'linearizable',
  check(evidence, report) {
    return checkWrites(evidence, report) + checkReads(evidence, report) + checkVersions(evidence, report);
  },
};

function checkWrites({ calls, model, horizon, operationWindow: window }: Evidence, report: Report): number {
  let checks = 0;
  const tried = new Set<string>();
  for (const call of calls) {
    if (!isWrite(call)) continue;
    const { operationId } = call.request;
    const isFirst = !tried.has(operationId);
    // A call that was refused for good leaves its id as new as it was, unless the server had forgotten what it had done for it.
    const isKnown =
      call.outcome === 'failed' && !mayHaveHappened(call) && !model.isForgotten(operationId, { order: call.endedOrder, window });
    if (!isKnown) tried.add(operationId);
    // A claim that took nothing may take something when it is asked again.
    if (call.outcome !== 'done' || (call.kind === 'claim' && call.answer?.outcome !== 'claimed')) continue;
    const [record] = model.operation(operationId);
    if (record === undefined) continue;
    checks += 1;
    const { batch, lsn } = record;
    if (batch.writtenOrder > call.endedOrder)
      report(`${call.kind} ${operationId} was answered by event ${call.endedOrder}, and written by event ${batch.writtenOrder}`);
    const known = horizon.before(call.begunOrder);
    if (isFirst && lsn < known) report(`${call.kind} ${operationId} was asked after position ${known} was known, and stands at ${lsn}`);
  }
  return checks;
}

function isWrite(call: Call): call is Write {
  return call.kind === 'append' || call.kind === 'replace' || call.kind === 'delete' || call.kind === 'claim' || call.kind === 'batch';
}

function checkReads({ calls, model, horizon }: Evidence, report: Report): number {
  let checks = 0;
  for (const call of calls) {
    if ((call.kind !== 'seek' && call.kind !== 'lockedSeek' && call.kind !== 'history') || call.outcome !== 'done') continue;
    checks += 1;
    const { table, rowId } = call.request;
    const step = call.kind === 'lockedSeek' ? 'operation' : 'batch';
    const { answer } = call;
    const isRight = model.hadMoment({ low: horizon.before(call.begunOrder), order: call.endedOrder, step }, (end) => {
      if (Array.isArray(answer)) return model.versions(table, rowId).filter(({ lsn }) => lsn < end).length === answer.length;
      return model.rowAt(table, rowId, end)?.lsn === (answer as { lsn: number } | undefined)?.lsn;
    });
    if (!isRight)
      report(
        `${call.kind} of row ${rowId} of table ${table} gave ${JSON.stringify(answer)} by event ${call.endedOrder}, as at no moment since event ${call.begunOrder}`,
      );
  }
  return checks;
}

/** Versions of a row count up by one, each pointing to the one before. */
function checkVersions({ model, truth }: Evidence, report: Report): number {
  let checks = 0;
  for (const table of model.tables()) {
    for (const rowId of model.rowIds(table)) {
      let before = 0;
      for (const [place, { version, previous, lsn }] of model.versions(table, rowId).entries()) {
        checks += 1;
        if (version !== place + 1) report(`row ${rowId} of table ${table} has version ${version} at ${lsn}, must be ${place + 1}`);
        if ((truth.moved.get(previous) ?? previous) !== before)
          report(`row ${rowId} of table ${table} points from ${lsn} to ${previous}, must be ${before}`);
        before = lsn;
      }
    }
  }
  return checks;
}
