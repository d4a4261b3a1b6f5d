/**
 * Retention gives up what the policy lets it, and nothing else: segments only where history is not kept for good, where it is kept by days only
 * such whose every batch was older; and nobody is told that versions are gone of a row whose versions are all kept.
 */
import type { Checker, Evidence } from '../record/evidence.ts';

type Report = (what: string) => void;

const DAY_MS = 86_400_000;

export const retention: Checker = {
  name: 'retention',
  check(evidence, report) {
    return checkGivenUp(evidence, report) + checkTruncated(evidence, report);
  },
};

function checkGivenUp({ truth, kept }: Evidence, report: Report): number {
  if (kept === undefined) return 0;
  const { history } = kept;
  let from = 0;
  for (const { position, wallMs, order } of truth.beginnings) {
    const where = `the log was made to begin at ${position} by event ${order}`;
    if (history === 'all') report(`${where}, and all history is kept`);
    const newest = truth.batches.findLast((batch) => batch.position >= from && batch.position < position);
    if (typeof history === 'object' && newest !== undefined && newest.timeMs >= wallMs - history.days * DAY_MS)
      report(`${where}: the batch at ${newest.position} is ${(wallMs - newest.timeMs) / DAY_MS} days old, and ${history.days} are kept`);
    from = position;
  }
  return truth.beginnings.length + (history === 'all' ? 1 : 0);
}

function checkTruncated({ calls, model, truth }: Evidence, report: Report): number {
  let checks = 0;
  for (const call of calls) {
    if (call.kind !== 'history' || call.error?.code !== 'Truncated') continue;
    checks += 1;
    const begin = truth.beginnings.findLast(({ order }) => order <= call.endedOrder)?.position ?? 0;
    const { table, rowId } = call.request;
    const [oldest] = model.versions(table, rowId);
    if (oldest !== undefined && oldest.lsn >= begin)
      report(`row ${rowId} of table ${table} was said to lack versions by event ${call.endedOrder}, and its oldest is at ${oldest.lsn}`);
  }
  return checks;
}
