/**
 * Nothing visible or answered was ever taken back: every version that anybody saw is in the log for good, nothing that was visible is lost, and
 * every refusal is explained by a moment that is still in the log.
 */
import { type Call, type SeenRow, answered } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';
import { meets } from '../record/model.ts';
import { MEMBERS } from '../workload/tables.ts';

type Report = (what: string) => void;

export const neverTakenBack: Checker = {
  name: 'never taken back',
  check(evidence, report) {
    return checkSeen(evidence, report) + checkVisible(evidence, report) + checkRefusals(evidence, report);
  },
};

/** Every row that was seen, and the event by which it was. */
function* seenRows({ calls, snapshots }: Evidence): Generator<{ table: string; row: SeenRow; order: number }> {
  for (const { order, tables } of snapshots) for (const { table, rows } of tables) for (const row of rows) yield { table, row, order };
  for (const kind of ['seek', 'lockedSeek'] as const) {
    for (const { call, answer } of answered(calls, kind)) {
      if (answer !== undefined) yield { table: call.request.table, row: answer, order: call.endedOrder };
    }
  }
  for (const { call, answer } of answered(calls, 'scan'))
    for (const row of answer) yield { table: call.request.table, row, order: call.endedOrder };
  for (const { call, answer } of answered(calls, 'history')) {
    const { table, rowId } = call.request;
    for (const { version, lsn, row } of answer)
      if (row !== null) yield { table, row: { rowId, version, lsn, row }, order: call.endedOrder };
  }
}

function checkSeen(evidence: Evidence, report: Report): number {
  let checks = 0;
  for (const { table, row, order } of seenRows(evidence)) {
    checks += 1;
    const record = evidence.model.record(row.lsn);
    if (record?.table === table && evidence.model.isSame(row, record)) continue;
    report(
      `version ${row.version} of row ${row.rowId} of table ${table} was seen by event ${order} as ${JSON.stringify(row.row)}, and is not in the log`,
    );
  }
  return checks;
}

/** A batch that was lost was never behind a reader's lsn, and was never synced. */
function checkVisible({ truth, snapshots }: Evidence, report: Report): number {
  for (const batch of truth.lost) {
    if (batch.isSynced) report(`the batch at ${batch.position} was synced, and is not in the log any more`);
    const reader = snapshots.find(
      ({ order, durable }) => order >= batch.writtenOrder && order < batch.lostOrder && durable > batch.position,
    );
    if (reader !== undefined) report(`the batch at ${batch.position} was visible by event ${reader.order}, and is not in the log any more`);
  }
  return truth.lost.length;
}

function checkRefusals(evidence: Evidence, report: Report): number {
  let checks = 0;
  for (const call of evidence.calls) {
    const holds = reasonOf(call, evidence);
    if (holds === undefined) continue;
    checks += 1;
    const window = { low: evidence.horizon.before(call.begunOrder), order: call.endedOrder, step: 'operation' } as const;
    if (!evidence.model.hadMoment(window, holds)) {
      const reason = call.error?.message ?? JSON.stringify(call.answer);
      report(
        `${call.kind} ${JSON.stringify(call.request)} was refused by event ${call.endedOrder} (${reason}), and at no moment since event ${call.begunOrder} was that so`,
      );
    }
  }
  return checks;
}

/** What must have been so at some moment for a call to be refused as it was; `undefined` where rows do not decide it. */
function reasonOf(call: Call, { model }: Evidence): ((end: number) => boolean) | undefined {
  if (call.kind === 'claim' && call.answer?.outcome === 'none_available') {
    const { lines } = call.request;
    const line = lines[call.answer.line];
    const isAlone = lines.slice(0, call.answer.line).every(({ table }) => table !== line?.table);
    if (line === undefined || !isAlone) return undefined;
    return (end) => model.matches(line.table, line.where, end).length < line.count;
  }
  const code = call.error?.code;
  if (call.kind === 'replace' || call.kind === 'delete' || call.kind === 'lock') {
    const { table, rowId } = call.request;
    if (code === 'NotFound') return (end) => model.rowAt(table, rowId, end) === undefined;
    if (code === 'VersionMismatch' && call.kind !== 'lock') {
      const { ifVersion } = call.request;
      return (end) => {
        const row = model.rowAt(table, rowId, end);
        return row !== undefined && row.version !== ifVersion;
      };
    }
  }
  if (code !== 'DuplicateKey' || call.kind !== 'append' || call.request.table !== MEMBERS.table) return undefined;
  const { table, row } = call.request;
  return (end) => model.rowsAt(table, end).some((record) => meets(record.row ?? {}, [{ field: 'code', eq: row['code'] ?? null }]));
}
