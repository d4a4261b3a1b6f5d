/**
 * Locks are exclusive and fencing tokens rise: nobody is granted a lock that somebody holds for certain, a later grant has a higher token than
 * every one before, and no write under an older token lands after a newer one was granted.
 */
import { type Call, type CallOf, answered } from '../record/call.ts';
import type { Checker, Evidence } from '../record/evidence.ts';
import type { TrueRecord } from '../record/log-truth.ts';

type Report = (what: string) => void;

interface Grant {
  readonly call: CallOf<'lock'>;
  readonly token: bigint;
  /** Until when the lock is held for certain: what may end it is asked for, or its lease may be over, or its life is. */
  readonly heldUntilOrder: number;
  readonly heldUntilMs: number;
}

/** Clocks of processes are so far off at most. */
const RATE_MIN = 0.998;

export const locks: Checker = {
  name: 'locks',
  check(evidence, report) {
    const grants = grantsOf(evidence);
    checkTokens(grants, report);
    const byRow = new Map<string, Grant[]>();
    for (const grant of grants) {
      const { table, rowId } = grant.call.request;
      byRow.set(`${table}/${rowId}`, [...(byRow.get(`${table}/${rowId}`) ?? []), grant]);
    }
    let checks = grants.length;
    for (const [row, list] of byRow) {
      for (const held of list) {
        for (const other of list)
          if (other !== held && isInside(other, held))
            report(`row ${row} was locked under token ${other.token} while token ${held.token} held it`);
      }
      checks += list.length;
    }
    return checks + checkWrites(evidence, byRow, report);
  },
};

function grantsOf({ calls, lives, losses }: Evidence): Grant[] {
  const endings = new Map<bigint, Call>();
  for (const call of calls) {
    if ((call.kind === 'unlock' || call.kind === 'replace' || call.kind === 'delete') && call.request.token !== 0n) {
      const mayEnd = call.kind !== 'replace' || call.request.unlock;
      if (mayEnd && !endings.has(call.request.token)) endings.set(call.request.token, call);
    }
  }
  return answered(calls, 'lock').flatMap(({ call, answer }) => {
    if (answer === undefined) return [];
    const lifeEnd = lives.find((order) => order > call.endedOrder) ?? Infinity;
    const lost = losses.find(({ client, order }) => client === call.worker && order >= call.begunOrder)?.order ?? Infinity;
    const ending = endings.get(answer.token)?.begunOrder ?? Infinity;
    const heldUntilOrder = Math.min(lifeEnd, lost, ending);
    return [{ call, token: answer.token, heldUntilOrder, heldUntilMs: call.begunMs + call.request.leaseMs * RATE_MIN }];
  });
}

/** Whether all of a grant happened while another one held for certain. */
function isInside({ call }: Grant, held: Grant): boolean {
  return call.begunOrder > held.call.endedOrder && call.endedOrder < held.heldUntilOrder && call.endedMs < held.heldUntilMs;
}

function checkTokens(grants: readonly Grant[], report: Report): void {
  const inOrder = grants.toSorted((a, b) => a.call.endedOrder - b.call.endedOrder);
  let place = 0;
  let highest = 0n;
  for (const grant of grants.toSorted((a, b) => a.call.begunOrder - b.call.begunOrder)) {
    for (; (inOrder[place]?.call.endedOrder ?? Infinity) < grant.call.begunOrder; place += 1) {
      const token = (inOrder[place] as Grant).token;
      if (token > highest) highest = token;
    }
    if (grant.token <= highest) report(`token ${grant.token} was granted by event ${grant.call.endedOrder}, after token ${highest}`);
  }
  if (new Set(grants.map(({ token }) => token)).size < grants.length) report('a token was granted twice');
}

/** Tokens never go back along the versions of a row, and a write under one does not follow a newer grant. */
function checkWrites({ model, calls }: Evidence, byRow: ReadonlyMap<string, Grant[]>, report: Report): number {
  const begun = new Map(calls.flatMap((call) => (call.kind === 'replace' ? [[call.request.operationId, call.begunOrder] as const] : [])));
  let checks = 0;
  for (const [row, grants] of byRow) {
    const { table, rowId } = (grants[0] as Grant).call.request;
    let highest = 0n;
    for (const record of model.versions(table, rowId)) {
      if (record.token === 0n) continue;
      checks += 1;
      if (record.token < highest) report(`row ${row} was written at ${record.lsn} under token ${record.token}, after token ${highest}`);
      if (record.token > highest) highest = record.token;
      const newer = grants.find(({ token, call }) => token > record.token && call.endedOrder < (begun.get(record.operationId) ?? 0));
      if (newer !== undefined) report(lateWrite(row, record, newer));
    }
  }
  return checks;
}

function lateWrite(row: string, record: TrueRecord, newer: Grant): string {
  return `row ${row} was written at ${record.lsn} under token ${record.token}, asked for after token ${newer.token} was granted`;
}
