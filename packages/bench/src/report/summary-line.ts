import type { Figures } from './figures.ts';
import type { RawLog } from './raw-log.ts';

/** The last line that a benchmark prints: its name, then `name=value` in a fixed order, for people and for scripts. */
export function summaryLine(log: RawLog, figures: Figures): string {
  const [name, values] = log.run.bench === 'concert' ? concertValues(log, figures) : holidayValues(log, figures);
  return [name, ...values.map(([key, value]) => `${key}=${value}`)].join(' ');
}

type Values = readonly (readonly [string, number | string])[];

function concertValues(log: RawLog, figures: Figures): [string, Values] {
  const values: Values = [
    ['users', log.run.buyers],
    ['seats', unitsOf(log)],
    ['sold', figures.sold],
    ['verified_sold', figures.verifiedSold],
    ['double_sold', figures.doubleSold],
    ['lost', figures.lost],
    ['unknown', figures.unknown],
    ['sold_at_kill', figures.soldAtKill],
    ['read_queries', figures.readQueries],
    ['updates', figures.updates],
    ['peak_qps', figures.peakQps],
    ['read_p50_us', figures.read.p50Us],
    ['read_p90_us', figures.read.p90Us],
    ['read_p99_us', figures.read.p99Us],
    ['update_p50_us', figures.update.p50Us],
    ['update_p90_us', figures.update.p90Us],
    ['update_p99_us', figures.update.p99Us],
    ['lock_conflicts', figures.lockConflicts],
    ['already_sold', figures.alreadySold],
    ['no_ticket', figures.noTicket],
    ['failed_workers', figures.failedWorkers],
    ['wall_secs', figures.wallSecs.toFixed(3)],
  ];
  return ['thundering_herd_done', values];
}

function holidayValues(log: RawLog, figures: Figures): [string, Values] {
  const values: Values = [
    ['sessions', log.run.buyers],
    ['rooms', unitsOf(log)],
    ['booked', figures.sold],
    ['verified_booked', figures.verifiedSold],
    ['double_booked', figures.doubleSold],
    ['lost', figures.lost],
    ['unknown', figures.unknown],
    ['read_queries', figures.readQueries],
    ['lock_conflicts', figures.lockConflicts],
    ['already_booked', figures.alreadySold],
    ['failed_sessions', figures.failedWorkers],
    ['wall_secs', figures.wallSecs.toFixed(3)],
  ];
  return ['holiday_rush_done', values];
}

function unitsOf(log: RawLog): number {
  return log.run.groupSizes.reduce((sum, size) => sum + size, 0);
}
