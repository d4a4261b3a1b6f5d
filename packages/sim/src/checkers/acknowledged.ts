/**
 * Acknowledged ⊆ recovered: whatever a client was told to be done is in the log as it was told, once; what was refused for good is not; and
 * a request that came again under its id got its first answer, unless so many others came in between that its id was forgotten.
 */
import { type Call, mayHaveHappened } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';
import type { Model } from '../record/model.ts';
import type { TrueRecord } from '../record/log-truth.ts';

type Write = Extract<Call, { kind: 'append' | 'replace' | 'delete' | 'claim' | 'batch' }>;

export const acknowledged: Checker = {
  name: 'acknowledged',
  check(evidence, report) {
    const { model, operationWindow: window } = evidence;
    const writes = writesById(evidence);
    let checks = 0;
    for (const [id, calls] of writes) {
      const records = model.operation(id);
      const executions = executionsOf(records);
      const done = calls.filter(({ outcome, answer }) => outcome === 'done' && !isRefusal(answer));
      for (const call of done) {
        checks += 1;
        const faults = executions.map((execution) => faultOf(call, execution, model));
        const fault = executions.length === 0 ? 'it is not in the log' : faults[0];
        if (!faults.includes(undefined)) report(`${call.kind} ${id} was acknowledged by event ${call.endedOrder}: ${fault}`);
      }
      checks += 1;
      const isRefused =
        done.length === 0 && !calls.some((call) => mayHaveHappened(call) || model.isForgotten(id, { order: call.endedOrder, window }));
      if (isRefused && records.length > 0) report(`${calls[0]?.kind} ${id} was refused, and is in the log at ${records[0]?.lsn}`);
      for (const [place, next] of executions.slice(1).entries()) {
        const between = model.operationsBehind(executions[place]?.at(-1)?.lsn ?? 0, next[0]?.lsn ?? 0);
        if (between < window) report(`operation ${id} is in more than one batch of the log, with ${between} operations in between`);
      }
    }
    for (const id of model.operationIds()) if (!writes.has(id)) report(`nobody asked for operation ${id}, and it is in the log`);
    return checks + checkStatus(evidence, writes, report) + checkMarks(evidence, report);
  },
};

function writesById({ calls }: Evidence): Map<string, Write[]> {
  const writes = new Map<string, Write[]>();
  for (const call of calls) {
    if (call.kind !== 'append' && call.kind !== 'replace' && call.kind !== 'delete' && call.kind !== 'claim' && call.kind !== 'batch')
      continue;
    const { operationId } = call.request;
    writes.set(operationId, [...(writes.get(operationId) ?? []), call]);
  }
  return writes;
}

/** The changes of an operation, by the batches that they are in: one, unless it was carried out again. */
function executionsOf(records: readonly TrueRecord[]): TrueRecord[][] {
  return [...Map.groupBy(records, ({ batch }) => batch).values()];
}

function isRefusal(answer: Write['answer']): boolean {
  return answer !== undefined && 'outcome' in answer && answer.outcome !== 'claimed';
}

/** What an acknowledgement says that the log does not. */
function faultOf(call: Write, records: readonly TrueRecord[], model: Model): string | undefined {
  const told = toldBy(call);
  if (told.length !== records.length) return `it told of ${told.length} changes, the log has ${records.length}`;
  for (const [place, { rowId, version, row }] of told.entries()) {
    const record = records[place] as TrueRecord;
    if (record.rowId !== rowId || record.version !== version) {
      return `it told of version ${version} of row ${rowId}, the log has version ${record.version} of row ${record.rowId}`;
    }
    if (row === null ? record.kind !== 'delete' : !hasFields(row, record, model))
      return `the log has another row ${rowId} than was asked for`;
  }
  const last = records.at(-1)?.lsn;
  const lsn = call.answer !== undefined && 'lsn' in call.answer ? call.answer.lsn : last;
  return lsn === last ? undefined : `it told lsn ${lsn}, the log has ${last}`;
}

/** Row id and version of each change as the answer tells them, with what the request wrote; `null` for a delete. */
function toldBy(call: Write): { rowId: number; version: number; row: Readonly<Record<string, number | null>> | null }[] {
  const { answer } = call;
  if (answer === undefined) return [];
  if (call.kind === 'append' || call.kind === 'replace') return 'rowId' in answer ? [{ ...answer, row: call.request.row }] : [];
  if (call.kind === 'delete') return 'rowId' in answer ? [{ ...answer, row: null }] : [];
  if (call.kind === 'claim') {
    const lines = 'lines' in answer ? answer.lines : [];
    return lines.flatMap((rows, line) => rows.map((row) => ({ ...row, row: call.request.lines[line]?.set ?? {} })));
  }
  const changes = 'changes' in answer ? answer.changes : [];
  return changes.map((change, place) => {
    const asked = call.request.changes[place];
    return { ...change, row: asked === undefined || asked.kind === 'delete' ? null : asked.row };
  });
}

function hasFields(row: Readonly<Record<string, number | null>>, record: TrueRecord, model: Model): boolean {
  if (record.row === undefined) return false;
  return model.isSameRow({ ...record.row, ...row }, record);
}

/** Who asks about an operation that was acknowledged before learns that it is done, while it is remembered. */
function checkStatus(
  { calls, model, operationWindow }: Evidence,
  writes: ReadonlyMap<string, Write[]>,
  report: (what: string) => void,
): number {
  let checks = 0;
  for (const call of calls) {
    if (call.kind !== 'status' || call.outcome !== 'done' || call.answer === undefined) continue;
    checks += 1;
    const { operationId } = call.request;
    const acknowledgedBefore = writes
      .get(operationId)
      ?.some((write) => write.outcome === 'done' && !isRefusal(write.answer) && write.endedOrder < call.begunOrder);
    const isForgotten = model.isForgotten(operationId, { order: call.endedOrder, window: operationWindow });
    if (call.answer.state === 'unknown' && acknowledgedBefore === true && !isForgotten)
      report(`the status of operation ${operationId} was unknown after it was acknowledged`);
  }
  return checks;
}

/** A checkpoint that was answered is in the log. */
function checkMarks({ calls, model }: Evidence, report: (what: string) => void): number {
  let checks = 0;
  for (const call of calls) {
    if (call.kind !== 'checkpoint' || call.answer === undefined) continue;
    checks += 1;
    if (model.record(call.answer.lsn)?.kind !== 'mark')
      report(`the checkpoint at ${call.answer.lsn} was acknowledged, and is not in the log`);
  }
  return checks;
}
