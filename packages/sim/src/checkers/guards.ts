/**
 * What guards a row holds as long as it should, and no longer: a change with `ifVersion` is a change of that very version; a write under a lock is
 * not taken after its lease; and a row is refused as locked only while somebody can hold it.
 */
import { type Call, type CallOf, answered } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';

type Report = (what: string) => void;

/** Clocks of processes are so far off at most. */
const RATE_MAX = 1.002;

export const guards: Checker = {
  name: 'guards',
  check(evidence, report) {
    return checkVersions(evidence, report) + checkLeases(evidence, report) + checkRefusals(evidence, report);
  },
};

/** The versions that acknowledged changes were to follow, in the order of their records. */
function versionsBefore(call: Call): readonly number[] {
  if (call.outcome !== 'done') return [];
  if (call.kind === 'replace' || call.kind === 'delete') return [call.request.ifVersion];
  return call.kind === 'batch' ? call.request.changes.map((change) => (change.kind === 'append' ? 0 : change.ifVersion)) : [];
}

function checkVersions({ calls, model }: Evidence, report: Report): number {
  let checks = 0;
  for (const call of calls) {
    for (const [place, ifVersion] of versionsBefore(call).entries()) {
      if (ifVersion === 0) continue;
      checks += 1;
      const { operationId } = call.request as { operationId: string };
      const version = model.operation(operationId)[place]?.version;
      if (version !== undefined && version !== ifVersion + 1)
        report(`${call.kind} ${operationId} was to change version ${ifVersion}, and made version ${version}`);
    }
  }
  return checks;
}

function checkLeases({ calls }: Evidence, report: Report): number {
  const grants = new Map(answered(calls, 'lock').map(({ call, answer }) => [answer?.token, call]));
  let checks = 0;
  for (const call of calls) {
    if ((call.kind !== 'replace' && call.kind !== 'delete') || call.outcome !== 'done' || call.request.token === 0n) continue;
    checks += 1;
    const grant = grants.get(call.request.token);
    if (grant === undefined || call.begunMs <= leaseEndMs(grant)) continue;
    const { table, rowId, token } = call.request;
    report(`row ${rowId} of table ${table} was written under token ${token} by event ${call.endedOrder}, asked for after its lease`);
  }
  return checks;
}

/** When the lease of a lock that was granted is over for certain. */
function leaseEndMs({ endedMs, request }: CallOf<'lock'>): number {
  return endedMs + request.leaseMs * RATE_MAX;
}

/** Calls on single rows that were told that somebody else holds the lock. */
function isToldLocked(call: Call): call is Extract<Call, { kind: 'lock' | 'replace' | 'delete' }> {
  if (call.kind === 'lock') return call.outcome === 'done' && call.answer === undefined;
  return (call.kind === 'replace' || call.kind === 'delete') && call.error?.code === 'AlreadyLocked';
}

function checkRefusals(evidence: Evidence, report: Report): number {
  const endings = endingsOf(evidence);
  const attempts = new Map<string, CallOf<'lock'>[]>();
  for (const call of evidence.calls) {
    if (call.kind !== 'lock') continue;
    const row = `${call.request.table}/${call.request.rowId}`;
    attempts.set(row, [...(attempts.get(row) ?? []), call]);
  }
  let checks = 0;
  for (const call of evidence.calls) {
    if (!isToldLocked(call)) continue;
    checks += 1;
    const row = `${call.request.table}/${call.request.rowId}`;
    const isHeld = attempts.get(row)?.some((attempt) => attempt !== call && mayHold(attempt, call, { evidence, endings })) === true;
    if (!isHeld) report(`${call.kind} of row ${row} was told by event ${call.endedOrder} that it is locked, and nobody can have held it`);
  }
  return checks;
}

/**
 * By token: the event by which a lock was given back for certain. A client that has lost the connection since takes its lock for given back,
 * and is right as soon as the server has noticed the loss too.
 */
function endingsOf({ calls, losses }: Evidence): Map<bigint, number> {
  const grants = new Map(answered(calls, 'lock').map(({ call, answer }) => [answer?.token, call]));
  const endings = new Map<bigint, number>();
  for (const call of calls) {
    if ((call.kind !== 'unlock' && call.kind !== 'replace' && call.kind !== 'delete') || call.outcome !== 'done') continue;
    if (call.kind === 'replace' && !call.request.unlock) continue;
    const { token } = call.request;
    const since = grants.get(token)?.begunOrder ?? 0;
    if (losses.some(({ client, order }) => client === call.worker && order >= since && order <= call.endedOrder)) continue;
    endings.set(token, Math.min(endings.get(token) ?? Infinity, call.endedOrder));
  }
  return endings;
}

/** Whether the lock that one call asked for can have been held while another was under way. */
function mayHold(attempt: CallOf<'lock'>, other: Call, known: { evidence: Evidence; endings: ReadonlyMap<bigint, number> }): boolean {
  const { lives, losses } = known.evidence;
  // An attempt that outlasted a server was asked again of the next one, which may have granted it.
  const isOfThisLife = !lives.some((order) => order > attempt.endedOrder && order <= other.begunOrder);
  if (!isOfThisLife || attempt.begunOrder > other.endedOrder) return false;
  // Asked again in another session, it may have been granted in the one that was lost, whatever came of it later.
  const wasLost = losses.some(
    ({ client, order }) => client === attempt.worker && order >= attempt.begunOrder && order <= attempt.endedOrder,
  );
  if (wasLost) return true;
  // What was not answered may have been granted.
  if (attempt.outcome !== 'done') return attempt.outcome === 'open' || attempt.error?.retry !== 'never';
  if (attempt.answer === undefined || other.begunMs > leaseEndMs(attempt)) return false;
  return (known.endings.get(attempt.answer.token) ?? Infinity) >= other.begunOrder;
}
